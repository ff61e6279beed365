import PumpCompiler
let newVerb = Verb(name: "new", summary: "", help: "") { _ in 0 }
let fmtVerb = Verb(name: "fmt", summary: "", help: "") { _ in 0 }
let graphVerb = Verb(name: "graph", summary: "", help: "") { _ in 0 }
let configVerb = Verb(name: "config", summary: "", help: "") { _ in 0 }
