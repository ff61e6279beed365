/// The version of the compiler and of the runtime that its programs link.
public let pumpVersion = "0.1.0"
