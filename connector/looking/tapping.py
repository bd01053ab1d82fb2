"""A real record through the pipeline that `run` would use, with a note of every step."""

import time
from typing import Any, NamedTuple

from connector.config import Loaded
from connector.core.formats.decoded import Document, Schemas
from connector.core.mapping.explain import Trace, TracedMember
from connector.core.mapping.transform import Pipeline, Router
from connector.core.records import Fate, Filtered, Record, Rejection, Skipped, Transformed
from connector.dry_run import traced
from connector.schema_wait import SchemaWait

OUTCOMES = ("mapped", "skipped", "filtered", "dead_letter")


class TriedEvent(NamedTuple):
    """An event that a rule began to make, and its members until one was invalid."""

    rule: str
    members: tuple[TracedMember, ...]


class Tapped(NamedTuple):
    """A record and what becomes of it.

    ``documents`` is what its value was decoded to: one document, those of a batch, or none where it cannot be decoded.
    """

    record: Record
    pipeline: str
    fate: Fate
    documents: tuple[Any, ...]
    events: tuple[TriedEvent, ...]

    @property
    def outcome(self) -> str:
        """One of ``OUTCOMES``: a record of which any event is invalid is a dead letter."""
        match self.fate:
            case Transformed(rejection=rejection):
                return "mapped" if rejection is None else "dead_letter"
            case Skipped():
                return "skipped"
            case Filtered():
                return "filtered"
            case Rejection():
                return "dead_letter"

    @property
    def rejection(self) -> Rejection | None:
        """Why it would go to the dead letters, None where it would not."""
        return self.fate.rejection if isinstance(self.fate, Transformed) else _if_rejection(self.fate)

    @property
    def rule(self) -> str | None:
        """The rule that took it."""
        return None if isinstance(self.fate, Filtered) else self.fate.rule

    @property
    def reason(self) -> str | None:
        """Why it is skipped or a dead letter."""
        if isinstance(self.fate, Skipped):
            return self.fate.reason
        return None if self.rejection is None else str(self.rejection.reason)


def _if_rejection(fate: Fate) -> Rejection | None:
    return fate if isinstance(fate, Rejection) else None


class Tap:
    """Maps records of the topics that the file names.

    Args:
        loaded: the configuration.
        schemas: the registry of the file, None where it needs none.
        wait: waits for the schemas of a record.
    """

    def __init__(self, loaded: Loaded, schemas: Schemas | None = None, wait: SchemaWait | None = None) -> None:
        self._traces: dict[str, Trace] = {}
        pairs = traced(loaded, self._traces).pipelines(schemas)
        self._router = Router(pairs, loaded.config.dead_letter.topic)
        self._wait = wait or SchemaWait(None)

    def __call__(self, record: Record) -> Tapped:
        """What becomes of a record.

        Raises:
            NoSchema: the schema of the record cannot be had now.
        """
        pipeline = self._router.find(record.topic)
        if pipeline is None:
            raise ValueError("expected a record of a topic that a pipeline reads")
        trace = self._traces[pipeline.name]

        def transform() -> Any:
            trace.begin()
            return pipeline(record, time.time())

        fate = self._wait(transform)
        trace.end()
        return Tapped(record, pipeline.name, fate, _documents(pipeline, record), _events(trace))


def _documents(pipeline: Pipeline, record: Record) -> tuple[Any, ...]:
    if record.value is None:
        return ()
    found = pipeline.read(record)
    each = found if isinstance(found, list) else [found]
    return tuple(document.value for document in each if isinstance(document, Document))


def _events(trace: Trace) -> tuple[TriedEvent, ...]:
    return tuple(
        TriedEvent(document.rules[-1].rule, tuple(event.members))
        for document in trace.documents
        for event in document.events
    )
