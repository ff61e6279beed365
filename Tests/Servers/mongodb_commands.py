"""The commands of the MongoDB stand-in, over the collections of mongomock.

A field or an option that is not known is an error, as it is for a real server, rather than ignored.
"""

import collections
import datetime
import functools
import itertools

import bson
import mongomock
import mongomock.collection
import pymongo.errors
from bson import Int64, ObjectId
from bson.raw_bson import RawBSONDocument

from mongodb_changes import MAX_DOCUMENT, Changes, ChangeStream, CommandError, difference, same

MAX_MESSAGE = 48_000_000
MAX_BATCH = 100_000
FIRST_BATCH = 101

# May come with any command.
GENERIC = ("$db", "lsid", "$clusterTime", "txnNumber", "comment", "maxTimeMS", "writeConcern", "readConcern",
           "$readPreference", "apiVersion", "apiStrict", "apiDeprecationErrors")
WITHOUT_LOGIN = ("hello", "isMaster", "ismaster", "saslStart", "saslContinue", "ping", "buildInfo", "buildinfo", "endSessions")


def iterate_by_id(collection, query, scan=mongomock.collection.Collection._iter_documents):
    """mongomock looks at every document for every query; thousands of updates by _id would take their square."""
    identifier = query.get("_id")
    if isinstance(identifier, (str, int, ObjectId)):
        if identifier not in collection._store:
            return iter(())
        document = collection._store[identifier]
        return iter([document] if mongomock.filtering.filter_applies(query, document) else [])
    return scan(collection, query)


mongomock.collection.Collection._iter_documents = iterate_by_id


def found_documents(collection, command):
    """What find gives. Without a projection these are the stored documents, as mongomock's copies take most of its time."""
    query, order = command.get("filter") or {}, list((command.get("sort") or {}).items())
    if command.get("projection"):
        documents = collection.find(query, command["projection"])
        documents = documents.sort(order) if order else documents
    else:
        documents = collection._iter_documents(query)
        for field, way in reversed(order):
            resolve = functools.partial(mongomock.filtering.resolve_sort_key, field)
            documents = sorted(documents, key=resolve, reverse=way < 0)
    start = command.get("skip", 0)
    return itertools.islice(documents, start, start + command["limit"] if command.get("limit") else None)


class Cursor:
    def __init__(self, namespace, documents):
        self.namespace = namespace
        # All at once: a cursor must not see what is written later.
        self.documents = collections.deque(bson.encode(document) for document in documents)

    @property
    def closed(self):
        return not self.documents

    def answer(self, cursor_id, batch_name, batch_size, _):
        batch, size = [], 0
        while self.documents and len(batch) < batch_size and size < MAX_DOCUMENT:
            batch.append(RawBSONDocument(self.documents.popleft()))
            size += len(batch[-1].raw)
        return {"cursor": {batch_name: batch, "id": Int64(0 if self.closed else cursor_id), "ns": self.namespace}}


class Commands:
    """A method `run_NAME` runs the command NAME; the lock is held by the caller."""

    def __init__(self, address):
        self.address = address
        self.client = mongomock.MongoClient()
        self.changes = Changes()
        self.cursors = {}
        self.cursor_ids = itertools.count(1_000_003)
        self.answered = {}  # by session: the number and the answer of its last retryable write

    def run(self, command):
        name = next(iter(command))
        method = getattr(self, f"run_{name}", None)
        if not method:
            raise CommandError(59, f"no such command: '{name}'")
        if "startTransaction" in command or "autocommit" in command:
            raise CommandError(20, "this stand-in has no transactions")
        retryable = command.get("txnNumber")
        if retryable is None:
            return self.acknowledged(command, method(command))
        if "lsid" not in command:
            raise CommandError(72, "Transaction number requires a session ID to also be specified")
        session = bytes(command["lsid"]["id"])
        last, answer = self.answered.get(session, (-1, None))
        if retryable < last:
            raise CommandError(225, f"Retryable write with txnNumber {retryable} is prohibited on session as a newer "
                               f"retryable write with txnNumber {last} has already started")
        if retryable > last:
            answer = self.acknowledged(command, method(command))
            self.answered[session] = (retryable, answer)
        return answer

    def acknowledged(self, command, answer):
        wanted = command.get("writeConcern", {}).get("w", 1)
        if isinstance(wanted, int) and wanted > 1:
            answer["writeConcernError"] = {"code": 100, "codeName": "UnsatisfiableWriteConcern",
                                           "errmsg": "Not enough data-bearing nodes"}
        return answer

    def check_fields(self, command, *known):
        name, *fields = command
        for field in fields:
            if field not in known and field not in GENERIC:
                raise CommandError(40415, f"BSON field '{name}.{field}' is an unknown field.")

    def take(self, command, *known):
        """Refuses every field but these, and gives the collection that the command is about."""
        self.check_fields(command, *known)
        name = next(iter(command.values()))
        if not isinstance(name, str) or not name or name.startswith(".") or "$" in name or "\0" in name:
            raise CommandError(73, f"Invalid namespace specified '{command['$db']}.{name}'")
        return self.client[command["$db"]][name]

    def statements(self, command, field):
        if not 1 <= len(command[field]) <= MAX_BATCH:
            raise CommandError(16, f"Write batch sizes must be between 1 and {MAX_BATCH}. Got {len(command[field])} operations.")
        return command[field]

    def each(self, command, field, work):
        """Does the statements of a write until one fails, or all of them if unordered; gives the errors for the answer."""
        errors = []
        for index, statement in enumerate(self.statements(command, field)):
            try:
                work(index, statement)
            except (CommandError, pymongo.errors.PyMongoError, NotImplementedError, ValueError, TypeError) as error:
                code, message = described(error)
                details = error.details if isinstance(error, CommandError) else {}
                errors.append({"index": index, "code": code, "errmsg": message, **details})
                if command.get("ordered", True):
                    break
        return {"writeErrors": errors} if errors else {}

    def duplicate(self, collection, document):
        """The error of a key that is there already, told as drivers expect it."""
        fields = {"_id": 1}
        if collection.find_one({"_id": document["_id"]}) is None:
            for index in collection.index_information().values():
                names = [name for name, _ in index["key"]]
                if index.get("unique") and collection.find_one({name: document.get(name) for name in names}):
                    fields = dict(index["key"])
        value = {name: document.get(name) for name in fields}
        name = "_id_" if "_id" in fields else "_".join(f"{key}_{way}" for key, way in fields.items())
        raise CommandError(11000, f"E11000 duplicate key error collection: {collection.full_name} index: {name} dup key: "
                           f"{value}", keyPattern=fields, keyValue=value)

    def run_insert(self, command):
        collection = self.take(command, "documents", "ordered", "bypassDocumentValidation")
        count = 0

        def insert(_, document):
            nonlocal count
            if "_id" not in document:
                document = {"_id": ObjectId(), **document}
            if len(bson.encode(document)) > MAX_DOCUMENT:
                raise CommandError(2, f"object to insert too large. max size: {MAX_DOCUMENT}")
            try:
                collection.insert_one(document)
            except pymongo.errors.DuplicateKeyError:
                self.duplicate(collection, document)
            count += 1
            self.changes.add("insert", command["$db"], collection.name, document["_id"], fullDocument=document)

        errors = self.each(command, "documents", insert)
        return {"n": count, **errors}

    def run_update(self, command):
        collection = self.take(command, "updates", "ordered", "bypassDocumentValidation")
        matched, modified, upserted = 0, 0, []

        def update(index, statement):
            nonlocal matched, modified
            for field in statement:
                if field not in ("q", "u", "upsert", "multi"):
                    raise CommandError(40415, f"BSON field 'update.updates.{field}' is an unknown field.")
            query, change, multi = statement["q"], statement["u"], statement.get("multi", False)
            if not isinstance(change, dict):
                raise CommandError(238, "this stand-in has no updates by pipelines")
            replaces = not next(iter(change), "").startswith("$")
            if multi and replaces:
                raise CommandError(9, "multi update is not supported for replacement-style update")
            before = list(collection.find(query)) if multi else list(collection.find(query).limit(1))
            method = collection.replace_one if replaces else collection.update_many if multi else collection.update_one
            try:
                result = method(query, change, upsert=statement.get("upsert", False))
            except pymongo.errors.DuplicateKeyError:
                self.duplicate(collection, {**query, **(change if replaces else change.get("$set", {}))})
            if result.upserted_id is not None:
                matched += 1
                upserted.append({"index": index, "_id": result.upserted_id})
                document = collection.find_one({"_id": result.upserted_id})
                self.changes.add("insert", command["$db"], collection.name, result.upserted_id, fullDocument=document)
            for old in before:
                matched += 1
                modified += self.note_update(command["$db"], collection, old, replaces)

        errors = self.each(command, "updates", update)
        return {"n": matched, "nModified": modified, **({"upserted": upserted} if upserted else {}), **errors}

    def note_update(self, database, collection, old, replaces):
        """Logs what an update did to a document; gives whether it did anything."""
        new = collection.find_one({"_id": old["_id"]})
        if same(old, new):
            return False
        if replaces:
            self.changes.add("replace", database, collection.name, old["_id"], fullDocument=new)
        else:
            updated, removed = difference(old, new)
            self.changes.add("update", database, collection.name, old["_id"], updateDescription={
                "updatedFields": updated, "removedFields": removed, "truncatedArrays": []})
        return True

    def run_delete(self, command):
        collection = self.take(command, "deletes", "ordered")
        count = 0

        def delete(_, statement):
            nonlocal count
            if statement.get("limit") not in (0, 1):
                raise CommandError(9, "The limit field in delete objects must be 0 or 1.")
            for field in statement:
                if field not in ("q", "limit"):
                    raise CommandError(40415, f"BSON field 'delete.deletes.{field}' is an unknown field.")
            found = collection.find(statement["q"], {"_id": 1})
            for document in list(found.limit(1) if statement["limit"] else found):
                collection.delete_one({"_id": document["_id"]})
                count += 1
                self.changes.add("delete", command["$db"], collection.name, document["_id"])

        errors = self.each(command, "deletes", delete)
        return {"n": count, **errors}

    def open(self, cursor, batch_size, single_batch=False):
        cursor_id = next(self.cursor_ids)
        answer = cursor.answer(cursor_id, "firstBatch", FIRST_BATCH if batch_size is None else batch_size, 0)
        if single_batch:
            answer["cursor"]["id"] = Int64(0)
        if answer["cursor"]["id"]:
            self.cursors[cursor_id] = cursor
        return answer

    def run_find(self, command):
        collection = self.take(command, "filter", "projection", "sort", "skip", "limit", "batchSize", "singleBatch",
                               "noCursorTimeout", "allowDiskUse", "allowPartialResults")
        if command.get("limit", 0) < 0:
            raise CommandError(2, "Limit value must be non-negative")
        cursor = Cursor(collection.full_name, found_documents(collection, command))
        return self.open(cursor, command.get("batchSize"), command.get("singleBatch", False))

    def run_aggregate(self, command):
        self.check_fields(command, "pipeline", "cursor", "allowDiskUse", "bypassDocumentValidation")
        if "cursor" not in command:
            raise CommandError(9, "The 'cursor' option is required, except for aggregate with the explain argument")
        pipeline, batch_size = command["pipeline"], command["cursor"].get("batchSize")
        if pipeline and "$changeStream" in pipeline[0]:
            stream = ChangeStream(self.changes, command["$db"], command["aggregate"], pipeline, self.look_up)
            return self.open(stream, batch_size)
        collection = self.take(command, *command)
        return self.open(Cursor(collection.full_name, collection.aggregate(pipeline)), batch_size)

    def look_up(self, namespace, identifier):
        return self.client[namespace["db"]][namespace["coll"]].find_one({"_id": identifier})

    def run_getMore(self, command):
        self.check_fields(command, "collection", "batchSize")
        cursor_id = int(command["getMore"])
        cursor = self.cursors.get(cursor_id)
        if not cursor:
            raise CommandError(43, f"cursor id {cursor_id} not found")
        if cursor.namespace != f"{command['$db']}.{command['collection']}":
            raise CommandError(13, f"Requested getMore on namespace '{command['$db']}.{command['collection']}', but cursor "
                               f"belongs to a different namespace {cursor.namespace}")
        wait = command.get("maxTimeMS", 1000) / 1000
        answer = cursor.answer(cursor_id, "nextBatch", command.get("batchSize") or MAX_DOCUMENT, wait)
        if cursor.closed:
            self.cursors.pop(cursor_id, None)
        return answer

    def run_killCursors(self, command):
        self.check_fields(command, "cursors")
        killed = [cursor for cursor in command["cursors"] if self.cursors.pop(int(cursor), None)]
        return {"cursorsKilled": killed, "cursorsNotFound": [cursor for cursor in command["cursors"] if cursor not in killed],
                "cursorsAlive": [], "cursorsUnknown": []}

    def run_count(self, command):
        collection = self.take(command, "query", "limit", "skip")
        return {"n": collection.count_documents(command.get("query") or {})}

    def run_create(self, command):
        collection = self.take(command)
        if collection.name in self.client[command["$db"]].list_collection_names():
            raise CommandError(48, f"Collection {collection.full_name} already exists.")
        self.client[command["$db"]].create_collection(collection.name)
        return {}

    def run_drop(self, command):
        collection = self.take(command)
        if collection.name not in self.client[command["$db"]].list_collection_names():
            raise CommandError(26, "ns not found")
        collection.drop()
        self.changes.add("drop", command["$db"], collection.name)
        return {"ns": collection.full_name}

    def run_dropDatabase(self, command):
        self.check_fields(command)
        for name in self.client[command["$db"]].list_collection_names():
            self.run_drop({"drop": name, "$db": command["$db"]})
        return {"dropped": command["$db"]}

    def run_createIndexes(self, command):
        collection = self.take(command, "indexes", "commitQuorum")
        before = len(collection.index_information()) or 1
        created = collection.name not in self.client[command["$db"]].list_collection_names()
        for index in command["indexes"]:
            options = {name: value for name, value in index.items() if name not in ("key", "v")}
            for name in options:
                if name not in ("name", "unique", "sparse", "expireAfterSeconds", "background", "partialFilterExpression"):
                    raise CommandError(197, f"The field '{name}' is not valid for an index specification here")
            options.pop("background", None)
            collection.create_index(list(index["key"].items()), **options)
        return {"numIndexesBefore": before, "numIndexesAfter": len(collection.index_information()),
                "createdCollectionAutomatically": created}

    def run_listIndexes(self, command):
        collection = self.take(command, "cursor")
        if collection.name not in self.client[command["$db"]].list_collection_names():
            raise CommandError(26, f"ns does not exist: {collection.full_name}")
        indexes = collection.index_information() or {"_id_": {"key": [("_id", 1)]}}
        documents = [{"v": 2, **{option: value for option, value in index.items() if option not in ("key", "v", "ns")},
                      "key": dict(index["key"]), "name": name} for name, index in indexes.items()]
        return self.open(Cursor(f"{command['$db']}.$cmd.listIndexes.{collection.name}", documents), MAX_BATCH)

    def run_listCollections(self, command):
        self.check_fields(command, "filter", "cursor", "nameOnly", "authorizedCollections")
        query = command.get("filter") or {}
        documents = [{"name": name, "type": "collection", "options": {}, "info": {"readOnly": False}}
                     for name in self.client[command["$db"]].list_collection_names()]
        documents = [document for document in documents if mongomock.filtering.filter_applies(query, document)]
        return self.open(Cursor(f"{command['$db']}.$cmd.listCollections", documents), MAX_BATCH)

    def run_listDatabases(self, command):
        self.check_fields(command, "filter", "nameOnly", "authorizedDatabases")
        databases = [{"name": name, "sizeOnDisk": Int64(1), "empty": False} for name in self.client.list_database_names()]
        return {"databases": databases, "totalSize": Int64(len(databases))}

    def run_ping(self, command):
        return {}

    run_endSessions = run_refreshSessions = run_ping

    def run_buildInfo(self, command):
        return {"version": "6.0.0", "versionArray": [6, 0, 0, 0], "gitVersion": "stand-in", "modules": [], "bits": 64,
                "debug": False, "maxBsonObjectSize": MAX_DOCUMENT}

    run_buildinfo = run_buildInfo

    def run_hello(self, command):
        return {"helloOk": True, "isWritablePrimary": True, "ismaster": True, "secondary": False, "setName": "rs0",
                "setVersion": 1, "hosts": [self.address], "primary": self.address, "me": self.address,
                "electionId": ObjectId("7fffffff0000000000000001"), "maxBsonObjectSize": MAX_DOCUMENT,
                "maxMessageSizeBytes": MAX_MESSAGE, "maxWriteBatchSize": MAX_BATCH,
                "localTime": datetime.datetime.now(datetime.timezone.utc), "logicalSessionTimeoutMinutes": 30,
                "minWireVersion": 0, "maxWireVersion": 17, "readOnly": False}

    run_isMaster = run_ismaster = run_hello


def described(error):
    """Code and message of whatever went wrong."""
    if isinstance(error, (CommandError, pymongo.errors.OperationFailure)):
        return error.code or 2, str(error)
    return (238 if isinstance(error, NotImplementedError) else 2), f"{type(error).__name__}: {error}"
