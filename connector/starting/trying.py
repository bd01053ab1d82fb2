"""Records become tests: only what rules read is kept, people's values are replaced, and the mapping says the rest."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from connector.config import Loaded
from connector.core.mapping.times import time_parser
from connector.core.mapping.transform import Pipeline
from connector.core.records import Pending, Record
from connector.starting.envelopes import put_on
from connector.starting.fields import EACH, Path, expression, value_at
from connector.starting.people import People
from connector.starting.plans import Plan, Rule
from connector.starting.roles import time_of, times_in
from connector.trials.outcomes import outcome_of
from connector.trials.values import as_output

TIMESTAMP = 1_767_225_600_000  # of records whose dump has no time: 2026-01-01
_ELEMENTS = 3
_MOST = 8
_DAY = 86_400
_OTHER = "something else"
_CRAWLER = "ExampleBot/1.0"


Leaf = Callable[[Any], Any]


class Trial(NamedTuple):
    """A test: its name, the input and the output."""

    name: str
    input: dict[str, Any]
    output: Any


class Seen(NamedTuple):
    """A record as the rules see it, cut down and without people."""

    document: dict[str, Any]
    timestamp: int | None


def trials(plan: Plan, loaded: Loaded) -> Iterator[Trial]:
    """Tests of a mapping: one for each name of an event, and one for each way to make none."""
    run = _Runner(plan, loaded)
    people = People()
    shown = [_seen(plan, number, people) for number in _chosen(plan)]
    for number, seen in enumerate(shown, 1):
        yield run(_named(plan, seen) or f"record {number} of the sample", seen)
    for name, seen in _without(plan, shown):
        yield run(name, seen)


def _chosen(plan: Plan) -> list[int]:
    """The first record of each name of an event, mapped or not; without names the first two."""
    if plan.event is None or EACH in plan.event.path:
        return list(range(min(2, len(plan.documents))))
    first: dict[Any, int] = {}
    for number, document in enumerate(plan.documents):
        name = value_at(document, plan.event.path)
        if isinstance(name, str) and name.isprintable():
            first.setdefault(name, number)
    mapped = [first[name] for name in plan.lookup if name in first]
    others = [number for name, number in first.items() if name not in plan.lookup]
    return [*mapped[:_MOST], *others[:1]]


def _named(plan: Plan, seen: Seen) -> str | None:
    name = None if plan.event is None else value_at(seen.document, plan.event.path)
    if not isinstance(name, str):
        return None
    return f"{name} becomes {plan.lookup[name]}" if name in plan.lookup else f"{name} is no event"


def _without(plan: Plan, shown: list[Seen]) -> Iterator[tuple[str, Seen]]:
    """Records that are changed so that they make no event."""
    event = None if plan.event is None or EACH in plan.event.path else plan.event
    if event is not None and all(value_at(seen.document, event.path) in plan.lookup for seen in shown):
        yield "another name is no event", _changed(shown[-1], event.path, _OTHER)
    for rule in plan.rules:
        path = None if rule.skip is None else _looked_at(plan, rule)
        if path is not None:
            value = _CRAWLER if rule.skip == "bot" else False
            yield f"{rule.name}: skipped", _changed(shown[0], path, value)
    if any(EACH in each.path for each in plan.session):
        return
    for rule in plan.rules:
        found = next((each for each in shown if _is_of(plan, rule, each)), None)
        if rule.skip is None and found is not None:
            for each in plan.session:
                found = _changed(found, each.path, None)
            yield f"{rule.name}: without a session there is no event", found


def _looked_at(plan: Plan, rule: Rule) -> Path | None:
    """The member that the rule's condition looks at."""
    paths = (path for path in (*plan.agents, *plan.things) if EACH not in path)
    return next((path for path in paths if expression(path) in (rule.when or "")), None)


def _is_of(plan: Plan, rule: Rule, seen: Seen) -> bool:
    """Whether the rule makes events of the record."""
    return not rule.names or (plan.event is not None and value_at(seen.document, plan.event.path) in rule.names)


def _changed(seen: Seen, path: Path, value: Any) -> Seen:
    document = orjson.loads(orjson.dumps(seen.document))
    inner = document
    for name in path[:-1]:
        inner = inner.setdefault(name, {}) if isinstance(inner.get(name, {}), dict) else {}
    inner[path[-1]] = value
    return Seen(document, seen.timestamp)


def _writable(value: Any) -> Any:
    """The same without the character that no YAML file can hold."""
    match value:
        case str():
            return value.replace("\0", "?")
        case list():
            return [_writable(each) for each in value]
        case dict():
            return {name: _writable(each) for name, each in value.items()}
        case _:
            return value


# -- what is kept -----------------------------------------------------------------------------------------------


def _seen(plan: Plan, number: int, people: People) -> Seen:
    kept: dict[str, Any] = {}
    for paths, leaf in ((plan.people, people.replaced), (plan.things, people.kept), (plan.agents, _browser)):
        for path in paths:
            _branch(kept, path, leaf)
    if plan.time is not None:  # all of its values are times, though 2026:09:30:11 looks like a part of an address
        _branch(kept, plan.time.path, _as_it_is)
    document = _writable(_pruned(plan.documents[number], kept))
    sample = plan.samples.records[number]
    document.setdefault("value", {})
    return Seen(document, sample.timestamp)


def _branch(tree: dict[str, Any], path: Path, leaf: Leaf) -> None:
    for name in path[:-1]:
        inner = tree.setdefault(name, {})
        tree = inner if isinstance(inner, dict) else {}
    tree[path[-1]] = leaf


def _as_it_is(value: Any) -> Any:
    return value


def _browser(value: Any) -> Any:
    """What stands for the name of a browser: it can tell people apart, too."""
    return "Mozilla/5.0" if isinstance(value, str) else value


def _pruned(value: Any, tree: Any) -> Any:
    """What the branches of the tree name, in the order of the record."""
    if callable(tree):
        return _leaf(value, tree)
    if isinstance(value, list):
        return [_pruned(each, tree.get(EACH, {})) for each in value[:_ELEMENTS]]
    if isinstance(value, dict):
        return {name: _pruned(value[name], tree[name]) for name in value if name in tree}
    return None


def _leaf(value: Any, leaf: Leaf) -> Any:
    if isinstance(value, list):
        return [_leaf(each, leaf) for each in value[:_ELEMENTS]]
    return None if isinstance(value, dict) else leaf(value)


# -- what becomes of it -----------------------------------------------------------------------------------------


class _Runner:
    """Maps records by the proposed file."""

    def __init__(self, plan: Plan, loaded: Loaded) -> None:
        self._plan = plan
        [(self._spec, _)] = zip(loaded.config.pipelines, loaded.mappings, strict=True)
        self._pipeline = Pipeline(self._spec, loaded.mappings[0], loaded.config.personalize.tracking_id)
        self._defaults = loaded.default_targets
        self._count = 0
        self._now = _latest(plan) + _DAY

    def __call__(self, name: str, seen: Seen) -> Trial:
        self._count += 1
        value = self._row(seen) or put_on(seen.document, self._plan.envelope, self._count)
        given: dict[str, Any] = {"value": value}
        if isinstance(seen.document.get("key"), str):
            given["key"] = seen.document["key"]
        headers = {name: text for name, text in (seen.document.get("headers") or {}).items() if text is not None}
        given |= {"headers": headers} if headers else {}
        if seen.timestamp or self._plan.time is None or self._plan.fields.share(self._plan.time.path) < 1:
            given["timestamp"] = seen.timestamp or TIMESTAMP
        key = given["key"].encode() if "key" in given else None
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        record = Record(self._spec.topics[0], 0, 0, given.get("timestamp"), key, self._bytes(value), pairs)
        fate = self._pipeline(record, self._now)
        if isinstance(fate, Pending):
            raise TypeError("a proposal names no registry, so no record can wait for one")
        return Trial(name, given, as_output(outcome_of(fate), self._defaults))

    def _row(self, seen: Seen) -> dict[str, str] | None:
        """A cell for each column, where records are rows: what no rule reads is empty, and none needs quotes."""
        columns, value = self._plan.samples.columns, seen.document["value"]
        if columns is None:
            return None
        return {name: re.sub(r'[",;\t\r\n]', " ", value.get(name) or "") for name in columns}

    def _bytes(self, value: Any) -> bytes:
        if self._plan.samples.columns is None:
            return orjson.dumps(value)
        return (self._plan.samples.delimiter or ",").join(value.values()).encode()


def _latest(plan: Plan) -> float:
    """The last moment that the sample names, so that none of its times lies in the future."""
    times = [(sample.timestamp or TIMESTAMP) / 1000 for sample in plan.samples.records]
    time = None if plan.time is None else time_of(plan.time)
    if plan.time is not None and time is not None:
        times += map(time_parser(time.format or "auto"), times_in(plan.time, time.format))
    return max(times)
