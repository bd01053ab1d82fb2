"""What happened to all records that were read: rules, members, reasons, event types and calls."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from connector.config import Loaded
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import Skipped, Transformed
from connector.core.sending.needed import NeededCalls
from connector.looking.tapping import Tapped

Rule = tuple[str, str]  # names of a pipeline and of one of its rules
MOST_TYPES = 1_000  # event types and columns that are remembered


class Filled(NamedTuple):
    """How often a member was made: with a value, with null, and invalid."""

    value: int = 0
    null: int = 0
    invalid: int = 0


@dataclass
class Named:
    """Entries of one operation: how many, and their event types and columns."""

    entries: int = 0
    types: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)


class Counts:
    """Counts records.

    Args:
        loaded: the configuration; its rules count even where no record reaches them.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.records = 0
        self.outcomes: Counter[str] = Counter()
        self.rules: Counter[Rule] = Counter(
            {(pipeline.name, rule.name): 0 for pipeline in loaded.config.pipelines for rule in pipeline.rules}
        )
        self.failed: Counter[Rule] = Counter()
        self.members: dict[Rule, dict[str, Filled]] = {}
        self.invalid: Counter[tuple[str, str, str, str]] = Counter()  # reason, pipeline, rule, member
        self.skipped: Counter[tuple[str, str, str]] = Counter()  # reason, pipeline, rule
        self.named: dict[Operation, Named] = {}
        self.needed = NeededCalls(loaded.config.delivery.linger)

    @property
    def types(self) -> Counter[str]:
        """The event types of PutEvents."""
        return self.of(PUT_EVENTS).types

    @property
    def columns(self) -> Counter[str]:
        """The columns of its events."""
        return self.of(PUT_EVENTS).columns

    def of(self, operation: Operation) -> Named:
        """The names in the entries of an operation."""
        return self.named.get(operation) or Named()

    def add(self, tapped: Tapped) -> None:
        """Count one record."""
        self.records += 1
        self.outcomes[tapped.outcome] += 1
        self.failed.update(tapped.fate.failed)
        if tapped.rule:
            self.rules[tapped.pipeline, tapped.rule] += 1
        if isinstance(tapped.fate, Skipped):
            self.skipped[tapped.fate.reason, tapped.pipeline, tapped.rule or ""] += 1
        rejection = tapped.rejection
        if rejection is not None:
            self.invalid[str(rejection.reason), tapped.pipeline, rejection.rule or "", rejection.field or ""] += 1
        self._add_members(tapped)
        if isinstance(tapped.fate, Transformed):
            self._add_events(tapped, tapped.fate)

    def _add_members(self, tapped: Tapped) -> None:
        for event in tapped.events:
            members = self.members.setdefault((tapped.pipeline, event.rule), {})
            for member in event.members:
                before = members.get(member.name, Filled())
                # Beside an empty object, an empty text counts as null.
                if member.failed is not None:
                    members[member.name] = before._replace(invalid=before.invalid + 1)
                elif member.value is None or member.value == "":
                    members[member.name] = before._replace(null=before.null + 1)
                else:
                    members[member.name] = before._replace(value=before.value + 1)

    def _add_events(self, tapped: Tapped, fate: Transformed) -> None:
        timestamp = tapped.record.timestamp
        if timestamp is not None:
            self.needed.add(timestamp / 1000, fate.entries)
        for entry in fate.entries:
            event, named = orjson.loads(entry.body), self.named.setdefault(entry.operation, Named())
            named.entries += 1
            if entry.operation.identity is None:
                _count(named.types, str(event.get("eventType")))
            for column in _columns(event):
                _count(named.columns, column)


def _columns(event: dict[str, Any]) -> list[str]:
    """The columns of its dataset that an entry fills, beside those that every one has."""
    properties = event.get("properties")
    names = list(orjson.loads(properties)) if isinstance(properties, str) else []
    return [*(["EVENT_VALUE"] if "eventValue" in event else []), *names]


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or len(counter) < MOST_TYPES:
        counter[name] += 1
