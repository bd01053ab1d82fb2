"""What tests name is there, and what they expect can happen.

A test of a configuration that runs must not keep it from starting, so an expectation that no record can meet is a
warning here; ``putevents test`` makes an error of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.config.located import Located
from connector.config.paths import at
from connector.config.problems import Problem, key_word, printable, suggest_or_list
from connector.config.yaml_tree import Path
from connector.core.mapping.entries import KINDS
from connector.core.mapping.specs import PUT_SPECS, PipelineSpec, Rule
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import Reason, Skip

IMPOSSIBLE = "impossible-test"  # the code of such a warning
CONTAINS = "contains"
_PARTS = ["value", "key", "event"]  # what a rejection may name beside members

Operations = Sequence[Operation]  # those of which a test's pipeline makes entries

Pipelines = Mapping[str, PipelineSpec]


def check_tests(data: Any, names: Sequence[str], pipelines: Pipelines, located: Located) -> Iterator[Problem]:
    """The tests of a file.

    Args:
        data: the whole file.
        names: those of all pipelines, valid or not.
        pipelines: those that are valid, by name; nothing is said of the rules of others.
        located: where the file's paths stand.
    """
    for index, test in enumerate(listed(at(data, ("tests",)))):
        path: Path = ("tests", index)
        name = at(test, ("pipeline",))
        if isinstance(name, str) and name and name not in names:
            choices = suggest_or_list(name, [printable(each) for each in names], "pipelines")
            yield located.at_value((*path, "pipeline"), "unknown-pipeline", "expected the name of a pipeline", choices)
        spec = pipelines.get(name) if isinstance(name, str) else None
        if spec is not None:
            yield from _rule((*path, "rule"), at(test, ("rule",)), spec, located)
        yield from _output((*path, "output"), at(test, ("output",)), spec, located)
        for number, output in enumerate(listed(at(test, ("outputs",)))):
            yield from _output((*path, "outputs", number), output, spec, located)


def _rule(path: Path, name: Any, spec: PipelineSpec, located: Located) -> Iterator[Problem]:
    names = [rule.name for rule in spec.rules]
    if isinstance(name, str) and name and name not in names:
        choices = suggest_or_list(name, [printable(each) for each in names], "rules")
        message = f"expected the name of a rule of pipeline {printable(spec.name)}"
        yield located.at_value(path, "unknown-rule", message, choices)


def _operations(spec: PipelineSpec | None) -> Operations:
    """What the rules make; any, where they are not known."""
    rules = [] if spec is None else spec.rules
    found = dict.fromkeys(rule.operation for rule in rules if rule.operation is not None)
    return [*found] if found else [PUT_EVENTS] if spec is not None else [*PUT_SPECS]


def _members_of(operations: Operations) -> list[str]:
    return list(dict.fromkeys(name for each in operations for name in PUT_SPECS[each].model_fields))


def _always(operation: Operation) -> list[str]:
    """The members that every entry of an operation has."""
    fields = PUT_SPECS[operation].model_fields
    return [name for name, field in fields.items() if field.is_required() or name in {"eventId", KINDS[operation].time}]


def _owner(operations: Operations) -> str:
    """Whose member it has to be."""
    return operations[0].name if len(operations) == 1 else "what the rules make"


def _output(path: Path, output: Any, spec: PipelineSpec | None, located: Located) -> Iterator[Problem]:
    operations = _operations(spec)
    if isinstance(output, list):
        yield from _events(path, output, operations, located)
        if output and spec is not None and not any(rule.operation for rule in spec.rules):
            yield _impossible(path, "expected no events: no rule of the pipeline makes one", located)
        return
    if not isinstance(output, dict):
        return
    yield from _events((*path, "events"), listed(output.get("events")), operations, located)
    member, parts = output.get("member"), [*_members_of(operations), *_PARTS]
    if isinstance(member, str) and member and member not in parts:
        hint = suggest_or_list(member, parts, "members")
        message = f"expected a member of {_owner(operations)}"
        yield located.at_value((*path, "member"), "unknown-member", message, hint)
    if spec is not None:
        yield from _possible(path, output, spec, located)


def _possible(path: Path, output: dict[str, Any], spec: PipelineSpec, located: Located) -> Iterator[Problem]:
    skipped = output.get("skipped")
    if isinstance(skipped, str) and skipped not in (reasons := _skips(spec.rules)):
        message = f"expected a reason that a record of pipeline {printable(spec.name)} can be skipped for"
        yield _impossible((*path, "skipped"), message, located, suggest_or_list(skipped, reasons, "reasons"))
    if output.get("filtered") is True and spec.unmatched == "dead_letter":
        message = "expected no filtered record: unmatched is dead_letter"
        yield _impossible((*path, "filtered"), message, located, f"write {{rejected: {Reason.UNMATCHED}}}")
    rejected = output.get("rejected")
    if rejected == Reason.UNMATCHED and spec.unmatched == "skip":
        message = "expected another reason: unmatched is skip"
        yield _impossible((*path, "rejected"), message, located, "write {filtered: true}")
    if rejected == Reason.REJECTED_BY_SERVICE:
        yield _impossible((*path, "rejected"), "expected a reason that needs no call of the service", located)


def _skips(rules: Sequence[Rule]) -> list[str]:
    """The reasons of the rules first: those are what a test names most often."""
    return list(dict.fromkeys([*(rule.skip for rule in rules if rule.skip), *Skip]))


def _events(path: Path, events: Sequence[Any], operations: Operations, located: Located) -> Iterator[Problem]:
    for number, event in enumerate(events):
        if isinstance(event, dict) and list(event) == [CONTAINS]:
            yield from _some((*path, number, CONTAINS), event[CONTAINS], operations, located)
        elif isinstance(event, dict):
            yield from _members((*path, number), event, operations, located)
            lacking, noun = _lacking(event, operations)
            if lacking:
                message = f"expected {lacking} in the {noun}: each {noun} has one"
                hint = "add it, or write {contains: {…}} for some of the members"
                yield _impossible((*path, number), message, located, hint)


def _lacking(event: Mapping[str, Any], operations: Operations) -> tuple[str, str]:
    """The first member that it would need, and what it is then: that of which it lacks the fewest; "" where none."""
    lacking = [([name for name in _always(each) if name not in event], each.noun) for each in operations]
    names, noun = min(lacking, key=lambda pair: len(pair[0]))
    return names[0] if names else "", noun


def _some(path: Path, members: Any, operations: Operations, located: Located) -> Iterator[Problem]:
    if isinstance(members, dict) and members:
        yield from _members(path, members, operations, located)
    else:
        message = "expected members after contains, as in {contains: {eventType: View}}"
        yield located.at_value(path, "wrong-type", message)


def _members(path: Path, event: dict[str, Any], operations: Operations, located: Located) -> Iterator[Problem]:
    members = _members_of(operations)
    for key, value in event.items():
        if key not in members:
            message = f"expected a member of {_owner(operations)}, not {key_word(key)}"
            yield located.at_key((*path, key), "unknown-key", message, suggest_or_list(key, members, "members"))
        elif value is None:
            message = f"expected no {key}, or its value: a member that is null is left out"
            yield _impossible((*path, key), message, located, "remove it")


def _impossible(path: Path, message: str, located: Located, hint: str | None = None) -> Problem:
    return located.at_value(path, "impossible-test", message, hint)._replace(severity="warning")


def listed(value: Any) -> list[Any]:
    """A list as it is; of anything else none."""
    return value if isinstance(value, list) else []
