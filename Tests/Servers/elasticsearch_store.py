"""All indices of the Elasticsearch stand-in, and searches over them."""

import base64
import fnmatch
import functools
import json
import re
import time
import uuid
from collections import namedtuple

from elasticsearch_index import FLOATS, INTEGERS, Index, Refused, ShardsFailed, check_keys, flattened, milliseconds

Hit = namedtuple("Hit", "index id document position")

SHARDS_READ = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
MAX_WINDOW = 10_000


class Store:
    def __init__(self):
        self.indices = {}
        self.points_in_time = {}  # id: [hits, when it ends]

    def index(self, name):
        if name not in self.indices:
            raise Refused(404, "index_not_found_exception", f"no such index [{name}]", index=name, index_uuid="_na_")
        return self.indices[name]

    def index_to_write(self, name):
        return self.indices[name] if name in self.indices else self.create(name, {})

    def matching(self, names):
        """The indices that a list of names and patterns means."""
        found = {}
        for name in names.split(","):
            if name == "_all" or "*" in name:
                found.update((known, index) for known, index in self.indices.items()
                             if fnmatch.fnmatchcase(known, name.replace("_all", "*")))
            else:
                found[name] = self.index(name)
        return list(found.values())

    def create(self, name, body):
        if not re.fullmatch(r'[^A-Z\\/*?"<>| ,#:]{1,255}', name) or name[0] in "-_+" or name in (".", ".."):
            raise Refused(400, "invalid_index_name_exception", f"Invalid index name [{name}], must be lowercase, without "
                          "special characters", index=name)
        if name in self.indices:
            raise Refused(400, "resource_already_exists_exception", f"index [{name}/{self.indices[name].uuid}] already exists",
                          index=name, index_uuid=self.indices[name].uuid)
        check_keys(body, ("mappings", "settings"), "create index")
        self.indices[name] = Index(name, body.get("mappings") or {})
        return self.indices[name]

    def hits(self, indices, query):
        return [Hit(index, identifier, document, position) for index in indices
                for position, (identifier, document) in enumerate(index.visible.items())
                if matches(query, index, document.source)]

    def open_point_in_time(self, names, keep_alive):
        hits = self.hits(self.matching(names), {"match_all": {}})
        # The position tells hits of all indices apart, as _shard_doc does.
        hits = [hit._replace(position=position) for position, hit in enumerate(hits)]
        identifier = base64.urlsafe_b64encode(uuid.uuid4().bytes * 3).decode()
        self.points_in_time[identifier] = [hits, time.monotonic() + seconds(keep_alive)]
        return identifier

    def close_point_in_time(self, identifier):
        return self.points_in_time.pop(identifier, None) is not None

    def point_in_time(self, request):
        check_keys(request, ("id", "keep_alive"), "pit")
        entry = self.points_in_time.get(request["id"])
        if not entry or entry[1] < time.monotonic():
            raise ShardsFailed(404, "search_context_missing_exception", f"No search context found for id [{request['id'][:8]}]")
        if "keep_alive" in request:
            entry[1] = time.monotonic() + seconds(request["keep_alive"])
        return entry[0]

    def count(self, names, body):
        check_keys(body, ("query",), "count")
        return len(self.hits(self.matching(names), body.get("query", {"match_all": {}})))

    def search(self, names, body):
        check_keys(body, ("query", "sort", "size", "from", "search_after", "pit", "track_total_hits", "_source", "version",
                          "seq_no_primary_term"), "search")
        query = body.get("query", {"match_all": {}})
        order = [sort_clause(clause) for clause in flattened(body.get("sort", []))]
        pit = body.get("pit")
        if pit:
            if names is not None:
                raise Refused(400, "action_request_validation_exception", "Validation Failed: 1: [indices] cannot be used "
                              "with point in time. Do not specify any index with point in time.;")
            hits = [hit for hit in self.point_in_time(pit) if matches(query, hit.index, hit.document.source)]
            if order and order[-1][0] != "_shard_doc":
                order.append(("_shard_doc", "asc"))
        else:
            hits = self.hits(self.matching(names or "_all"), query)
            if any(field == "_shard_doc" for field, _ in order):
                raise Refused(400, "illegal_argument_exception",
                              "[_shard_doc] sort field cannot be used without [point in time]")
        start, size = int(body.get("from", 0)), int(body.get("size", 10))
        if start + size > MAX_WINDOW:
            raise Refused(400, "illegal_argument_exception", "Result window is too large, from + size must be less than or "
                          f"equal to: [{MAX_WINDOW}] but was [{start + size}].")
        total = len(hits)
        keyed = [([sort_value(field, way, hit) for field, way in order], hit) for hit in hits]
        compare = functools.partial(compare_keys, order)
        keyed.sort(key=functools.cmp_to_key(lambda left, right: compare(left[0], right[0])))
        if "search_after" in body:
            after = body["search_after"]
            if not order:
                raise Refused(400, "illegal_argument_exception", "Sort must contain at least one field.")
            if start > 0:
                raise Refused(400, "action_request_validation_exception",
                              "Validation Failed: 1: `from` parameter must be set to 0 when `search_after` is used.;")
            if len(after) != len(order):
                raise Refused(400, "illegal_argument_exception",
                              f"search_after has {len(after)} value(s) but sort has {len(order)}.")
            keyed = [entry for entry in keyed if compare(entry[0], after_values(order, after, entry[1].index)) > 0]
        page = [found(body, key, hit, bool(order)) for key, hit in keyed[start:start + size]]
        result = {"took": 1, "timed_out": False, "_shards": SHARDS_READ,
                  "hits": {"max_score": 1.0 if page and not order else None, "hits": page}}
        track = body.get("track_total_hits", MAX_WINDOW)
        if track is not False:
            limit = total if track is True else int(track)
            result["hits"]["total"] = {"value": min(total, limit), "relation": "eq" if total <= limit else "gte"}
        return {"pit_id": pit["id"], **result} if pit else result


def found(body, key, hit, ordered):
    result = {"_index": hit.index.name, "_id": hit.id, "_score": None if ordered else 1.0}
    if body.get("_source", True) not in (True, False):
        raise Refused(400, "parsing_exception", "this stand-in knows only true and false for _source")
    if body.get("_source", True):
        result["_source"] = hit.document.source
    if ordered:
        result["sort"] = key
    if body.get("version"):
        result["_version"] = hit.document.version
    if body.get("seq_no_primary_term"):
        result.update(_seq_no=hit.document.seq_no, _primary_term=1)
    return result


def seconds(duration):
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", duration)
    if not match:
        raise Refused(400, "illegal_argument_exception", f"failed to parse setting [keep_alive] with value [{duration}]")
    return int(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def values(index, source, field):
    """The values of a field as they are compared: dates as milliseconds, numbers as numbers."""
    mapping = index.mapping_of(field)
    parts = field.split(".")
    if mapping and mapping.get("type") == "keyword" and index.mapping_of(field.rpartition(".")[0] or "-"):
        if index.mapping_of(field.rpartition(".")[0]).get("fields"):
            parts.pop()  # a field within a text field has that one's value
    found = [source]
    for part in parts:
        found = [inner[part] for inner in found if isinstance(inner, dict) and part in inner]
        found = [inner for value in found for inner in flattened(value) if inner is not None]
    return [comparable(mapping, value) for value in found]


def comparable(mapping, value):
    kind = (mapping or {}).get("type")
    try:
        if kind == "date":
            return milliseconds(value)
        if kind in INTEGERS:
            return value if isinstance(value, int) else int(float(value))
        if kind in FLOATS:
            return float(value)
    except (ValueError, TypeError):
        raise ShardsFailed(400, "query_shard_exception", f"failed to create query: For input string: \"{value}\"")
    if kind in ("keyword", "text") and not isinstance(value, str):
        return json.dumps(value)
    return value


def matches(query, index, source):
    if not isinstance(query, dict) or len(query) != 1:
        raise Refused(400, "parsing_exception", "[match_all] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")
    (kind, content), = query.items()
    if kind == "match_all":
        return True
    if kind == "bool":
        check_keys(content, ("must", "filter", "should", "must_not"), "bool")
        parts = {name: [matches(inner, index, source) for inner in flattened(content.get(name, []))] for name in
                 ("must", "filter", "should", "must_not")}
        needs_should = parts["should"] and not parts["must"] and not parts["filter"]
        return (all(parts["must"]) and all(parts["filter"]) and not any(parts["must_not"])
                and (not needs_should or any(parts["should"])))
    if kind not in ("range", "term"):
        raise Refused(400, "parsing_exception", f"unknown query [{kind}]")
    (field, content), = content.items()
    mapping = index.mapping_of(field)
    own = values(index, source, field)
    if kind == "term":
        return comparable(mapping, content["value"] if isinstance(content, dict) else content) in own
    tests = {"gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b}
    content = {name: value for name, value in content.items() if (name, value) != ("format", "epoch_millis")}
    for name in content:
        if name not in tests:
            raise Refused(400, "parsing_exception", f"[range] query does not support [{name}]")
    bounds = [(tests[name], comparable(mapping, bound)) for name, bound in content.items() if bound is not None]
    return any(all(test(value, bound) for test, bound in bounds) for value in own)


def sort_clause(clause):
    if isinstance(clause, str):
        return clause, "asc"
    (field, way), = clause.items()
    if isinstance(way, dict):
        check_keys(way, ("order",), "field_sort")
        way = way.get("order", "asc")
    if way not in ("asc", "desc"):
        raise Refused(400, "illegal_argument_exception", f"No enum constant for sort order [{way}]")
    return field, way


def sort_value(field, way, hit):
    if field in ("_doc", "_shard_doc"):
        return hit.position
    if field == "_seq_no":
        return hit.document.seq_no
    if field == "_id":
        raise ShardsFailed(400, "illegal_argument_exception", "Fielddata access on the _id field is disallowed, you can re-enable "
                      "it by updating the dynamic cluster setting: indices.id_field_data.enabled")
    mapping = hit.index.mapping_of(field)
    if mapping is None:
        raise ShardsFailed(400, "query_shard_exception", f"No mapping found for [{field}] in order to sort on", index=hit.index.name)
    kind = mapping.get("type")
    if kind in (None, "text", "binary"):
        raise ShardsFailed(400, "illegal_argument_exception", f"Fielddata is disabled on [{field}] in [{hit.index.name}]. Text "
                      "fields are not optimised for operations that require per-document field data like aggregations and "
                      "sorting. Please use a keyword field instead.")
    own = values(hit.index, hit.document.source, field)
    if own:
        return min(own) if way == "asc" else max(own)
    # What has no value comes last either way.
    if kind == "keyword":
        return None
    if kind in FLOATS:
        return "Infinity" if way == "asc" else "-Infinity"
    return (1 << 63) - 1 if way == "asc" else -(1 << 63)


def after_values(order, after, index):
    """search_after in the form of sort values; a date may be given as text."""
    return [value if value is None or field.startswith("_") or value in ("Infinity", "-Infinity")
            else comparable(index.mapping_of(field), value) for (field, _), value in zip(order, after)]


def compare_keys(order, left, right):
    for (_, way), a, b in zip(order, left, right):
        if a is None or b is None:
            if (a is None) != (b is None):
                return 1 if a is None else -1
            continue
        if isinstance(a, float) or isinstance(b, float):
            a, b = float(a), float(b)  # what stands for a missing number is text
        if a != b:
            return (1 if a > b else -1) * (1 if way == "asc" else -1)
    return 0
