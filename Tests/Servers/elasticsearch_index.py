"""The indices of the Elasticsearch stand-in: documents, mappings, versions.

What is not known is refused in Elasticsearch's own form of error rather than guessed.
"""

import base64
import binascii
import copy
import datetime
import json
import re
import uuid
from collections import namedtuple

Document = namedtuple("Document", "source version seq_no")

INTEGERS = {"long": 63, "integer": 31, "short": 15, "byte": 7}
FLOATS = ("double", "float", "half_float")
TYPES = (*INTEGERS, *FLOATS, "boolean", "date", "keyword", "text", "binary", "object")
METADATA = ("_id", "_index", "_source", "_routing", "_seq_no", "_version", "_field_names", "_ignored")
SHARDS_WRITTEN = {"total": 2, "successful": 1, "failed": 0}
DATE = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?(T(\d\d)?(:\d\d)?(:\d\d)?([.,]\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)?)?")


class Refused(Exception):
    """A request, or one item of a bulk request, that fails."""

    def __init__(self, status, kind, reason, **more):
        super().__init__(reason)
        self.status = status
        self.error = {"type": kind, "reason": reason, **more}

    def body(self):
        return {"error": {"root_cause": [self.error], **self.error}, "status": self.status}


class ShardsFailed(Refused):
    """A search that is refused not where it was received but where the data is."""

    def body(self):
        return {"error": {"root_cause": [self.error], "type": "search_phase_execution_exception",
                          "reason": "all shards failed", "phase": "query", "grouped": True,
                          "failed_shards": [{"shard": 0, "reason": self.error}]},
                "status": self.status}


def parse_json(text):
    """JSON as Elasticsearch reads it: no NaN, and no name twice in an object."""
    def unique(pairs):
        result = dict(pairs)
        if len(result) != len(pairs):
            raise ValueError("Duplicate field")
        return result

    def refuse(constant):
        raise ValueError(f"Non-standard token '{constant}'")

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


def check_keys(given, known, where):
    for key in given:
        if key not in known:
            raise Refused(400, "x_content_parse_exception", f"[1:1] [{where}] unknown field [{key}]")


def milliseconds(value):
    """A date as Elasticsearch keeps it, from `strict_date_optional_time||epoch_millis`."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("not a date")
    if isinstance(value, int) or re.fullmatch(r"-?\d{5,}", value):
        return int(value)
    if not DATE.fullmatch(value):
        raise ValueError("not a date")
    parts = DATE.fullmatch(value).groups()
    year, month, day, hour, minute, second = (
        int(part.strip("-:")) if part else least for part, least in zip((*parts[0:3], *parts[4:7]), (1970, 1, 1, 0, 0, 0)))
    zone = re.sub(r"[Z:]", "", parts[8] or "")
    offset = int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:5] or 0)) if zone else 0
    moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc)
    fraction = int(((parts[7] or ".0")[1:] + "00")[:3])
    return int(moment.timestamp()) * 1000 + fraction - offset * 60_000


def check_value(kind, value):
    """Raises ValueError for what a field of this type does not take. Strings of digits are taken as numbers."""
    if kind in INTEGERS:
        if isinstance(value, (dict, bool)):
            raise ValueError("not a number")
        number = int(value) if isinstance(value, int) or re.fullmatch(r"-?\d+", str(value)) else int(float(value))
        if not -(1 << INTEGERS[kind]) <= number < 1 << INTEGERS[kind]:
            raise ValueError(f"Value [{value}] is out of range for a {kind}")
    elif kind in FLOATS:
        if isinstance(value, (dict, bool)) or abs(float(value)) == float("inf"):
            raise ValueError("not a finite number")
    elif kind == "boolean":
        if not isinstance(value, bool) and value not in ("true", "false", ""):
            raise ValueError(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    elif kind == "date":
        milliseconds(value)
    elif kind == "binary":
        base64.b64decode(value, validate=True)
    elif isinstance(value, dict):
        raise ValueError("Can't get text on a START_OBJECT")


def flattened(value):
    if not isinstance(value, list):
        return [value]
    return [inner for item in value for inner in flattened(item)]


def guessed(value):
    """The mapping that a field gets from the first value seen in it."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "long"}
    if isinstance(value, float):
        return {"type": "float"}
    if isinstance(value, dict):
        return {"properties": {}}
    try:
        if "-" in value:
            milliseconds(value)
            return {"type": "date"}
    except ValueError:
        pass
    return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


class UnknownField(Exception):
    """A document has a field that the mapping lacks."""


class Index:
    def __init__(self, name, mappings):
        self.name = name
        self.uuid = uuid.uuid4().hex[:22]
        check_keys(mappings, ("properties", "dynamic"), "mappings")
        self.dynamic = str(mappings.get("dynamic", "true")).lower()
        self.properties = {}
        self.add_properties(mappings.get("properties") or {})
        self.documents = {}
        self.visible = {}  # to searches: as of the last refresh
        self.deleted = {}  # last versions of what was deleted; a document that returns continues from there
        self.next_seq_no = 0

    def add_properties(self, new):
        merged = copy.deepcopy(self.properties)
        self.merge(merged, new)
        self.properties = merged

    def merge(self, properties, new):
        for field, mapping in new.items():
            kind = mapping.get("type", "object")
            if kind not in TYPES:
                raise Refused(400, "mapper_parsing_exception",
                              f"Failed to parse mapping: No handler for type [{kind}] declared on field [{field}]")
            old = properties.get(field)
            if old is None:
                properties[field] = {"properties": {}} if kind == "object" else mapping
            elif old.get("type", "object") != kind:
                raise Refused(400, "illegal_argument_exception", f"mapper [{field}] cannot be changed from type "
                              f"[{old.get('type', 'object')}] to [{kind}]")
            if kind == "object":
                self.merge(properties[field]["properties"], mapping.get("properties", {}))

    def check(self, source, identifier):
        """Checks a document against the mapping, which grows by its new fields, unless one of them is refused."""
        if not isinstance(source, dict):
            raise Refused(400, "document_parsing_exception", "[1:1] failed to parse, document is not an object")
        for field in METADATA:
            if field in source:
                raise Refused(400, "document_parsing_exception", f"[1:1] Field [{field}] is a metadata field and cannot "
                              "be added inside a document. Use the index API request parameters.")
        try:
            self.walk(source, self.properties, "", identifier, False)
        except UnknownField:
            grown = copy.deepcopy(self.properties)
            self.walk(source, grown, "", identifier, True)
            self.properties = grown

    def walk(self, source, properties, above, identifier, may_grow):
        for name, content in source.items():
            head, dot, rest = name.partition(".")
            field = above + head
            if not head:
                raise Refused(400, "document_parsing_exception", "[1:1] field name cannot be an empty string")
            for value in flattened({rest: content} if dot else content):
                if value is None:
                    continue
                if head not in properties:
                    if self.dynamic == "strict":
                        raise Refused(400, "strict_dynamic_mapping_exception", "[1:1] mapping set to strict, dynamic "
                                      f"introduction of [{head}] within [{above.rstrip('.') or '_doc'}] is not allowed")
                    if self.dynamic == "false":
                        continue
                    if not may_grow:
                        raise UnknownField
                    properties[head] = guessed(value)
                self.check_field(field, properties[head], value, identifier, may_grow)

    def check_field(self, field, mapping, value, identifier, may_grow):
        if "properties" in mapping:
            if not isinstance(value, dict):
                raise Refused(400, "document_parsing_exception", f"[1:1] object mapping for [{field}] tried to parse field "
                              f"[{field}] as object, but found a concrete value")
            self.walk(value, mapping["properties"], field + ".", identifier, may_grow)
            return
        kind = mapping["type"]
        try:
            check_value(kind, value)
        except (ValueError, TypeError, OverflowError, binascii.Error) as error:
            raise Refused(400, "document_parsing_exception", f"[1:1] failed to parse field [{field}] of type [{kind}] in "
                          f"document with id '{identifier}'. Preview of field's value: '{value}'",
                          caused_by={"type": "illegal_argument_exception", "reason": str(error)})
        if kind == "keyword" and "ignore_above" not in mapping and len(str(value).encode()) > 32766:
            raise Refused(400, "illegal_argument_exception",
                          f'Document contains at least one immense term in field="{field}"')

    def refresh(self):
        self.visible = dict(self.documents)

    def mapping_of(self, field):
        properties = self.properties
        mapping = {}
        for part in field.split("."):
            mapping = properties.get(part)
            if mapping is None:
                return None
            properties = mapping.get("properties") or mapping.get("fields") or {}
        return mapping

    def write(self, operation, identifier, source, options):
        """One index, create, update or delete; gives its status and the body of its result."""
        if identifier is None:
            identifier = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:20].decode()
        if not 0 < len(identifier.encode()) <= 512:
            raise Refused(400, "illegal_argument_exception", "if _id is specified it must not be empty, and no longer than "
                          f"512 bytes but was: {len(identifier.encode())}")
        old = self.documents.get(identifier)
        version = self.next_version(operation, identifier, old, options)
        result = {"_index": self.name, "_id": identifier, "_version": version}
        if operation == "update":
            source = self.updated(identifier, old, source)
            if old and source is old.source:
                return 200, {**result, "_version": old.version, "result": "noop", "_seq_no": old.seq_no, "_primary_term": 1,
                             "_shards": {"total": 0, "successful": 0, "failed": 0}}
        if operation != "delete":
            self.check(source, identifier)
        result.update(_shards=SHARDS_WRITTEN, _seq_no=self.next_seq_no, _primary_term=1)
        self.next_seq_no += 1
        if operation == "delete":
            self.deleted[identifier] = version
            self.documents.pop(identifier, None)
            return (200, {**result, "result": "deleted"}) if old else (404, {**result, "result": "not_found"})
        self.documents[identifier] = Document(source, version, result["_seq_no"])
        self.deleted.pop(identifier, None)
        return (200, {**result, "result": "updated"}) if old else (201, {**result, "result": "created"})

    def next_version(self, operation, identifier, old, options):
        def conflict(why):
            raise Refused(409, "version_conflict_engine_exception", f"[{identifier}]: version conflict, {why}",
                          index=self.name, index_uuid=self.uuid, shard="0")

        if operation == "create" and old:
            conflict(f"document already exists (current version [{old.version}])")
        if ("if_seq_no" in options) != ("if_primary_term" in options):
            raise Refused(400, "action_request_validation_exception",
                          "Validation Failed: 1: ifSeqNo is set, but primary term is [0];")
        if "if_seq_no" in options:
            wanted = f"required seqNo [{options['if_seq_no']}], primary term [{options['if_primary_term']}]."
            if not old:
                conflict(f"{wanted} but no document was found")
            if (old.seq_no, 1) != (int(options["if_seq_no"]), int(options["if_primary_term"])):
                conflict(f"{wanted} current document has seqNo [{old.seq_no}] and primary term [1]")
        current = old.version if old else self.deleted.get(identifier, 0)
        if "version" not in options:
            return current + 1
        version = int(options["version"])
        kind = options.get("version_type", "internal")
        if kind not in ("external", "external_gte"):
            raise Refused(400, "action_request_validation_exception", "Validation Failed: 1: internal versioning can not be "
                          "used for optimistic concurrency control. Please use `if_seq_no` and `if_primary_term` instead;")
        if current and (version < current or version == current and kind == "external"):
            conflict(f"current version [{current}] is higher or equal to the one provided [{version}]")
        return version

    def updated(self, identifier, old, request):
        check_keys(request, ("doc", "upsert", "doc_as_upsert", "detect_noop"), "UpdateRequest")
        if not old:
            new = request.get("doc") if request.get("doc_as_upsert") else request.get("upsert")
            if new is None:
                raise Refused(404, "document_missing_exception", f"[{identifier}]: document missing",
                              index=self.name, index_uuid=self.uuid, shard="0")
            return new

        def merged(left, right):
            return {**left, **{
                name: merged(left[name], value) if isinstance(value, dict) and isinstance(left.get(name), dict) else value
                for name, value in right.items()}}

        new = merged(old.source, request.get("doc", {}))
        # As text: to Python 1 and 1.0 and True are the same.
        unchanged = json.dumps(new) == json.dumps(old.source)
        return old.source if unchanged and request.get("detect_noop", True) else new
