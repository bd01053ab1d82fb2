"""A letter becomes a test at the end of ``tests:``: the smallest record that still fails for the same reason.

Nothing else in the file changes: the new text is read again, and its data must be the old plus the test. Whether a
smaller record fails in the same way is asked of the machinery of ``putevents test`` itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connector.config import Loaded
from connector.config.examples import Example
from connector.config.yaml_tree import Path as Node
from connector.config.yaml_tree import Place, parse
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Fate, Pending, Rejection, Transformed
from connector.dlq.letters import Letter
from connector.dlq.minimal import at, leaves, put, smallest
from connector.starting.people import People
from connector.starting.writing import flow
from connector.trials.clocks import clock_of
from connector.trials.inputs import UnusableInput, formats_of, records_of
from connector.trials.outcomes import outcome_of
from connector.trials.values import as_output, in_yaml

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_EPOCHS = ((1_262_304_000, 4_102_444_800), (1_262_304_000_000, 4_102_444_800_000))  # 2010 to 2100, in s and in ms
_DOCUMENTS = frozenset({"json", "json_schema"})


class CannotAdd(Exception):
    """No test can be made of the letter, or not added; the message says why, and what to do."""


class Failure(NamedTuple):
    """How a record fails, as far as it counts for being the same."""

    stage: str
    reason: str
    member: str | None
    rule: str | None


def failure_of(fate: Fate | Pending) -> Failure | None:
    """How it fails; None where it does not."""
    found = fate.rejection if isinstance(fate, Transformed) else fate
    if not isinstance(found, Rejection):
        return None
    return Failure(found.stage.value, found.reason.value, found.field, found.rule)


class Trials:
    """Runs records as ``putevents test`` does, without a registry.

    Args:
        loaded: the file.
        path: where it is, for schemas beside it.
        pipeline: the name of the pipeline.
    """

    def __init__(self, loaded: Loaded, path: Path, pipeline: str) -> None:
        names = [spec.name for spec in loaded.config.pipelines]
        if pipeline not in names:
            raise CannotAdd(f"no pipeline of the file is named {pipeline or 'in the letter'}: `dlq show` says more")
        number = names.index(pipeline)
        self.spec: PipelineSpec = loaded.config.pipelines[number]
        self._loaded, self._number, self._folder = loaded, number, path.parent

    def fate(self, given: Mapping[str, Any]) -> Fate | Pending | None:
        """What becomes of a test's input; None where it is none."""
        try:
            test = Example.model_validate({"name": "-", "pipeline": self.spec.name, "input": given, "output": []})
            records = records_of(test, self.spec, self._folder)
            formats = formats_of(test, self.spec, self._loaded.formats[self._number], self._folder, glue=False)
        except (UnusableInput, ValueError):
            return None
        tracking_id = self._loaded.config.personalize.tracking_id
        pipeline = Pipeline(self.spec, self._loaded.mappings[self._number], tracking_id, formats)
        return pipeline(records[0], clock_of(test, records))

    def fails(self, given: Mapping[str, Any]) -> Failure | None:
        """How the input fails; None where it does not, or is none."""
        fate = self.fate(given)
        return None if fate is None else failure_of(fate)


class Test(NamedTuple):
    """A test to add; ``kept`` are paths whose values had to stay as they are, which may be people's."""

    data: dict[str, Any]
    kept: tuple[str, ...]


def as_test(letter: Letter, trials: Trials, text: str, *, whole: bool = False, show_values: bool = False) -> Test:
    """The test that a letter makes.

    Args:
        letter: with its record.
        trials: runs candidates.
        text: the file's; values that stand in it are the mapping's and are kept.
        whole: whether the record keeps members that the failure does not need: those of its mending, perhaps.
        show_values: whether values may stay that the failure needs, though they may be people's.

    Raises:
        CannotAdd: see there.
    """
    given, failure = _whole(letter, trials)
    for name in ("headers", "key_text", "timestamp", "offset", "partition", "topic"):
        if whole and name == "timestamp":
            continue  # the time of an event, if the mended mapping takes it from there
        given = _tried(given, {key: part for key, part in given.items() if key != name}, trials, failure)
    people, kept = People(), list[str]()
    if "value" in given and not whole:
        document = smallest(given["value"], lambda value: trials.fails({**given, "value": value}) == failure)
        given = {**given, "value": document}
    for path, value in list(leaves(given)):
        given = _without_person(given, path, value, trials, failure, people, text, kept)
    if kept and not show_values:
        raise CannotAdd(
            f"the failure depends on what {', '.join(kept)} holds, which may be a person's: "
            "with --show-values the test has it as it is"
        )
    return Test(_test(letter, given, trials), tuple(kept))


def _whole(letter: Letter, trials: Trials) -> tuple[dict[str, Any], Failure]:
    """The record as a test's input, and how it fails now."""
    record = letter.record
    if record is None or letter.stub:
        raise CannotAdd("the letter has not the whole record: read it at its source, and write the test by hand")
    given: dict[str, Any] = {**_value(record.value, trials.spec), **_key(record.key)}
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    given |= {"headers": headers} if headers else {}
    given |= {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    given |= {} if record.timestamp is None else {"timestamp": record.timestamp}
    fate = trials.fate(given)
    if isinstance(fate, Pending):
        raise CannotAdd(
            f"the value needs {fate.schema} of the registry, which a test does not ask: write the test by hand, with "
            "value_base64 and schema_file"
        )
    failure = None if fate is None else failure_of(fate)
    if failure is None:
        raise CannotAdd("the current mapping does not reject the record any more: a replay delivers it")
    if failure.reason != letter.reason:
        raise CannotAdd(f"the current mapping rejects the record for another reason: {failure.reason}")
    return given, failure


def _value(raw: bytes | None, spec: PipelineSpec) -> dict[str, Any]:
    if raw is None:
        return {"value": None}
    if spec.value.format in _DOCUMENTS and spec.value.compression == "none":
        try:
            return {"value": orjson.loads(raw)}
        except orjson.JSONDecodeError:
            pass
    try:
        return {"value_text": raw.decode()}
    except UnicodeDecodeError:
        raise CannotAdd(
            "the value is no text, so people's values in it cannot be replaced: `dlq export` gives the record, and a "
            "test takes it as value_base64"
        ) from None


def _key(raw: bytes | None) -> dict[str, Any]:
    try:
        return {} if raw is None else {"key_text": raw.decode()}
    except UnicodeDecodeError:
        return {}


def _tried(given: dict[str, Any], other: dict[str, Any], trials: Trials, failure: Failure) -> dict[str, Any]:
    return other if trials.fails(other) == failure else given


def _without_person(
    given: dict[str, Any],
    path: tuple[str | int, ...],
    value: Any,
    trials: Trials,
    failure: Failure,
    people: People,
    text: str,
    kept: list[str],
) -> dict[str, Any]:
    """The input with another value of the same shape there, where that fails in the same way."""
    if path[0] in {"partition", "offset", "topic", "timestamp"} or value in {None, "", True, False}:
        return given
    if _is_time(value) or (isinstance(value, str) and _stands_in(value, text)):
        return given
    for other in (people.replaced(value), _as_long(people.replaced(value), value)):
        candidate: dict[str, Any] = put(given, path, other)
        if trials.fails(candidate) == failure:
            return candidate
    kept.append(".".join(map(str, path)))
    return given


def _as_long(other: Any, value: Any) -> Any:
    """As many characters as the value has: too many may be what is wrong with it."""
    if not isinstance(other, str) or not isinstance(value, str):
        return other
    return (other + "x" * len(value))[: len(value)]


def _is_time(value: Any) -> bool:
    """Whether it is a time, as seconds, milliseconds or ISO 8601: another would be out of the service's window."""
    if isinstance(value, str):
        return _TIME.fullmatch(value) is not None
    return isinstance(value, int | float) and any(low <= value < high for low, high in _EPOCHS)


def _stands_in(value: str, text: str) -> bool:
    """Whether the file has it as a word of its own, as the names of events stand in conditions and lookups."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text) is not None


def _test(letter: Letter, given: dict[str, Any], trials: Trials) -> dict[str, Any]:
    fate = trials.fate(given)
    assert fate is not None  # noqa: S101  for the type checker: it failed before
    assert not isinstance(fate, Pending)  # noqa: S101
    outcome = outcome_of(fate)
    of_rule = f", rule {letter.rule}" if letter.rule else ""
    of_member = f" {letter.member}" if letter.member else ""
    name = f"dead letter: {letter.reason}{of_member}{of_rule}"
    return {"name": name, "pipeline": trials.spec.name, "input": given, "output": as_output(outcome)}


# -- the file --------------------------------------------------------------------------------------------------


def added(text: str, test: Mapping[str, Any]) -> str | None:
    """The file's text with the test as the last of ``tests``; None where it has the same test under any name.

    Raises:
        CannotAdd: the file is written in a way that would change more than that.
    """
    tree = parse(text)
    tests = at(tree.data, ("tests",)) or []
    if any(_same(each, test) for each in tests):
        return None
    number = sum(1 for each in tests if str(at(each, ("name",))).startswith(test["name"]))
    named = {**test, "name": f"{test['name']} ({number + 1})" if number else test["name"]}
    newline = "\r\n" if "\r\n" in text else "\n"
    after = _with(text, tree.places, len(tests), _lines(named), newline)
    read = parse(after)
    wanted = {**tree.data, "tests": [*tests, named]}
    if read.faults or orjson.dumps(read.data, default=str) != orjson.dumps(
        {name: wanted[name] for name in read.data}, default=str
    ):
        raise CannotAdd("the file is written in a way that would change more than its tests: add the test by hand")
    return after


def _same(one: Any, other: Mapping[str, Any]) -> bool:
    names = ("pipeline", "input", "output")
    return isinstance(one, dict) and all(one.get(name) == other[name] for name in names)


def _with(text: str, places: Mapping[Node, Place], count: int, lines: list[str], newline: str) -> str:
    rows = text.splitlines(keepends=True)
    if not count:
        key = places.get(("tests",))
        if key is not None and key.key is not None:  # `tests:` or `tests: []`
            row = key.key.line
            rows[row : key.end[0] + 1 if key.end[1] else max(row + 1, key.end[0])] = [f"tests:{newline}"]
            at_row, column = row + 1, 2
        else:
            if rows and not rows[-1].endswith(("\n", "\r")):
                rows[-1] += newline
            rows += [newline, f"tests:{newline}"]
            at_row, column = len(rows), 2
    else:
        last = places["tests", count - 1]
        before = rows[last.value.line][: last.value.column]
        if before.strip() != "-":
            raise CannotAdd("the tests of the file are written in brackets: add the test by hand")
        column = before.index("-")
        at_row = _end_row(places, count - 1, rows)
        if not rows[at_row - 1].endswith(("\n", "\r")):
            rows[at_row - 1] += newline
    made = [" " * column + line + newline for line in lines]
    return "".join([*rows[:at_row], *made, *rows[at_row:]])


def _end_row(places: Mapping[Node, Place], number: int, rows: list[str]) -> int:
    """The row after the last one of a test; comments and empty lines after it stay where they are."""
    line, column = places["tests", number].end
    row = min(line + 1 if column else line, len(rows))
    first = places["tests", number].value.line
    while row - 1 > first and (not rows[row - 1].strip() or rows[row - 1].lstrip().startswith("#")):
        row -= 1
    return row


def _lines(test: Mapping[str, Any]) -> list[str]:
    """The test in block style, each part of its input and its output in flow style, broken where they are long."""
    lines = [f"- name: {in_yaml(test['name'])}", f"  pipeline: {in_yaml(test['pipeline'])}", "  input:"]
    for name, part in test["input"].items():
        lines += f"    {name}: {flow(part, len(name) + 6)}".split("\n")
    return [*lines, f"  output: {in_yaml(test['output'])}"]
