"""Pairs with PostgreSQL at both ends, and what others need of it."""

import json

from pair import TYPE, FromFile, Pair, event, lines_of

POSTGRESQL = 'connection db: PostgreSQL { host = "127.0.0.1", database = "app", user = "app", password = env.PG_PASSWORD, sslmode = disable }\n'
COLUMNS = "n, key, seq, text"
BULK = 20_000


def events_sql(first, last):
    """The events of these numbers as rows, as `event` makes them."""
    return f"select n, 'k' || n % 10, n / 10, 'event-' || n || '-' || n * 7919 % 10007 from generate_series({first}, {last}) n"


class ToPostgreSQL(Pair):
    def open_postgresql(self):
        self.db = self.serve("postgresql")
        self.environment["PG_PASSWORD"] = self.db.facts["password"]
        # The second of them most of all: whether the commit took place is not known then.
        port = self.through(f"127.0.0.1:{self.db.facts['port']}", faults=["cut-reply COMMIT"] * 2)
        self.settings.append(f"connection.db.port={port}")

    def open_table(self, key=""):
        """A table that also keeps the order in which its rows came."""
        self.open_postgresql()
        self.db.tell(f"sql create table events (n bigint{key}, key text, seq bigint, text text, at bigserial)")

    def rows(self, sql):
        return json.loads(self.db.tell(f"sql select coalesce(jsonb_agg(to_jsonb(item)), '[]') from ({sql}) item").replace("\\n", ""))

    def found(self):
        return self.rows(f"select {COLUMNS} from events order by at")

    def progress(self):
        return self.db.tell("sql select count(*), max(xmin::text::bigint) from events")


class ChangesToPostgreSQL(ToPostgreSQL):
    spec = TYPE + POSTGRESQL + """pipeline p {
  source db.changes("issued", slot: "chaos") |> decode json as Event |> sink db.table("events", positions: "positions")
  on error halt
}
"""

    def open(self):
        self.open_table()
        self.open_changes("n bigint primary key, key text, seq bigint, text text")

    def open_changes(self, columns):
        self.db.tell(f"sql create table issued ({columns})")
        self.db.tell("sql create publication issued for table issued")
        self.db.tell("sql alter user app replication")
        self.db.tell("sql select pg_create_logical_replication_slot('chaos', 'pgoutput')")

    def issue(self, events):
        self.db.tell(f"sql insert into issued {events_sql(events[0]['n'], events[-1]['n'])}")


class ChangesToMirror(ChangesToPostgreSQL):
    """A replica of a table whose rows are changed, moved to other keys, deleted and truncated, some in transactions of 20,000
    rows; every twentieth has a value that is stored apart and that the server does not send while it stays as it is."""

    ordered = False
    spec = TYPE + POSTGRESQL + """pipeline p {
  source db.changes("issued", slot: "chaos") |> sink db.table("events", key: [n], mode: mirror)
  on error halt
}
"""

    def open(self):
        columns = "n bigint primary key, key text, seq bigint, text text, large text"
        self.open_postgresql()
        self.db.tell(f"sql create table events ({columns})")
        self.open_changes(columns)
        self.db.tell(
            "sql create function large(n bigint) returns text language sql as "
            "$$ select string_agg(md5(n || ' ' || i), '') from generate_series(1, 200) i $$")
        self.turn = 0

    def issue(self, events):
        super().issue(events)
        here = f"n between {events[0]['n']} and {events[-1]['n']}"
        some = f"n % 5 = 0 and {here}"
        for statement in [
            f"update issued set large = large(n) where n % 20 = 0 and {here}",
            f"update issued set text = text || '!' where {some}",
            f"update issued set n = -n where {some}",
            f"update issued set large = large(seq), text = text || '?' where n % 40 = 0 and {here.replace('n between', '-n between')}",
            f"update issued set n = -n where {some.replace('n between', '-n between')} and n % 3 = 0",
            f"delete from issued where {some} and n % 2 = 1",
            *self.bulk(events[-1]["n"]),
        ]:
            self.db.tell("sql " + statement)

    def bulk(self, last):
        """One transaction of many rows in turn: new ones, their change, their move to other keys, everything made anew."""
        self.turn += 1
        rows = f"select 1000000 + i, 'bulk', i, 'row ' || i from generate_series(1, {BULK}) i"
        return {
            1: [f"insert into issued {rows}"],
            2: ["update issued set text = text || '!' where key = 'bulk'"],
            3: ["update issued set n = n + 100000 where key = 'bulk'"],
            5: ["delete from issued where key = 'bulk' and seq % 100 <> 0"],
            6: [f"truncate issued; insert into issued {events_sql(1, last)}; update issued set large = large(n) where n % 20 = 0"],
        }.get(self.turn % 30, [])

    def table(self, name):
        return self.rows(f"select {COLUMNS}, md5(large) as large from {name}")

    def expected(self, issued):
        return {row["n"]: row for row in self.table("issued")}

    def found(self):
        return self.table("events")


class FileToPostgreSQL(FromFile, ToPostgreSQL):
    """A table that refuses some rows only at COMMIT, and fails one commit of four for nobody's fault."""

    spec = TYPE + POSTGRESQL + """pipeline p {
  source file.lines("events.ndjson", follow: true) |> decode json as Event
    |> sink db.table("events", positions: "positions") { batch { linger = 50ms } }
  on error |> map .payload |> sink file.lines("refused.ndjson", mode: append)
}
"""

    def open(self):
        self.open_file()
        self.open_table()
        self.db.tell(
            "sql create function late() returns trigger language plpgsql as $$ begin "
            "if new.n % 97 = 0 then raise check_violation using message = 'refused'; end if; "
            "if txid_current() % 4 = 0 then raise serialization_failure; end if; "
            "return null; end $$")
        self.db.tell("sql create constraint trigger late after insert on events deferrable initially deferred "
                     "for each row execute function late()")

    def refuses(self, number):
        return number % 97 == 0

    def refused(self):
        return lines_of(f"{self.folder}/refused.ndjson")
