"""A letter becomes a test: the smallest record that still fails for the same reason.

Whether a smaller record fails in the same way is asked of the machinery of ``putevents test`` itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connector.config import Loaded
from connector.config.examples import Example
from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Fate, Pending, Rejection, Transformed
from connector.dlq.appending import CannotAdd
from connector.dlq.letters import Letter
from connector.dlq.minimal import leaves, put, smallest
from connector.starting.people import People
from connector.trials.clocks import clock_of, spec_at
from connector.trials.inputs import UnusableInput, formats_of, records_of
from connector.trials.outcomes import outcome_of
from connector.trials.values import as_output

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_EPOCHS = ((1_262_304_000, 4_102_444_800), (1_262_304_000_000, 4_102_444_800_000))  # 2010 to 2100, in s and in ms
_DOCUMENTS = frozenset({"json", "json_schema"})


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
        now = clock_of(test, records)
        pipeline = self._loaded.pipeline(spec_at(self.spec, now), self._loaded.mappings[self._number], formats)
        return pipeline(records[0], now)

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
