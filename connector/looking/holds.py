"""Pipelines that are held, as the notes beside a group's commits say: no connector has to run for that."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from connector.core.records import TopicPartition
from connector.core.sending.flood_notes import note_of
from connector.given_records import Json

MOST_PLACES = 3  # that a sentence names


class Held(NamedTuple):
    """A pipeline that is held: for what, and the first such record of each partition where that is known."""

    pipeline: str
    reason: str
    rule: str
    member: str
    since: tuple[str, ...]

    def __str__(self) -> str:
        rule = f" in rule {self.rule}" if self.rule else ""
        member = f", member {self.member}" if self.member else ""
        more = f" and {len(self.since) - MOST_PLACES} more" if len(self.since) > MOST_PLACES else ""
        since = f", since {', '.join(self.since[:MOST_PLACES])}{more}" if self.since else ""
        return f"pipeline {self.pipeline} is held: {self.reason}{rule}{member}{since}"

    def as_json(self) -> Json:
        """The same names as in ``held_pipelines`` of the status page."""
        return {
            "pipeline": self.pipeline,
            "reason": self.reason,
            "rule": self.rule or None,
            "member": self.member or None,
            "since": ", ".join(self.since) or None,
        }


def holds_of(notes: Mapping[TopicPartition, str], owner: Callable[[str], str | None]) -> tuple[Held, ...]:
    """What the notes say. A pipeline is held for one cause; of notes that differ, that of most partitions counts.

    Args:
        notes: of partitions where something is left to read: elsewhere a hold is over.
        owner: the name of a topic's pipeline.
    """
    of: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    for (topic, number), text in sorted(notes.items()):
        note, pipeline = note_of(text), owner(topic)
        if note is None or not note.why or pipeline is None:
            continue
        reason, rule, member = map(_printable, note.why)
        since = [] if note.since is None else [f"{topic}-{number}@{note.since}"]
        of.setdefault(pipeline, {}).setdefault((reason, rule, member), []).extend(since)
    found = {pipeline: max(causes.items(), key=lambda each: len(each[1])) for pipeline, causes in of.items()}
    return tuple(
        Held(pipeline, reason, rule, member, tuple(since))
        for pipeline, ((reason, rule, member), since) in found.items()
    )


def _printable(name: str) -> str:
    """Whoever may commit for the group may write what he likes, and this goes to a terminal."""
    return "".join(each if each.isprintable() else "�" for each in name)
