"""The accepted events and entries, in the order of acceptance, and counters.

A soak test runs to millions of events, so by default only counters are kept. ``ids`` adds two integers an event
id, to count duplicates and conflicts: repeats that differ from the first (the service silently uses the first).
``keep`` holds every accepted body as it came, about its own size in memory; ``log`` appends the events to a file.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson

from connector.local.endpoint.operations import Operation, operation
from connector.local.endpoint.validation import Call


class Accepted(NamedTuple):
    """One accepted event. ``call`` counts accepted calls from 1; ``time`` is in seconds since the epoch.

    ``sha256`` is that of ``event`` as JSON with sorted keys, in hexadecimal: equal for equal events.
    """

    call: int
    position: int
    time: float
    tracking_id: str
    session_id: str
    user_id: str | None
    event_id: str | None
    sha256: str
    event: dict[str, Any]

    def line(self) -> bytes:
        """The event as one line of JSON, with the service's names of members."""
        row = {
            "call": self.call,
            "position": self.position,
            "time": self.time,
            "trackingId": self.tracking_id,
            "sessionId": self.session_id,
            "userId": self.user_id,
            "eventId": self.event_id,
            "sha256": self.sha256,
            "event": self.event,
        }
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


class AcceptedEntry(NamedTuple):
    """One accepted entry of an operation other than PutEvents; the members are those of ``Accepted``.

    ``destination`` is the dataset's ARN or the tracking id, ``id`` is what tells a repeat, None where there is none.
    """

    call: int
    position: int
    time: float
    operation: str
    destination: str
    id: str | None
    sha256: str
    entry: dict[str, Any]

    def line(self) -> bytes:
        """The entry as one line of JSON."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_APPEND_NEWLINE)


Row = Accepted | AcceptedEntry


def _canonical(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def rows(number: int, time: float, of: Operation, call: Call) -> Iterator[Row]:
    """The rows of one accepted call, in the order of its entries."""
    destination = call[of.destination]
    for position, entry in enumerate(call[of.entries]):
        digest = hashlib.sha256(_canonical(entry)).hexdigest()
        identity = entry.get(of.entry_id)
        if of.name == "PutEvents":
            session_id, user_id = call["sessionId"], call.get("userId")
            yield Accepted(number, position, time, destination, session_id, user_id, identity, digest, entry)
        else:
            yield AcceptedEntry(number, position, time, of.name, destination, identity, digest, entry)


def by_session(accepted: Iterable[Accepted]) -> dict[tuple[str, str], list[Accepted]]:
    """The rows of each (tracking id, session id), in order of acceptance."""
    sessions: dict[tuple[str, str], list[Accepted]] = {}
    for row in accepted:
        sessions.setdefault((row.tracking_id, row.session_id), []).append(row)
    return sessions


class Ledger:
    """Counters, and events where they are kept. One thread writes; any thread may read, because a read copies first."""

    def __init__(self, *, keep: bool = False, ids: bool = False, log: BinaryIO | None = None) -> None:
        self.keep = keep
        self.ids = ids or keep
        self.log = log
        self.answers: Counter[str] = Counter()  # by status, or by what was done instead of a reply
        self.codes: Counter[str] = Counter()
        self.calls = 0
        self.by_operation: Counter[str] = Counter()  # accepted calls
        self.events = self.ignored = self.without_id = self.duplicates = self.conflicts = 0
        self.tracking_ids: Counter[str] = Counter()
        self.others: dict[str, Counter[str]] = {}  # operation → destination → entries
        self._kept: list[tuple[float, str, bytes]] = []
        self._seen: dict[int, int] = {}

    def fresh(self) -> "Ledger":
        """An empty ledger with the same options, which appends to the same log."""
        return Ledger(keep=self.keep, ids=self.ids, log=self.log)

    def accept(self, of: Operation, call: Call, body: bytes, now: float, ignored: int) -> None:
        """Record a call; ``now`` in seconds since the epoch. Raises OSError if the log cannot be written."""
        entries = call[of.entries]
        if self.log is not None:
            self.log.write(b"".join(row.line() for row in rows(self.calls + 1, now, of, call)))
        self.calls += 1
        self.by_operation[of.name] += 1
        self.ignored += ignored
        if self.keep:
            self._kept.append((now, of.name, body))
        if of.name != "PutEvents":
            self.others.setdefault(of.name, Counter())[call[of.destination]] += len(entries)
            return
        self.events += len(entries)
        self.tracking_ids[call["trackingId"]] += len(entries)
        if self.ids:
            self._count_ids(call)

    def _count_ids(self, call: Call) -> None:
        seen = self._seen
        tracking_id, session_id, user_id = call["trackingId"], call["sessionId"], call.get("userId")
        for event in call["eventList"]:
            event_id = event.get("eventId")
            if event_id is None:
                self.without_id += 1
                continue
            # Hashes of 64 bits instead of the ids: with 5 million ids the chance of one collision is about 10^-6.
            key = hash((tracking_id, event_id))
            content = hash((session_id, user_id, _canonical(event)))
            first = seen.get(key)
            if first is None:
                seen[key] = content
            else:
                self.duplicates += 1
                self.conflicts += first != content

    def stats(self) -> dict[str, Any]:
        """The counters as JSON; ``distinct_ids`` and what follows it are null where ids are not tracked."""
        return {
            "calls": dict(self.answers),
            "errors": dict(self.codes),
            "accepted_calls": self.calls,
            "calls_by_operation": dict(self.by_operation),
            "events": self.events,
            "ignored": self.ignored,
            "by_tracking_id": dict(self.tracking_ids),
            "other_operations": {name: dict(entries) for name, entries in self.others.items()},
            "distinct_ids": len(self._seen) if self.ids else None,
            "without_id": self.without_id if self.ids else None,
            "duplicates": self.duplicates if self.ids else None,
            "conflicts": self.conflicts if self.ids else None,
        }

    def accepted(self) -> Iterator[Row]:
        """Every accepted event and entry so far, in order. Raises RuntimeError where they are not kept."""
        if not self.keep:
            raise RuntimeError("accepted events are not kept: start the endpoint with --ledger")
        kept = enumerate(self._kept[:], start=1)
        return (
            row
            for number, (time, name, body) in kept
            for row in rows(number, time, operation(name), orjson.loads(body))
        )

    def state(self) -> dict[str, dict[str, Any]]:
        """Dataset ARN → id → the newest entry. Raises RuntimeError as ``accepted``."""
        newest: dict[str, dict[str, Any]] = {}
        for row in self.accepted():
            if isinstance(row, AcceptedEntry) and row.id is not None and operation(row.operation).replaces:
                newest.setdefault(row.destination, {})[row.id] = row.entry
        return newest

    def flush(self) -> None:
        """Write the log's buffer to the file, so that readers see it."""
        if self.log is not None:
            self.log.flush()
