"""Letters and replays in words and as JSON; nothing of a record unless it was asked for."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import orjson

from connector.core.records import Fate, Filtered, Rejection, Skipped, Transformed
from connector.dlq.groups import Group
from connector.dlq.letters import Letter, first_failure
from connector.dry_run import calls
from connector.looking.masking import masked, masked_tree

Json = dict[str, Any]
Stubs = Sequence[tuple[Letter, bool | None]]
_EXAMPLES = 3  # places of letters in a line


def count(number: int, what: str) -> str:
    """``1 letter``, ``2 letters``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def moment(milliseconds: int | None) -> str:
    """A time in UTC, to the second."""
    if milliseconds is None:
        return "-"
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):  # anybody may write to the topic, in microseconds, too
        return f"{milliseconds} ms"


def table(rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """Aligned columns, the first ``right`` of them to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if number < right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


# -- list ------------------------------------------------------------------------------------------------------


def groups_text(groups: Sequence[Group]) -> str:
    """A row for each group; nothing where there is none."""
    if not groups:
        return ""
    head = ("letters", "reason", "member", "rule", "topic", "first", "last", "example")
    rows = [
        (
            f"{group.count:,}",
            group.kind.reason or "(no headers)",
            group.kind.member or "-",
            group.kind.rule or "-",
            group.kind.topic or "-",
            moment(group.first),
            moment(group.last),
            str(group.example),
        )
        for group in groups
    ]
    return table([head, *rows], right=1)


def groups_summary(topic: str, groups: Sequence[Group], replayed: int, left: int, *, again: bool, config: str) -> str:
    """How many there are in all, and what to do next."""
    total = sum(group.count for group in groups)
    stubs, most = sum(group.stubs for group in groups), max((group.replays for group in groups), default=0)
    lines = [f"{topic}: {count(total, 'letter')}{'' if again else ' to replay'}"]
    if replayed:
        lines[0] += f", {replayed:,} {'of them ' if again else ''}replayed already{'' if again else ' (--again)'}"
    if left:
        lines.append(
            f"{count(left, 'letter')} of those a replay had to leave: without the record, or replayed as often as "
            "--max-replays allows; --again shows them"
        )
    if stubs:
        lines.append(f"{count(stubs, 'letter')} without the record, which was too large: it is only in its own topic")
    if most:
        lines.append(f"some were replayed before and failed again, up to {count(most, 'time')}")
    if groups:
        lines.append(f"next: putevents dlq show {shlex.quote(config)} {groups[0].example}")
    return "\n".join(lines) + "\n"


def groups_json(groups: Sequence[Group], replayed: int, left: int) -> str:
    """The same as JSON."""
    found = [
        {
            **group.kind._asdict(),
            "letters": group.count,
            "first": moment(group.first),
            "last": moment(group.last),
            "example": str(group.example),
            "most_replays": group.replays,
            "stubs": group.stubs,
        }
        for group in groups
    ]
    return as_json(
        {"groups": found, "letters": sum(group.count for group in groups), "replayed": replayed, "left": left}
    )


def as_json(value: Any) -> str:
    """JSON for people and programs."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


# -- show ------------------------------------------------------------------------------------------------------


def letter_json(letter: Letter, fate: Fate | None, *, replayed: bool, show_values: bool) -> Json:
    """A letter, its error and what the mapping makes of it now."""
    record = letter.record
    shown: Json = {"letter": str(letter.place), "written": moment(letter.written), "replayed": replayed}
    if record is None:
        return {**shown, "error": "no headers of this connector: another program wrote it"}
    shown["source"] = f"{record.topic}-{record.partition}@{record.offset}"
    shown["timestamp"] = moment(record.timestamp)
    named = ("reason", "stage", "member", "pipeline", "rule", "message")
    shown["error"] = {name: found for name in named if (found := getattr(letter, name))}
    if letter.elements:
        shown["error"]["elements"] = sorted(letter.elements)
    if letter.replays:
        shown["replays"] = letter.replays
        shown["first_error"] = first_failure(letter)
    shown["record"] = {
        "key": _shown(record.key, show_values),
        "headers": {name: _shown(value, show_values) for name, value in record.headers},
        "value": _shown(record.value, show_values),
    }
    if letter.stub:
        shown["record"]["stub"] = "the record was too large for the dead-letter topic: read it at its source"
    shown["now"] = "unknown: the letter has not the record" if fate is None else _now(fate, show_values)
    return shown


def _shown(raw: bytes | None, show_values: bool) -> Any:  # noqa: FBT001
    if raw is None:
        return None
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "backslashreplace") if show_values else masked(raw)
    return document if show_values else masked_tree(document)


def _now(fate: Fate, show_values: bool) -> Json:  # noqa: FBT001
    match fate:
        case Transformed():
            made = calls(fate.entries)
            shown: Json = {"outcome": "events", "pipeline": fate.pipeline, "rule": fate.rule}
            shown["calls"] = made if show_values else [masked_tree(each) for each in made]
            return shown if fate.rejection is None else {**shown, "rejected": fate.rejection.message}
        case Skipped(reason, rule):
            return {"outcome": "skipped", "reason": str(reason), "rule": rule}
        case Filtered():
            return {"outcome": "filtered"}
        case Rejection():
            return {"outcome": "fails again", "reason": fate.reason.value, "message": fate.message}
        case _:
            assert_never(fate)


def letter_text(shown: Json) -> str:
    """The same for people: a name and a value in each line, documents below their name."""
    return "\n".join(_lines(shown, "")) + "\n"


def _lines(shown: Json, indent: str) -> list[str]:
    width = max((len(name) for name, value in shown.items() if not isinstance(value, dict | list)), default=0)
    lines: list[str] = []
    for name, value in shown.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, each in enumerate(value):
                lines += [f"{indent}{name} {number}", *_lines(each, indent + "  ")]
        else:
            lines.append(f"{indent}{name.ljust(width)}  {_word(value)}")
    return lines


def _word(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
