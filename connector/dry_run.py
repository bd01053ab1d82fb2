"""What would become of records, shown: the calls that they would make, or why they would make none.

The same pipelines as in the running connector, without Kafka and without AWS. Values appear in the output, since that
is what it is for; it goes to whoever asked, and nowhere else.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import orjson

from connector.config import Loaded
from connector.core.decoding import decode_headers
from connector.core.expressions import EvaluationError, compile_expression, truthy
from connector.core.records import Filtered, Record, Rejection, Skipped, known_timestamp
from connector.core.specs import PipelineSpec, Rule, Spec
from connector.core.transform import Entry, Fate, Pipeline, Router, Transformed

MOST_EVENTS = 10  # a call
Json = dict[str, Any]


class UnreadableRecord(ValueError):
    """A line is not a record, so nothing can be said about it."""


class DryRun:
    """Maps lines and counts what became of them.

    Args:
        loaded: the configuration.
        pipeline: the name of the one to use, or None for that of the record's topic.
        explain: also say which rules were tried.
    """

    def __init__(self, loaded: Loaded, pipeline: str | None, *, explain: bool) -> None:
        self.counts: Counter[str] = Counter()
        pairs = loaded.pipelines
        self._spec, self._chosen = next((pair for pair in pairs if pair[0].name == pipeline), pairs[0])
        self._transform: Callable[[Record, float], Fate] = self._chosen if pipeline else _by_topic(pairs)
        self._specs = {spec.name: spec for spec, _ in pairs}
        self._explain = explain

    def value(self, value: bytes, number: int) -> Json:
        """The fate of a record with this value; its offset is the line's."""
        return self._result(Record(self._spec.topics[0], 0, number - 1, _now_ms(), None, value), number)

    def record(self, line: bytes, number: int) -> Json:
        """The fate of the record that this JSON object describes.

        Raises:
            UnreadableRecord: it is not an object with the members of a record.
        """
        try:
            given = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UnreadableRecord(f"line {number}: expected a record as a JSON object: {error.msg}") from None
        if not isinstance(given, dict) or not given.keys() <= _MEMBERS:
            names = ", ".join(sorted(_MEMBERS))
            raise UnreadableRecord(f"line {number}: expected an object with {names} and nothing else")
        for name, (kind, wanted) in _KINDS.items():
            if not isinstance(given.get(name), kind | None) or isinstance(given.get(name), bool):
                raise UnreadableRecord(f"line {number}: expected {name} to be {wanted}")
        offset = given.get("offset")
        record = Record(
            given.get("topic") or self._spec.topics[0],
            given.get("partition") or 0,
            number - 1 if offset is None else offset,
            known_timestamp(given.get("timestamp", _now_ms())),
            _bytes(given.get("key")),
            _bytes(given.get("value")),
            tuple((name, _bytes(value)) for name, value in (given.get("headers") or {}).items()),
        )
        return self._result(record, number)

    def _result(self, record: Record, number: int) -> Json:
        fate = self._transform(record, time.time())
        result: Json = {"line": number, **_shown(fate)}
        self.counts[result["outcome"]] += 1
        if self._explain:
            name = result.get("pipeline") or self._spec.name
            result["explain"] = _explained(self._specs[name], record, result.get("rule"))
        return result

    def summary(self) -> str:
        """One line: how many records came to which end."""
        total = sum(self.counts.values())
        parts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.most_common())
        return f"{total} records" + (f": {parts}" if parts else "")


_KINDS: Mapping[str, tuple[type, str]] = {
    "topic": (str, "text"),
    "partition": (int, "a whole number"),
    "offset": (int, "a whole number"),
    "timestamp": (int, "a whole number of milliseconds"),
    "headers": (dict, "an object"),
}
_MEMBERS = frozenset({"value", "key", "headers", "topic", "partition", "offset", "timestamp"})


def _by_topic(pairs: list[tuple[PipelineSpec, Pipeline]]) -> Callable[[Record, float], Fate]:
    if len(pairs) == 1:
        return pairs[0][1]
    router = Router(pairs)
    fallback = pairs[0]

    def transform(record: Record, now: float) -> Fate:
        # A record without a topic carries the first pipeline's own, which may be a regular expression.
        if record.topic == fallback[0].topics[0]:
            return fallback[1](record, now)
        if router.find(record.topic) is None:
            raise UnreadableRecord(f"no pipeline reads the topic {record.topic}")
        return router(record, now)

    return transform


def _now_ms() -> int:
    return int(time.time() * 1000)


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _shown(fate: Fate) -> Json:
    match fate:
        case Transformed(pipeline, rule, entries, rejection):
            outcome = "mapped" if rejection is None else "dead_letter"
            shown: Json = {"outcome": outcome, "pipeline": pipeline, "rule": rule, "calls": calls(entries)}
            return shown if rejection is None else {**shown, "rejection": _why(rejection)}
        case Skipped(reason, rule, pipeline):
            return {"outcome": "skipped", "pipeline": pipeline, "rule": rule, "reason": reason}
        case Filtered():
            return {"outcome": "filtered"}
        case Rejection():
            return {"outcome": "dead_letter", "pipeline": fate.pipeline, "rule": fate.rule, "rejection": _why(fate)}
        case _:
            assert_never(fate)


def _why(rejection: Rejection) -> Json:
    why: Json = {name: value for name, value in rejection._asdict().items() if value not in {None, ()}}
    return {name: value for name, value in why.items() if name not in {"pipeline", "rule", "failed"}}


def calls(entries: tuple[Entry, ...]) -> list[Json]:
    """The calls that these entries alone would make: in order, one session and user each, ten at most."""
    shown: list[Json] = []
    for (tracking_id, session_id, user_id), group in itertools.groupby(entries, key=lambda entry: entry[:3]):
        envelope = {"trackingId": tracking_id, "sessionId": session_id, "userId": user_id}
        envelope = {name: value for name, value in envelope.items() if value is not None}
        bodies = [orjson.loads(entry.body) for entry in group]
        shown += [
            {**envelope, "eventList": bodies[start : start + MOST_EVENTS]}
            for start in range(0, len(bodies), MOST_EVENTS)
        ]
    return shown


def _explained(spec: PipelineSpec, record: Record, matched: str | None) -> Json:
    root = _root(spec, record)
    tried: list[Json] = []
    for rule in spec.rules:
        tried.append(_tried(rule, root))
        if tried[-1]["matched"]:
            break
    mapped = [rule.put_events for rule in spec.rules if rule.name == matched and rule.put_events is not None]
    members = _plain(mapped[0]) if mapped else {}
    return {"rules": tried, "members": members}


def _tried(rule: Rule, root: Mapping[str, Any]) -> Json:
    if rule.when is None:
        return {"rule": rule.name, "when": None, "matched": True}
    try:
        matched = truthy(compile_expression(rule.when).evaluate(root))
    except EvaluationError as error:
        return {"rule": rule.name, "when": rule.when, "matched": False, "failed": str(error)}
    return {"rule": rule.name, "when": rule.when, "matched": matched}


def _root(spec: PipelineSpec, record: Record) -> Json:
    try:
        value = orjson.loads(record.value or b"null")
        key = orjson.loads(record.key) if spec.key.format == "json" and record.key else record.key
    except orjson.JSONDecodeError:
        value, key = None, None
    return {
        "value": value,
        "key": key.decode(errors="replace") if isinstance(key, bytes) else key,
        "headers": decode_headers(record),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
    }


def _plain(spec: Spec) -> Json:
    return spec.model_dump(by_alias=True, exclude_none=True)
