"""What a process has to tell the next one about floods: text that goes with the committed offset of each partition.

``flood1 2100 931add61=40 map=5f0c11d2 held=931add61:missing_member:view:itemId since=5000``: of 2,100 records that were
seen before, 40 were invalid for one cause; the pipeline is held under a mapping with that fingerprint, and the first
such record of this partition is at 5000. In place of ``held``, ``run=ID:CAUSE:RECORDS`` is an unbroken run of invalid
records that was not long enough yet, and how many of it lie in this partition before the committed offset.
"""

import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from connector.core.records import Reason, Rejection

LONGEST = 60  # characters of a name: Kafka bounds the text that goes with an offset
_CODE = "[0-9a-f]{8}"
_NOTE = re.compile(
    rf"flood1 (?P<total>\d{{1,12}})(?P<counts>(?: {_CODE}=\d{{1,12}}){{0,8}})"
    rf"(?: map=(?P<mapping>{_CODE}))?"
    rf"(?: held=(?P<held>{_CODE})(?::(?P<why>[^: ]{{1,800}}:[^: ]{{0,800}}:[^: ]{{0,800}}))?)?"
    rf"(?: run=(?P<run>{_CODE}):(?P<run_of>{_CODE}):(?P<run_count>\d{{1,9}}))?"
    r"(?: since=(?P<since>\d{1,19}))?"
)


class Cause(NamedTuple):
    """What makes a record invalid, without what is the record's own."""

    reason: Reason
    rule: str | None
    member: str | None

    @property
    def code(self) -> str:
        """The same in every process, and short."""
        return checksum((self.reason.value, self.rule, self.member))


def cause_of(rejection: Rejection) -> Cause:
    """The cause that a rejection counts under."""
    return Cause(rejection.reason, rejection.rule, rejection.field)


class Run(NamedTuple):
    """Records in a row that are invalid for one cause; ``name`` is that of the run, to tell it from an older one."""

    name: str
    cause: str
    records: int


class Note(NamedTuple):
    """What is known of one partition's pipeline.

    Args:
        total: how many records were seen before what is told below.
        counts: how many of them were invalid, by the cause's code.
        mapping: the fingerprint of what judged them; "" where none is noted.
        held: the code of the cause that the pipeline is held for; "" where it is not.
        why: reason, rule and member of that cause; "" in place of those that it does not have.
        run: what may become a flood.
        since: the first record of ``held`` or ``run`` in this partition.
    """

    total: int = 0
    counts: Mapping[str, int] = {}
    mapping: str = ""
    held: str = ""
    why: tuple[str, ...] = ()
    run: Run | None = None
    since: int | None = None

    def __str__(self) -> str:
        words = [f"flood1 {self.total}", *(f"{code}={count}" for code, count in self.counts.items())]
        if self.held or self.run:
            words.append(f"map={self.mapping}")
        if self.held:
            words.append(":".join([f"held={self.held}", *map(_quoted, self.why)]))
        if self.run:
            words.append(f"run={self.run.name}:{self.run.cause}:{self.run.records}")
        if self.since is not None:
            words.append(f"since={self.since}")
        return " ".join(words)


def note_of(text: str) -> Note | None:
    """What a note says; None for text of others."""
    found = _NOTE.fullmatch(text)
    if found is None:
        return None
    run = Run(found["run"], found["run_of"], int(found["run_count"])) if found["run"] else None
    why = tuple(unquote(word) for word in found["why"].split(":")) if found["why"] else ()
    since = int(found["since"]) if found["since"] else None
    counts, mapping = _pairs(found["counts"]), found["mapping"] or ""
    return Note(int(found["total"]), counts, mapping, found["held"] or "", why, run, since)


def tells_of_flood(text: str) -> bool:
    """Whether a note tells of a hold or a run, which may be over by now."""
    return text.startswith("flood1 ") and " map=" in text


def checksum(what: object) -> str:
    """Eight hexadecimal digits, the same in every process."""
    return f"{zlib.crc32(repr(what).encode()):08x}"


def _pairs(words: str) -> dict[str, int]:
    return {code: int(count) for code, _, count in (word.partition("=") for word in words.split())}


def _quoted(name: str) -> str:
    return quote(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…", safe="", errors="replace")
