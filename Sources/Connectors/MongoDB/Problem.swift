#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// What the server or libmongoc said of something that failed, and what that means.
struct Problem {
  let domain: UInt32
  let code: UInt32
  let message: String

  /// An error of one write, or of the write concern, from the server's answer.
  init(_ answer: Document) {
    domain = MONGOC_ERROR_SERVER.rawValue
    code = UInt32(truncatingIfNeeded: answer["code"]?.whole ?? 0)
    let text = answer["errmsg"]?.string?.string ?? ""
    // Why a document breaks the collection's rules stands apart.
    let details = answer["errInfo"].map { $0.type == .document ? ": \($0.document.json(.plain).prefix(400))" : "" } ?? ""
    message = text + details
  }

  private init(domain: UInt32, code: UInt32, message: String) {
    self.domain = domain
    self.code = code
    self.message = message
  }

  /// Where libmongoc writes one, as long as this object lives.
  final class Memory {
    let error = UnsafeMutablePointer<bson_error_t>.allocate(capacity: 1)
    init() { UnsafeMutableRawPointer(error).initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<bson_error_t>.size) }
    deinit { error.deallocate() }
    var value: Problem {
      Problem(domain: error.pointee.domain, code: error.pointee.code, message: String(cString: pump_mongo_message(error)))
    }
  }

  private var isFromServer: Bool { domain == MONGOC_ERROR_SERVER.rawValue || domain == MONGOC_ERROR_WRITE_CONCERN.rawValue }
  private var isOfTheWay: Bool {
    [MONGOC_ERROR_STREAM, MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_PROTOCOL].contains { $0.rawValue == domain }
      && code != MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION.rawValue
  }

  /// The server is gone, or is the primary no more.
  var isLoss: Bool { isFromServer ? Self.losses.contains(code) : isOfTheWay }

  /// Trying again may help.
  var isTransient: Bool { isLoss || (isFromServer && Self.passing.contains(code)) }

  /// What one event holds is at fault.
  var refusesData: Bool { isFromServer && Self.refusals.contains(code) }

  /// An error that the server gave for one write alone, and that is not the fault of the connection.
  var refusesOne: Bool { !isTransient && !Self.ofTheConnection.contains(code) }

  var isDuplicate: Bool { isFromServer && [11000, 11001, 12582].contains(code) }

  /// HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, SocketException,
  /// NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk and
  /// NotPrimaryOrSecondary.
  private static let losses: Set<UInt32> = [6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436]

  /// LockTimeout, CursorNotFound, LockBusy, MaxTimeMSExpired, StaleShardVersion, WriteConcernFailed, WriteConflict,
  /// FailedToSatisfyReadPreference, ReadConcernMajorityNotAvailableYet, CappedPositionLost, StaleEpoch,
  /// QueryPlanKilled, NetworkInterfaceExceededTimeLimit, RetryChangeStream, CursorKilled, SnapshotUnavailable,
  /// ExceededTimeLimit, ClientMarkedKilled, StaleConfig and OutOfDiskSpace.
  private static let passing: Set<UInt32> = [
    24, 43, 46, 50, 63, 64, 112, 133, 134, 136, 150, 175, 202, 234, 237, 246, 262, 279, 13388, 14031,
  ]

  /// BadValue, FailedToParse, TypeMismatch, Overflow, InvalidLength, InvalidBSON, PathNotViable,
  /// ConflictingUpdateOperators, DollarPrefixedFieldName, InvalidIdField, NotSingleValueField, InvalidDBRef,
  /// EmptyFieldName, DottedFieldName, ShardKeyNotFound, ImmutableField, DocumentValidationFailure, DuplicateKey in its three
  /// numbers, CannotGrowDocumentInCappedNamespace, BSONObjectTooLarge, geometry that an index cannot take, KeyTooLong, and
  /// documents that an update makes too large.
  private static let refusals: Set<UInt32> = [
    2, 9, 14, 15, 16, 22, 28, 40, 52, 53, 54, 55, 56, 57, 61, 66, 121, 11000, 11001, 12582, 10003, 10334, 16755, 17280, 17419,
  ]

  /// Unauthorized, AuthenticationFailed, IllegalOperation, NamespaceNotFound, CommandNotFound, InvalidOptions,
  /// InvalidNamespace, UnknownReplWriteConcern, UnsatisfiableWriteConcern, CommandNotSupportedOnView and AtlasError.
  private static let ofTheConnection: Set<UInt32> = [13, 18, 20, 26, 59, 72, 73, 79, 100, 166, 8000]

  /// For people.
  var text: String {
    var text = message
    if domain == MONGOC_ERROR_SERVER_SELECTION.rawValue {
      // What libmongoc says of each server stands in brackets; of a single one it need not be said which.
      if let open = text.firstIndex(of: "["), let close = text.lastIndex(of: "]"), open < close {
        text = String(text[text.index(after: open)..<close])
        if !text.contains("["), let host = text.firstRange(of: " calling hello on") { text = String(text[..<host.lowerBound]) }
      }
      text = text.replacing(" (`serverSelectionTryOnce` set)", with: "")
    }
    // Of a lost session it tells first which command was under way.
    let isLost = domain == MONGOC_ERROR_STREAM.rawValue
    if isLost { text = String(text.split(separator: ": ").last ?? "") }
    if text.hasSuffix(".") { text.removeLast() }
    if text.isEmpty { return "the session with the server ended" }
    return isLost ? "the session with the server ended: \(text)" : text
  }

  /// What would help.
  var help: String? {
    if Self.isOfLogin(domain, code) { return "check `user`, `password` and `auth_source`" }
    if code == MONGOC_ERROR_CHANGE_STREAM_NO_RESUME_TOKEN.rawValue, domain == MONGOC_ERROR_CURSOR.rawValue {
      return "`pipeline` must leave every event its `_id`"
    }
    guard isFromServer else { return nil }
    switch code {
    case 13: return "grant the user what it needs, or set `user` and `password`"
    case 20, 40573: return "change streams and their like need a replica set"
    case 73: return "check the names of the database and the collection"
    case 79, 100: return "check `write_concern`: no such servers are in the replica set"
    case 64: return "the write is done, but not everywhere within `command_timeout`; are servers of the replica set down?"
    case 10107, 13435: return "with `replica_set` the new primary is found"
    case 280, 286, 260:
      return
        "the changes behind the kept position are gone; remove the position to begin with the changes of now, and let the oplog keep more"
    default: return nil
    }
  }

  private static func isOfLogin(_ domain: UInt32, _ code: UInt32) -> Bool {
    switch domain {
    case MONGOC_ERROR_CLIENT.rawValue: code == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue
    case MONGOC_ERROR_SERVER.rawValue: code == 18 || code == 334
    default: domain == MONGOC_ERROR_SASL.rawValue || domain == MONGOC_ERROR_SCRAM.rawValue
    }
  }
}
#endif
