import PumpRuntime

/// The library's functions over columns, by name and the kinds of their arguments.
enum Kernels {
  static func key(_ name: String, _ shapes: [Shape]) -> String { name + "(" + shapes.map(kind).joined(separator: ",") + ")" }

  static func kind(_ shape: Shape) -> String {
    let base: String
    switch shape.kind {
    case .list: base = "list<\(kind(shape.element!))>"
    case .map: base = "map"
    default: base = "\(shape.kind)"
    }
    return base + (shape.isOptional ? "?" : "")
  }

  static func kind<T>(_ type: T.Type) -> String {
    switch type {
    case is Int64.Type: "int"
    case is Double.Type: "float"
    case is Decimal.Type: "decimal"
    case is Bool.Type: "bool"
    case is Text.Type: "string"
    case is Blob.Type: "bytes"
    case is Json.Type: "json"
    case is Timestamp.Type: "timestamp"
    case is Day.Type: "date"
    case is Duration.Type: "duration"
    case is Size.Type: "size"
    case is Uuid.Type: "uuid"
    case is List<Int64>.Type: "list<int>"
    case is List<Double>.Type: "list<float>"
    case is List<Decimal>.Type: "list<decimal>"
    case is List<Text>.Type: "list<string>"
    case is List<Timestamp>.Type: "list<timestamp>"
    default: "other"
    }
  }

  /// Built once; read by every pipeline while it is compiled.
  nonisolated(unsafe) static let table: [String: Kernel] = {
    var table = Table()
    operators(&table)
    numbers(&table)
    texts(&table)
    times(&table)
    encodings(&table)
    return table.kernels
  }()

  struct Table {
    var kernels: [String: Kernel] = [:]
    mutating func add<R: ColumnValue>(_ name: String, _ f: @escaping (Context) throws(EventFailure) -> R) {
      kernels["\(name)()"] = { _, shape in
        let out = Column(shape)
        return rowwise([], out) { (frame, row) throws(EventFailure) in try f(frame.context).write(out, row) }
      }
    }
    mutating func add<A: ColumnValue, R: ColumnValue>(_ name: String, _ f: @escaping (A, Context) throws(EventFailure) -> R) {
      kernels["\(name)(\(kind(A.self)))"] = unary(A.self, R.self, f)
    }
    mutating func add<A: ColumnValue, B: ColumnValue, R: ColumnValue>(
      _ name: String, _ f: @escaping (A, B, Context) throws(EventFailure) -> R
    ) {
      kernels["\(name)(\(kind(A.self)),\(kind(B.self)))"] = binary(A.self, B.self, R.self, f)
    }
    mutating func add<A: ColumnValue, B: ColumnValue, C: ColumnValue, R: ColumnValue>(
      _ name: String, _ f: @escaping (A, B, C, Context) throws(EventFailure) -> R
    ) {
      kernels["\(name)(\(kind(A.self)),\(kind(B.self)),\(kind(C.self)))"] = ternary(A.self, B.self, C.self, R.self, f)
    }
    mutating func compare<T: Comparable & ColumnValue>(_ type: T.Type) {
      let k = "(\(kind(type)),\(kind(type)))"
      kernels["equals" + k] = fast(type, Bool.self) { $0 == $1 }
      kernels["less" + k] = fast(type, Bool.self) { $0 < $1 }
      kernels["less_equal" + k] = fast(type, Bool.self) { $0 <= $1 }
      kernels["greater" + k] = fast(type, Bool.self) { $0 > $1 }
      kernels["greater_equal" + k] = fast(type, Bool.self) { $0 >= $1 }
    }
    mutating func range<T: Comparable & ColumnValue>(_ type: T.Type) {
      add("min") { (a: T, b: T, c) in Fn.min(a, b, c) }
      add("max") { (a: T, b: T, c) in Fn.max(a, b, c) }
      add("min") { (a: List<T>, c) -> T? in Fn.min(a, c) }
      add("max") { (a: List<T>, c) -> T? in Fn.max(a, c) }
      add("sort") { (a: List<T>, c) in Fn.sort(a, c) }
    }
  }

  static func operators(_ t: inout Table) {
    t.compare(Int64.self)
    t.compare(Double.self)
    t.compare(Decimal.self)
    t.compare(Text.self)
    t.compare(Timestamp.self)
    t.compare(Day.self)
    t.compare(Duration.self)
    t.compare(Size.self)
    t.kernels["equals(bool,bool)"] = fast(Bool.self, Bool.self) { $0 == $1 }
    t.kernels["equals(enumeration,enumeration)"] = fast(Int64.self, Bool.self) { $0 == $1 }
    t.add("add") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Int64, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Double, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Decimal, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Timestamp, b: Duration, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Timestamp, b: Duration, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("subtract") { (a: Timestamp, b: Timestamp, c) throws(EventFailure) -> Duration in try Fn.subtract(a, b, c) }
    t.add("add") { (a: Duration, b: Duration, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Duration, b: Duration, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Duration, b: Int64, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Duration, b: Int64, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("negate") { (a: Duration, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Size, b: Size, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Size, b: Size, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("add") { (a: Day, b: Int64, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Day, b: Int64, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
  }

  static func numbers(_ t: inout Table) {
    t.add("abs") { (x: Int64, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("abs") { (x: Decimal, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("abs") { (x: Double, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("sign") { (x: Int64, c) in Fn.sign(x, c) }
    t.add("sign") { (x: Decimal, c) in Fn.sign(x, c) }
    t.add("sign") { (x: Double, c) in Fn.sign(x, c) }
    t.range(Int64.self)
    t.range(Decimal.self)
    t.range(Double.self)
    t.range(Timestamp.self)
    t.add("sort") { (a: List<Text>, c) in Fn.sort(a, c) }
    t.add("clamp") { (x: Int64, a: Int64, b: Int64, c) in Fn.clamp(x, a, b, c) }
    t.add("clamp") { (x: Decimal, a: Decimal, b: Decimal, c) in Fn.clamp(x, a, b, c) }
    t.add("clamp") { (x: Double, a: Double, b: Double, c) in Fn.clamp(x, a, b, c) }
    t.add("round") { (x: Decimal, d: Int64, c) throws(EventFailure) in try Fn.round(x, d, c) }
    t.add("round") { (x: Double, d: Int64, c) throws(EventFailure) in try Fn.round(x, d, c) }
    t.add("floor") { (x: Decimal, c) in Fn.floor(x, c) }
    t.add("floor") { (x: Double, c) in Fn.floor(x, c) }
    t.add("ceil") { (x: Decimal, c) in Fn.ceil(x, c) }
    t.add("ceil") { (x: Double, c) in Fn.ceil(x, c) }
    t.add("sqrt") { (x: Double, c) throws(EventFailure) in try Fn.sqrt(x, c) }
    t.add("pow") { (x: Double, y: Double, c) throws(EventFailure) in try Fn.pow(x, y, c) }
    t.add("exp") { (x: Double, c) throws(EventFailure) in try Fn.exp(x, c) }
    t.add("ln") { (x: Double, c) throws(EventFailure) in try Fn.ln(x, c) }
    t.add("log10") { (x: Double, c) throws(EventFailure) in try Fn.log10(x, c) }
    t.add("to_int") { (x: Decimal, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Double, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Text, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Json, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Bool, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Size, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_float") { (x: Int64, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Decimal, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Text, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Json, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_decimal") { (x: Int64, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Double, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Text, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Json, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_bool") { (x: Text, c) throws(EventFailure) in try Fn.toBool(x, c) }
    t.add("to_bool") { (x: Json, c) throws(EventFailure) in try Fn.toBool(x, c) }
    t.add("to_fixed") { (x: Decimal, d: Int64, c) throws(EventFailure) in try Fn.toFixed(x, d, c) }
    t.add("to_fixed") { (x: Double, d: Int64, c) throws(EventFailure) in try Fn.toFixed(x, d, c) }
    t.add("bit_and") { (a: Int64, b: Int64, c) in Fn.bitAnd(a, b, c) }
    t.add("bit_or") { (a: Int64, b: Int64, c) in Fn.bitOr(a, b, c) }
    t.add("bit_xor") { (a: Int64, b: Int64, c) in Fn.bitXor(a, b, c) }
    t.add("shift_left") { (a: Int64, b: Int64, c) in Fn.shiftLeft(a, b, c) }
    t.add("shift_right") { (a: Int64, b: Int64, c) in Fn.shiftRight(a, b, c) }
    t.add("bytes") { (x: Int64, c) throws(EventFailure) in try Fn.bytes(x, c) }
    t.add("is_ip") { (x: Text, c) in Fn.isIp(x, c) }
    t.add("is_ipv4") { (x: Text, c) in Fn.isIpv4(x, c) }
    t.add("is_ipv6") { (x: Text, c) in Fn.isIpv6(x, c) }
    t.add("ip_in") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.ipIn(a, b, c) }
    t.add("is_private_ip") { (x: Text, c) throws(EventFailure) in try Fn.isPrivateIp(x, c) }
    t.add("sum") { (x: List<Int64>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("sum") { (x: List<Double>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("sum") { (x: List<Decimal>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("average") { (x: List<Double>, c) throws(EventFailure) -> Double? in try Fn.average(x, c) }
    t.add("average") { (x: List<Decimal>, c) throws(EventFailure) -> Decimal? in try Fn.average(x, c) }
    t.add("range") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.range(a, b, c) }
  }

  static func texts(_ t: inout Table) {
    t.add("upper") { (x: Text, c) in Fn.upper(x, c) }
    t.add("lower") { (x: Text, c) in Fn.lower(x, c) }
    t.add("capitalize") { (x: Text, c) in Fn.capitalize(x, c) }
    t.add("trim") { (x: Text, c) in Fn.trim(x, c) }
    t.add("trim_start") { (x: Text, c) in Fn.trimStart(x, c) }
    t.add("trim_end") { (x: Text, c) in Fn.trimEnd(x, c) }
    t.add("length") { (x: Text, c) in Fn.length(x, c) }
    t.add("length") { (x: Blob, c) in Fn.length(x, c) }
    t.add("contains") { (a: Text, b: Text, c) in Fn.contains(a, b, c) }
    t.add("starts_with") { (a: Text, b: Text, c) in Fn.startsWith(a, b, c) }
    t.add("ends_with") { (a: Text, b: Text, c) in Fn.endsWith(a, b, c) }
    t.add("replace") { (a: Text, b: Text, d: Text, c) throws(EventFailure) in try Fn.replace(a, b, d, c) }
    t.add("split") { (a: Text, b: Text, c) in Fn.split(a, b, c) }
    t.add("join") { (a: List<Text>, b: Text, c) throws(EventFailure) in try Fn.join(a, b, c) }
    t.add("substring") { (a: Text, b: Int64, d: Int64, c) in Fn.substring(a, b, d, c) }
    t.add("truncate") { (a: Text, b: Int64, c) in Fn.truncate(a, b, c) }
    t.add("index_of") { (a: Text, b: Text, c) -> Int64? in Fn.indexOf(a, b, c) }
    t.add("pad_start") { (a: Text, b: Int64, d: Text, c) in Fn.padStart(a, b, d, c) }
    t.add("pad_end") { (a: Text, b: Int64, d: Text, c) in Fn.padEnd(a, b, d, c) }
    t.add("repeat") { (a: Text, b: Int64, c) throws(EventFailure) in try Fn.repeat(a, b, c) }
    t.add("reverse") { (a: Text, c) in Fn.reverse(a, c) }
    t.add("lines") { (a: Text, c) in Fn.lines(a, c) }
    t.add("words") { (a: Text, c) in Fn.words(a, c) }
    t.add("before") { (a: Text, b: Text, c) in Fn.before(a, b, c) }
    t.add("after") { (a: Text, b: Text, c) in Fn.after(a, b, c) }
    t.add("is_blank") { (a: Text, c) in Fn.isBlank(a, c) }
    t.add("is_ascii") { (a: Text, c) in Fn.isAscii(a, c) }
    t.add("is_empty") { (a: Text, c) in Fn.isEmpty(a, c) }
    t.add("to_string") { (a: Text, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Int64, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Double, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Decimal, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Bool, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Timestamp, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Day, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Duration, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Size, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Uuid, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Blob, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Json, c) in Fn.toString(a, c) }
    t.add("matches") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.matches(a, b, c) }
    t.add("find") { (a: Text, b: Text, c) throws(EventFailure) -> Text? in try Fn.find(a, b, c) }
    t.add("find_all") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.findAll(a, b, c) }
    t.add("capture") { (a: Text, b: Text, d: Int64, c) throws(EventFailure) -> Text? in try Fn.capture(a, b, d, c) }
    t.add("replace_all") { (a: Text, b: Text, d: Text, c) throws(EventFailure) in try Fn.replaceAll(a, b, d, c) }
    t.add("split_by") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.splitBy(a, b, c) }
  }

  static func times(_ t: inout Table) {
    t.add("now") { c -> Timestamp in Fn.now(c) }
    t.add("year") { (x: Timestamp, c) in Fn.year(x, c) }
    t.add("year") { (x: Day, c) in Fn.year(x, c) }
    t.add("month") { (x: Timestamp, c) in Fn.month(x, c) }
    t.add("month") { (x: Day, c) in Fn.month(x, c) }
    t.add("day") { (x: Timestamp, c) in Fn.day(x, c) }
    t.add("day") { (x: Day, c) in Fn.day(x, c) }
    t.add("hour") { (x: Timestamp, c) in Fn.hour(x, c) }
    t.add("minute") { (x: Timestamp, c) in Fn.minute(x, c) }
    t.add("second") { (x: Timestamp, c) in Fn.second(x, c) }
    t.add("weekday") { (x: Timestamp, c) in Fn.weekday(x, c) }
    t.add("weekday") { (x: Day, c) in Fn.weekday(x, c) }
    t.add("day_of_year") { (x: Timestamp, c) in Fn.dayOfYear(x, c) }
    t.add("day_of_year") { (x: Day, c) in Fn.dayOfYear(x, c) }
    t.add("date") { (x: Timestamp, c) in Fn.date(x, c) }
    t.add("timestamp") { (x: Day, c) in Fn.timestamp(x, c) }
    t.add("floor_to") { (x: Timestamp, d: Duration, c) throws(EventFailure) in try Fn.floorTo(x, d, c) }
    t.add("add_months") { (x: Day, n: Int64, c) throws(EventFailure) in try Fn.addMonths(x, n, c) }
    t.add("add_months") { (x: Timestamp, n: Int64, c) throws(EventFailure) in try Fn.addMonths(x, n, c) }
    t.add("days_between") { (a: Day, b: Day, c) in Fn.daysBetween(a, b, c) }
    t.add("epoch_s") { (x: Timestamp, c) in Fn.epochS(x, c) }
    t.add("epoch_ms") { (x: Timestamp, c) in Fn.epochMs(x, c) }
    t.add("from_epoch_s") { (x: Int64, c) throws(EventFailure) in try Fn.fromEpochS(x, c) }
    t.add("from_epoch_ms") { (x: Int64, c) throws(EventFailure) in try Fn.fromEpochMs(x, c) }
    t.add("to_timestamp") { (x: Text, c) throws(EventFailure) in try Fn.toTimestamp(x, c) }
    t.add("to_date") { (x: Text, c) throws(EventFailure) in try Fn.toDate(x, c) }
    t.add("format_time") { (x: Timestamp, p: Text, z: Text, c) throws(EventFailure) in try Fn.formatTime(x, p, z, c) }
    t.add("parse_time") { (x: Text, p: Text, z: Text, c) throws(EventFailure) in try Fn.parseTime(x, p, z, c) }
    t.add("to_seconds") { (x: Duration, c) in Fn.toSeconds(x, c) }
    t.add("to_millis") { (x: Duration, c) in Fn.toMillis(x, c) }
    t.add("seconds") { (x: Int64, c) throws(EventFailure) in try Fn.seconds(x, c) }
    t.add("millis") { (x: Int64, c) throws(EventFailure) in try Fn.millis(x, c) }
  }

  static func encodings(_ t: inout Table) {
    t.add("to_bytes") { (x: Text, c) in Fn.toBytes(x, c) }
    t.add("to_text") { (x: Blob, c) throws(EventFailure) in try Fn.toText(x, c) }
    t.add("base64") { (x: Blob, c) in Fn.base64(x, c) }
    t.add("base64") { (x: Text, c) in Fn.base64(x, c) }
    t.add("from_base64") { (x: Text, c) throws(EventFailure) in try Fn.fromBase64(x, c) }
    t.add("hex") { (x: Blob, c) in Fn.hex(x, c) }
    t.add("hex") { (x: Text, c) in Fn.hex(x, c) }
    t.add("hex") { (x: Int64, c) in Fn.hex(x, c) }
    t.add("from_hex") { (x: Text, c) throws(EventFailure) in try Fn.fromHex(x, c) }
    t.add("url_encode") { (x: Text, c) in Fn.urlEncode(x, c) }
    t.add("url_path") { (x: Text, c) in Fn.urlPath(x, c) }
    t.add("url_decode") { (x: Text, c) throws(EventFailure) in try Fn.urlDecode(x, c) }
    t.add("html_escape") { (x: Text, c) in Fn.htmlEscape(x, c) }
    t.add("md5") { (x: Blob, c) in Fn.md5(x, c) }
    t.add("md5") { (x: Text, c) in Fn.md5(x, c) }
    t.add("sha1") { (x: Blob, c) in Fn.sha1(x, c) }
    t.add("sha1") { (x: Text, c) in Fn.sha1(x, c) }
    t.add("sha256") { (x: Blob, c) in Fn.sha256(x, c) }
    t.add("sha256") { (x: Text, c) in Fn.sha256(x, c) }
    t.add("hmac_sha256") { (x: Text, k: Text, c) in Fn.hmacSha256(x, k, c) }
    t.add("crc32") { (x: Blob, c) in Fn.crc32(x, c) }
    t.add("crc32") { (x: Text, c) in Fn.crc32(x, c) }
    t.add("fnv1a") { (x: Text, c) in Fn.fnv1a(x, c) }
    t.add("uuid_v4") { c -> Uuid in Fn.uuidV4(c) }
    t.add("uuid_v7") { c -> Uuid in Fn.uuidV7(c) }
    t.add("uuid_v5") { (n: Uuid, x: Text, c) in Fn.uuidV5(n, x, c) }
    t.add("to_uuid") { (x: Text, c) throws(EventFailure) in try Fn.toUuid(x, c) }
    t.add("parse_json") { (x: Text, c) throws(EventFailure) in try Fn.parseJson(x, c) }
    t.add("parse_json") { (x: Blob, c) throws(EventFailure) in try Fn.parseJson(x, c) }
    t.add("json_type") { (x: Json, c) in Fn.jsonType(x, c) }
    t.add("json_get") { (x: Json, p: Text, c) -> Json? in Fn.jsonGet(x, p, c) }
    t.add("json_keys") { (x: Json, c) throws(EventFailure) in try Fn.jsonKeys(x, c) }
    t.add("json_items") { (x: Json, c) throws(EventFailure) in try Fn.jsonItems(x, c) }
    t.add("json_member") { (x: Json, k: Text, c) throws(EventFailure) in try Fn.jsonMember(x, k, c) }
    t.add("json_element") { (x: Json, i: Int64, c) throws(EventFailure) in try Fn.jsonElement(x, i, c) }
    t.add("json_with") { (x: Json, k: Text, v: Json, c) throws(EventFailure) in try Fn.jsonWith(x, k, v, c) }
    t.add("json_without") { (x: Json, k: Text, c) throws(EventFailure) in try Fn.jsonWithout(x, k, c) }
    t.add("merge") { (a: Json, b: Json, c) throws(EventFailure) in try Fn.merge(a, b, c) }
  }
}
