"""What the Elasticsearch stand-in does for each request, from a parsed address and a body to a status and an answer."""

import json
import re
from urllib.parse import unquote

from elasticsearch_index import SHARDS_WRITTEN, Refused, parse_json
from elasticsearch_store import SHARDS_READ

EVERYWHERE = ("pretty", "human", "error_trace", "filter_path")
FOR_WRITES = ("refresh", "routing", "timeout", "wait_for_active_shards", "if_seq_no", "if_primary_term", "version",
              "version_type")
FOR_GETS = ("routing", "realtime", "refresh", "preference")
IN_ACTIONS = ("_index", "_id", "routing", "if_seq_no", "if_primary_term", "version", "version_type", "retry_on_conflict")


def injected(status):
    kind = {429: "es_rejected_execution_exception", 503: "unavailable_shards_exception"}.get(status, "injected_exception")
    return Refused(status, kind, "a fault that the test asked for")


class Request:
    """The handlers of one request: METHOD_ACTION, given the index and the document id of the path, either may be None."""

    def __init__(self, server, method, path, parameters, body):
        self.server = server
        self.store = server.store
        self.method = method
        self.path = path
        self.parameters = parameters
        self.body = body

    def answer(self):
        parts = [unquote(part) for part in self.path.split("/") if part]
        action = next((part for part in parts if part.startswith("_") and part != "_all"), "")
        place = parts.index(action) if action else len(parts)
        before, after = parts[:place], parts[place + 1:]
        handler = getattr(self, f"{self.method.lower()}{action or ('_index' if before else '_root')}", None)
        if not handler or len(before) > 1 or len(after) > 1:
            raise Refused(400, "illegal_argument_exception",
                          f"no handler found for uri [{self.path}] and method [{self.method}]")
        with self.server.lock:
            return handler(before[0] if before else None, after[0] if after else None)

    def take(self, *known):
        """Refuses every parameter but these, as Elasticsearch does."""
        for name in self.parameters:
            if name not in EVERYWHERE and name not in known:
                raise Refused(400, "illegal_argument_exception",
                              f"request [{self.path}] contains unrecognized parameter: [{name}]")
        if self.parameters.get("refresh", "false") not in ("", "true", "false", "wait_for"):
            raise Refused(400, "illegal_argument_exception", f"Unknown value for refresh: [{self.parameters['refresh']}].")

    def json(self):
        try:
            body = parse_json(self.body) if self.body.strip() else {}
        except ValueError as error:
            raise Refused(400, "x_content_parse_exception", f"[1:1] {error}")
        if not isinstance(body, dict):
            raise Refused(400, "parsing_exception", "Expected [START_OBJECT]")
        return body

    def needs(self, value, what):
        if value is None:
            raise Refused(400, "illegal_argument_exception", f"no handler found for uri [{self.path}]: {what} is missing")
        return value

    def refresh_if_asked(self, indices):
        if self.parameters.get("refresh", "false") != "false":
            for index in indices:
                index.refresh()

    def get_root(self, index, identifier):
        self.take()
        return 200, {
            "name": "stand-in", "cluster_name": "pump-tests", "cluster_uuid": "pump-tests-stand-in-01",
            "version": {
                "number": "8.19.3", "build_flavor": "default", "build_type": "deb", "build_hash": "0",
                "build_date": "2025-01-01T00:00:00Z", "build_snapshot": False, "lucene_version": "9.12.2",
                "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
            "tagline": "You Know, for Search"}

    head_root = get_root

    def put_index(self, index, identifier):
        self.take("timeout", "master_timeout", "wait_for_active_shards")
        self.store.create(index, self.json())
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": index}

    def get_index(self, index, identifier):
        self.take()
        return 200, {found.name: {"aliases": {}, "mappings": {"properties": found.properties},
                                  "settings": {"index": {"uuid": found.uuid, "provided_name": found.name}}}
                     for found in self.store.matching(index)}

    head_index = get_index

    def delete_index(self, index, identifier):
        self.take("timeout", "master_timeout", "ignore_unavailable")
        if "*" in index or index == "_all":
            raise Refused(400, "illegal_argument_exception", "Wildcard expressions or all indices are not allowed")
        for name in index.split(","):
            if name not in self.store.indices and self.parameters.get("ignore_unavailable") == "true":
                continue
            self.store.index(name)
            del self.store.indices[name]
        return 200, {"acknowledged": True}

    def get_mapping(self, index, identifier):
        self.take()
        return 200, {found.name: {"mappings": {"properties": found.properties}}
                     for found in self.store.matching(index or "_all")}

    def put_mapping(self, index, identifier):
        self.take("timeout", "master_timeout")
        self.store.index(self.needs(index, "the index")).add_properties(self.json().get("properties", {}))
        return 200, {"acknowledged": True}

    def get_doc(self, index, identifier):
        self.take(*FOR_GETS)
        document = self.store.index(self.needs(index, "the index")).documents.get(self.needs(identifier, "the id"))
        return (200 if document else 404), self.found(index, identifier, document)

    head_doc = get_doc

    def post_mget(self, index, identifier):
        self.take(*FOR_GETS)
        return 200, {"docs": [self.got(name, identifier) for name, identifier in self.wanted(index)]}

    get_mget = post_mget

    def wanted(self, index):
        """Index and id of each document that a multi-get names. A mistake in one of them fails the request as a whole."""
        if not self.body.strip():
            raise Refused(400, "parse_exception", "request body is required")
        wanted = []
        for key, items in self.json().items():
            if key not in ("docs", "ids") or not isinstance(items, list):
                raise Refused(400, "parsing_exception", f"unknown key [{key}] for a START_ARRAY, expected [docs] or [ids]")
            for item in items:
                if key == "ids" and isinstance(item, (dict, list)):
                    raise Refused(400, "illegal_argument_exception", "ids array element should only contain ids")
                if key == "docs" and not isinstance(item, dict):
                    raise Refused(400, "illegal_argument_exception", "docs array element should include an object")
                item = item if key == "docs" else {"_id": item}
                for name in item:
                    if name not in ("_index", "_id", "routing"):
                        raise Refused(400, "parse_exception", f"failed to parse multi get request. unknown field [{name}]")
                wanted.append((item.get("_index", index), item.get("_id")))
        problems = [] if wanted else ["no documents to get"]
        for number, (name, identifier) in enumerate(wanted):
            problems += [f"index is missing for doc {number}"] if name is None else []
            problems += [f"id is missing for doc {number}"] if identifier is None else []
        if problems:
            raise Refused(400, "action_request_validation_exception", "Validation Failed: " + "".join(
                f"{number}: {problem};" for number, problem in enumerate(problems, 1)))
        return [(name, str(identifier)) for name, identifier in wanted]

    def got(self, index, identifier):
        """One document of a multi-get: an index that is missing is told in its place."""
        try:
            document = self.store.index(index).documents.get(identifier)
        except Refused as refused:
            return {"_index": index, "_id": identifier, "error": refused.body()["error"]}
        return self.found(index, identifier, document)

    @staticmethod
    def found(index, identifier, document):
        if not document:
            return {"_index": index, "_id": identifier, "found": False}
        return {"_index": index, "_id": identifier, "_version": document.version, "_seq_no": document.seq_no,
                "_primary_term": 1, "found": True, "_source": document.source}

    def write(self, operation, index, identifier, *known):
        self.take(*FOR_WRITES, *known)
        self.needs(index, "the index")
        found = self.store.index(index) if operation == "delete" else self.store.index_to_write(index)
        result = found.write(operation, identifier, None if operation == "delete" else self.json(), self.parameters)
        self.refresh_if_asked([found])
        return result

    def put_doc(self, index, identifier):
        self.needs(identifier, "the id")
        return self.post_doc(index, identifier)

    def post_doc(self, index, identifier):
        operation = self.parameters.get("op_type", "index")
        if operation not in ("index", "create"):
            raise Refused(400, "illegal_argument_exception", f"opType must be 'create' or 'index', found: [{operation}]")
        return self.write(operation, index, identifier, "op_type")

    def delete_doc(self, index, identifier):
        return self.write("delete", index, self.needs(identifier, "the id"))

    def put_create(self, index, identifier):
        return self.write("create", index, self.needs(identifier, "the id"))

    post_create = put_create

    def post_update(self, index, identifier):
        return self.write("update", index, self.needs(identifier, "the id"), "retry_on_conflict")

    def post_refresh(self, index, identifier):
        self.take()
        for found in self.store.matching(index or "_all"):
            found.refresh()
        return 200, {"_shards": SHARDS_WRITTEN}

    get_refresh = post_refresh

    def post_count(self, index, identifier):
        self.take()
        return 200, {"count": self.store.count(index or "_all", self.json()), "_shards": SHARDS_READ}

    get_count = post_count

    def post_search(self, index, identifier):
        self.take("size", "from", "track_total_hits", "request_cache")
        body = self.json()
        for name in ("size", "from"):
            if name in self.parameters:
                body[name] = int(self.parameters[name])
        if "track_total_hits" in self.parameters:
            body["track_total_hits"] = json.loads(self.parameters["track_total_hits"])
        return 200, self.store.search(index, body)

    get_search = post_search

    def post_pit(self, index, identifier):
        self.take("keep_alive", "routing", "preference")
        if "keep_alive" not in self.parameters:
            raise Refused(400, "action_request_validation_exception",
                          "Validation Failed: 1: [keep_alive] is not specified;")
        return 200, {"id": self.store.open_point_in_time(self.needs(index, "the index"), self.parameters["keep_alive"]),
                     "_shards": SHARDS_READ}

    def delete_pit(self, index, identifier):
        self.take()
        closed = self.store.close_point_in_time(self.json().get("id"))
        return (200 if closed else 404), {"succeeded": True, "num_freed": int(closed)}

    def post_bulk(self, index, identifier):
        self.take("refresh", "routing", "timeout", "wait_for_active_shards")
        items = []
        written = set()
        for action in list(self.actions(index)):
            operation, metadata, source = action
            try:
                if status := self.server.fault("fail-item"):
                    raise injected(*status)
                name = metadata["_index"]
                found = self.store.index(name) if operation == "delete" else self.store.index_to_write(name)
                status, result = found.write(operation, metadata.get("_id"), parsed_source(source), metadata)
                written.add(found)
            except Refused as refused:
                status = refused.status
                result = {"_index": metadata["_index"], "_id": metadata.get("_id"), "error": refused.error}
            items.append({operation: {**result, "status": status}})
        self.refresh_if_asked(written)
        return 200, {"took": 1, "errors": any("error" in result for item in items for result in item.values()),
                     "items": items}

    put_bulk = post_bulk

    def actions(self, index):
        """The actions of a bulk request. A mistake in one of their lines fails the request as a whole, before any write."""
        if not self.body.strip():
            raise Refused(400, "parse_exception", "request body is required")
        if not self.body.endswith(b"\n"):
            raise Refused(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
        lines = enumerate(self.body.split(b"\n")[:-1], 1)
        for number, line in lines:
            if not line.strip():
                continue

            def refuse(why, kind="illegal_argument_exception"):
                raise Refused(400, kind, why)

            try:
                action = parse_json(line)
            except ValueError:
                refuse(f"Malformed action/metadata line [{number}], expected START_OBJECT")
            if not isinstance(action, dict) or len(action) != 1:
                refuse(f"Malformed action/metadata line [{number}], expected one field")
            (operation, metadata), = action.items()
            if operation not in ("index", "create", "update", "delete") or not isinstance(metadata, dict):
                refuse(f"Malformed action/metadata line [{number}], expected field [create], [delete], [index] or [update] "
                       f"but found [{operation}]")
            for key in metadata:
                if key not in IN_ACTIONS:
                    refuse(f"Action/metadata line [{number}] contains an unknown parameter [{key}]")
            metadata.setdefault("_index", index)
            validation = "action_request_validation_exception"
            if not metadata["_index"]:
                refuse("Validation Failed: 1: index is missing;", validation)
            if operation in ("update", "delete") and not metadata.get("_id"):
                refuse("Validation Failed: 1: id is missing;", validation)
            if operation == "delete":
                yield operation, metadata, None
                continue
            _, source = next(lines, (0, None))
            if source is None:
                refuse("The bulk request must be terminated by a newline [\\n]")
            yield operation, metadata, source


def parsed_source(text):
    try:
        return None if text is None else parse_json(text)
    except ValueError as error:
        raise Refused(400, "document_parsing_exception", f"[1:1] failed to parse: {error}")


def filtered(value, paths):
    """What filter_path leaves of an answer. `*` stands for anything within one name."""
    if isinstance(value, list):
        return [left for left in (filtered(item, paths) for item in value) if left not in ({}, [])]
    if not isinstance(value, dict):
        return {}
    result = {}
    for name, inner in value.items():
        rests = [rest for head, _, rest in (path.partition(".") for path in paths)
                 if re.fullmatch(re.escape(head).replace(r"\*", ".*"), name)]
        left = inner if "" in rests else filtered(inner, rests)
        if "" in rests or left not in ({}, []):
            result[name] = left
    return result
