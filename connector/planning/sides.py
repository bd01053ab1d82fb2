"""One version of a file as records go through it: the pipelines of `run`, the calls that they make, what is counted."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.config import Loaded
from connector.core.formats.decoded import Schemas
from connector.core.mapping.transform import Pipeline, Router
from connector.core.operations import PUT_EVENTS, Operation
from connector.core.records import Fate, Record, Transformed
from connector.core.sending.backlog import Backlog, Count
from connector.planning.outcomes import PROPERTIES, Outcome, outcome_of
from connector.schema_wait import SchemaWait

MOST_IDS = 1_000_000  # event ids that are remembered, about 120 MB; what repeats after that is not seen
MOST_NAMES = 1_000  # event types and columns that are remembered for a tracking id


class Kinds(NamedTuple):
    """What the service's quota counts, for one tracking id: distinct event types, and columns of the schema."""

    types: set[str]
    columns: set[str]  # beside EVENT_TYPE, which is always there

    @property
    def together(self) -> int:
        """What the quota of ten is about."""
        return len(self.types) + len(self.columns) + 1


class Side:
    """One version of the file.

    Args:
        name: what people call it.
        loaded: the file.
        pipeline: the name of the pipeline of every record; None for that of the record's topic.
        schemas: the registry of the file, None where it names none.
        wait: waits for the schemas of a record.
    """

    def __init__(
        self,
        name: str,
        loaded: Loaded,
        pipeline: str | None = None,
        schemas: Schemas | None = None,
        wait: SchemaWait | None = None,
    ) -> None:
        self.name = name
        self.loaded = loaded
        pairs = loaded.pipelines(schemas)
        self.spec, default = next((pair for pair in pairs if pair[0].name == pipeline), pairs[0])
        self._default: Pipeline | None = default if pipeline else None
        self._first = default
        self._router = Router(pairs, loaded.config.dead_letter.topic)
        self._wait = wait or SchemaWait(None)
        self._backlog = Backlog(loaded.config.delivery.max_buffered_events)
        self._calls: Mapping[Operation, Count] | None = None
        self._ids: dict[int, int] = {}  # of each event id what it was given to first, both as hashes
        self.outcomes: Counter[str] = Counter()
        self.rules: set[tuple[str | None, str]] = set()  # pipeline and rule of those that took a record
        self.repeated = 0  # events whose id another one has: the service keeps one of them; not the same event again
        self.kinds: dict[str, Kinds] = {}

    def fate(self, record: Record, now: float, *, named: bool = True) -> Fate | None:
        """What becomes of a record; None where its topic is not read.

        Args:
            record: the record.
            now: the time, the same for both sides.
            named: whether it says its topic; one that does not is for the first pipeline.

        Raises:
            NoSchema: the schema of the record cannot be had now.
        """
        pipeline = self._default or (self._router.find(record.topic) if named else self._first)
        if pipeline is None:
            return None
        found = pipeline
        fate = self._wait(lambda: found(record, now))
        if isinstance(fate, Transformed):
            self._backlog.add(fate.entries)
        return fate

    def count(self, fate: Fate | None) -> Outcome:
        """Count what became of a record, and say it."""
        outcome = outcome_of(fate)
        self.outcomes[outcome.kind] += 1
        if outcome.rule is not None:
            self.rules.add((outcome.pipeline, outcome.rule))
        for event in outcome.events:
            if event.id is not None:
                self._add_id(hash(event.id), event.digest)
            if event.operation is not PUT_EVENTS:
                continue
            kinds = self.kinds.setdefault(str(event.members.get("trackingId")), Kinds(set(), set()))
            _add(kinds.types, [str(event.members.get("eventType"))])
            _add(kinds.columns, ["EVENT_VALUE"] if "eventValue" in event.members else [])
            _add(
                kinds.columns, [name.removeprefix(PROPERTIES) for name in event.members if name.startswith(PROPERTIES)]
            )
        return outcome

    @property
    def calls(self) -> Count:
        """How many calls of PutEvents all events make, and how many events these are: once, after the last record."""
        return self.by_operation.get(PUT_EVENTS, Count())

    @property
    def by_operation(self) -> Mapping[Operation, Count]:
        """The same of each operation that has entries."""
        if self._calls is None:
            self._calls = self._backlog.count()
        return self._calls

    def _add_id(self, event_id: int, digest: int) -> None:
        known = self._ids.get(event_id)
        if known is not None:
            self.repeated += known != digest
        elif len(self._ids) < MOST_IDS:
            self._ids[event_id] = digest


def _add(known: set[str], names: list[str]) -> None:
    if len(known) < MOST_NAMES:
        known.update(names)
