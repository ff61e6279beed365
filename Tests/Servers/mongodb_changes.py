"""The log of changes of the MongoDB stand-in, and change streams over it."""

import datetime
import os
import threading
import time

import bson
import mongomock
from bson import Int64, Timestamp
from bson.raw_bson import RawBSONDocument

MAX_DOCUMENT = 16 * 1024 * 1024

CODE_NAMES = {
    2: "BadValue", 6: "HostUnreachable", 7: "HostNotFound", 9: "FailedToParse", 13: "Unauthorized",
    17: "ProtocolError", 18: "AuthenticationFailed", 20: "IllegalOperation", 26: "NamespaceNotFound", 43: "CursorNotFound",
    48: "NamespaceExists", 50: "MaxTimeMSExpired", 59: "CommandNotFound", 72: "InvalidOptions", 73: "InvalidNamespace",
    89: "NetworkTimeout", 91: "ShutdownInProgress", 100: "UnsatisfiableWriteConcern", 112: "WriteConflict",
    189: "PrimarySteppedDown", 225: "TransactionTooOld", 238: "NotImplemented", 260: "InvalidResumeToken",
    262: "ExceededTimeLimit", 286: "ChangeStreamHistoryLost", 334: "MechanismUnavailable", 9001: "SocketException",
    10107: "NotWritablePrimary", 11000: "DuplicateKey", 11600: "InterruptedAtShutdown",
    11602: "InterruptedDueToReplStateChange", 13388: "StaleConfig", 13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
}


class CommandError(Exception):
    """A command that fails as a whole, or one of its writes."""

    def __init__(self, code, message, **more):
        super().__init__(message)
        self.code = code
        self.details = more
        self.body = {"ok": 0.0, "errmsg": message, "code": code, "codeName": CODE_NAMES.get(code, f"Location{code}"), **more}


def same(left, right):
    """As BSON: to Python 1, 1.0 and True are the same."""
    return bson.encode({"": left}) == bson.encode({"": right})


def difference(before, after, above=""):
    """What an update event tells: fields with new values, and fields that are gone."""
    updated, removed = {}, []
    for name, value in after.items():
        if name not in before:
            updated[above + name] = value
        elif isinstance(value, dict) and isinstance(before[name], dict):
            inner_updated, inner_removed = difference(before[name], value, f"{above}{name}.")
            updated.update(inner_updated)
            removed += inner_removed
        elif not same(before[name], value):
            updated[above + name] = value
    removed += [above + name for name in before if name not in after]
    return updated, removed


class Changes:
    """All writes in their order. A condition wakes the streams that wait for more; its lock is that of all data."""

    def __init__(self):
        self.condition = threading.Condition(threading.RLock())
        self.entries = []
        # Tokens of another server, or of the one before, are told apart by this.
        self.identity = os.urandom(8).hex()
        self.start_time = self.last_time = Timestamp(int(time.time()), 1)

    def add(self, operation, database, collection, identifier=None, **more):
        now = int(time.time())
        last = self.last_time
        self.last_time = Timestamp(now, 1) if now > last.time else Timestamp(last.time, last.inc + 1)
        entry = {"operationType": operation, "clusterTime": self.last_time,
                 "wallTime": datetime.datetime.now(datetime.timezone.utc), "ns": {"db": database, "coll": collection}, **more}
        if identifier is not None:
            entry["documentKey"] = {"_id": identifier}
        self.entries.append(entry)
        self.condition.notify_all()

    def token(self, position, invalidated=False):
        return {"_data": f"{self.identity}{position:016x}{'01' if invalidated else ''}"}

    def position(self, options):
        """Where a new stream starts, from the options of $changeStream."""
        given = [name for name in ("resumeAfter", "startAfter", "startAtOperationTime") if name in options]
        if len(given) > 1:
            raise CommandError(50674, "Only one type of resume option is allowed, but multiple were found")
        if not given:
            return len(self.entries)
        if given == ["startAtOperationTime"]:
            wanted = options["startAtOperationTime"]
            if wanted < self.start_time:
                raise CommandError(286, "Resume of change stream was not possible, as the resume point may no longer be in "
                                   "the oplog.")
            later = (place for place, entry in enumerate(self.entries) if entry["clusterTime"] >= wanted)
            return next(later, len(self.entries))
        data = options[given[0]].get("_data")
        if not isinstance(data, str) or len(data) not in (32, 34):
            raise CommandError(260, "the resume token has the wrong form")
        if len(data) == 34 and given == ["resumeAfter"]:
            raise CommandError(260, "Attempting to resume a change stream using 'resumeAfter' is not allowed from an "
                               "invalidate notification.")
        position = int(data[16:32], 16)
        if not data.startswith(self.identity) or position > len(self.entries):
            raise CommandError(286, "Resume of change stream was not possible, as the resume point may no longer be in the "
                               "oplog.")
        return position


class ChangeStream:
    """A cursor that never ends by itself, unless its collection is dropped."""

    def __init__(self, changes, database, collection, pipeline, look_up):
        options = dict(pipeline[0]["$changeStream"])
        known = ("resumeAfter", "startAfter", "startAtOperationTime", "fullDocument", "allChangesForCluster")
        for name in options:
            if name not in known:
                raise CommandError(40415, f"BSON field '$changeStream.{name}' is an unknown field.")
        self.full_document = options.get("fullDocument", "default")
        if self.full_document not in ("default", "updateLookup"):
            raise CommandError(238, "this stand-in keeps no images of documents: fullDocument is default or updateLookup")
        for stage in pipeline[1:]:
            name, = stage
            if name not in ("$match", "$project", "$addFields", "$set", "$unset", "$replaceRoot"):
                raise CommandError(20, f"{name} is not permitted in a $changeStream pipeline")
        self.changes = changes
        self.namespace = f"{database}.{collection if isinstance(collection, str) else '$cmd.aggregate'}"
        # None means any.
        self.database = None if options.get("allChangesForCluster") else database
        self.collection = collection if isinstance(collection, str) else None
        self.stages = pipeline[1:]
        self.look_up = look_up
        self.next = changes.position(options)
        self.closed = False

    def concerns(self, entry):
        return ((self.database is None or entry["ns"]["db"] == self.database)
                and (self.collection is None or entry["ns"]["coll"] == self.collection))

    def events(self, entry, position):
        """The events that a client sees for an entry of the log."""
        event = {"_id": self.changes.token(position), **entry}
        if self.full_document == "updateLookup" and entry["operationType"] == "update":
            event["fullDocument"] = self.look_up(entry["ns"], entry["documentKey"]["_id"])
        if entry["operationType"] == "drop" and self.collection is not None:
            self.closed = True
            return [event, {"_id": self.changes.token(position, True), "operationType": "invalidate",
                            "clusterTime": entry["clusterTime"], "wallTime": entry["wallTime"]}]
        return [event]

    def read(self, batch_size, seconds):
        """The next events, at least one unless the time passes; the lock is held, and let go while waiting."""
        deadline = time.monotonic() + seconds
        batch, size = [], 0
        while not self.closed:
            entries = self.changes.entries
            while self.next < len(entries) and len(batch) < batch_size and size < MAX_DOCUMENT and not self.closed:
                entry = entries[self.next]
                self.next += 1
                if self.concerns(entry):
                    for event in self.staged(self.events(entry, self.next)):
                        batch.append(RawBSONDocument(bson.encode(event)))
                        size += len(batch[-1].raw)
            if batch or not self.changes.condition.wait(max(0, deadline - time.monotonic())):
                break
        return batch

    def staged(self, events):
        """The stages after $changeStream are mongomock's."""
        if not self.stages:
            return events
        collection = mongomock.MongoClient().scratch.events
        collection.insert_many(events)
        return list(collection.aggregate(self.stages))

    def answer(self, cursor_id, batch_name, batch_size, seconds):
        batch = self.read(batch_size, seconds)
        return {"cursor": {batch_name: batch, "id": Int64(0 if self.closed else cursor_id), "ns": self.namespace,
                           "postBatchResumeToken": self.changes.token(self.next, self.closed)}}
