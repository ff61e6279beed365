/// Findings of the checker: endpoints.
import PumpSyntax

extension DiagnosticCode {
  public static let lookupKey = DiagnosticCode(
    "P0409", "a lookup's key of another type", .warning,
    explanation:
      "A lookup finds a row whose column equals the key. Where the two are of different types, they may never be equal, or the system refuses the comparison.",
    failing: ###"""
      type Order { id: Int, customer: String }
      type Customer { id: Int, name: String }
      pipeline p {
        source stdin.lines()
          |> decode json as Order
          |> lookup file.csv("customers.csv", column: "id", key: .customer) as who: Customer
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type Order { id: Int, customer: String }
      type Customer { id: Int, name: String }
      pipeline p {
        source stdin.lines()
          |> decode json as Order
          |> lookup file.csv("customers.csv", column: "id", key: to_int(.customer)) as who: Customer
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownSetting = DiagnosticCode(
    "P0401", "an unknown setting", .error,
    explanation:
      #"The connector, the step or the pipeline has no such setting; `pumpc connectors NAME` lists them."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      connection db: SQLite { paht = "a.db" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t")
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t")
        on error halt
      }
      """###)

  public static let secretLiteral = DiagnosticCode(
    "P0402", "a secret in the spec", .warning,
    explanation:
      #"A password written into a spec is read by everyone who reads the spec. It comes from the environment, from pipelines.conf or from a file."#,
    failing: ###"""
      connection pg: PostgreSQL {
        database = "d"
        password = "hunter2"
      }
      pipeline p {
        source pg.listen("c")
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      connection pg: PostgreSQL {
        database = "d"
        password = env.PGPASSWORD
      }
      pipeline p {
        source pg.listen("c")
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownConfig = DiagnosticCode(
    "P0501", "an undeclared configuration key", .error,
    explanation:
      #"What a spec reads as `config.section.key` is declared in `config section { key: Type }`, so that configuration files can be checked."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      config c { min: Int = 1 }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > config.c.mim
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      config c { min: Int = 1 }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > config.c.min
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let poolTooSmall = DiagnosticCode(
    "P0403", "a pool that cannot be enough", .error,
    explanation:
      #"A source that reads by a client of its connection's pool holds it as long as it runs; sinks and lookups need one now and then. With fewer clients than that the pipelines would wait for each other until `acquire_timeout`."#,
    failing: ###"""
      type T { id: Int }
      connection db: SQLite {
        path = "a.db"
        pool { max = 1 }
      }
      pipeline p {
        source db.table("orders") as T
          |> lookup db.table("names", key: .id) as found: T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int }
      connection db: SQLite {
        path = "a.db"
        pool { max = 2 }
      }
      pipeline p {
        source db.table("orders") as T
          |> lookup db.table("names", key: .id) as found: T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let positions = DiagnosticCode(
    "P0404", "positions that cannot be kept", .error,
    explanation:
      #"A sink with `positions` keeps how far its pipeline's sources have come in the transaction of its rows, so that each event has its row once. For that the pipeline has sources of its own, each can go on from a position that others keep (a file, a topic, a table in an order, changes), and one sink only keeps them."#,
    failing: ###"""
      type T { id: Int }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("orders", positions: "positions")
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("orders.ndjson")
          |> decode json as T
          |> sink db.table("orders", positions: "positions")
        on error halt
      }
      """###)

  public static let sharedFile = DiagnosticCode(
    "P0405", "a file that is written twice", .error,
    explanation:
      #"Two sinks of one file would mix or replace each other's lines, so a file has one; several pipelines share it through a pipeline with `input`. A pipeline that appends to the file that it reads would read its own lines without end."#,
    failing: ###"""
      pipeline p {
        source file.lines("in.txt") |> sink file.lines("out.txt", mode: append)
        on error |> encode json |> sink file.lines("dead.ndjson")
      }
      pipeline q {
        source stdin.lines() |> sink stdout.lines()
        on error |> encode json |> sink file.lines("dead.ndjson")
      }
      """###,
    repaired: ###"""
      pipeline p {
        source file.lines("in.txt") |> sink file.lines("out.txt", mode: append)
        on error |> encode json |> sink file.lines("dead-p.ndjson")
      }
      pipeline q {
        source stdin.lines() |> sink stdout.lines()
        on error |> encode json |> sink file.lines("dead-q.ndjson")
      }
      """###)

  public static let nullableKey = DiagnosticCode(
    "P0408", "a key that may be null", .error,
    explanation:
      #"Fields of `key` say which row an event belongs to, fields of `order` which comes next. Null equals nothing and stands in no order: databases keep two rows of one key where it is null, so that a repeat adds one, and a row without a place in the order is never read, or read again. A field that may be null is made one that may not, by its type or by a filter."#,
    failing: ###"""
      type Seat { room: String, nr: Int?, who: String }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("seats.ndjson")
          |> decode json as Seat
          |> sink db.table("seat", key: [room, nr])
        on error halt
      }
      """###,
    repaired: ###"""
      type Seat { room: String, nr: Int, who: String }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("seats.ndjson")
          |> decode json as Seat
          |> sink db.table("seat", key: [room, nr])
        on error halt
      }
      """###)

  static let endpointsCodes: [DiagnosticCode] = [
    .unknownSetting, .secretLiteral, .poolTooSmall, .unknownConfig, .positions, .sharedFile, .nullableKey, .lookupKey,
  ]
}
