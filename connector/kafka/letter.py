"""The format of a dead letter: the record as it was, and headers that say what is wrong with it. Pure.

What is too large for the topic is replaced by a stub. What is written in place of a letter that the topic refuses is
decided here, too; dead_letters.py does the writing.
"""

import hashlib
import re
from typing import NamedTuple

import orjson
from confluent_kafka import KafkaError

from connector import __version__
from connector.core.records import Record, Rejection, Stage, place_text
from connector.core.sending.offsets import OpenRecord

Headers = list[tuple[str, str | bytes | None]]

PREFIX = "putevents."
CONNECT_PREFIX = "__connect.errors."
REPLAYS = "putevents.replays"
ALL = 2  # see Letter.cut
_COUNT = re.compile(rb"[0-9]{1,6}")  # of replays, in a source's header; what is more was not counted
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE})
# Reported for a whole batch, also for the letters in it that are valid.
_OF_SOME = frozenset({KafkaError.INVALID_RECORD, KafkaError._INVALID_DIFFERENT_RECORD})  # noqa: SLF001


class Letter(NamedTuple):
    """One dead letter to be written: whose, and why.

    ``cut`` is what the topic was too small for: 0 nothing, 1 the value, 2 key and headers, too. ``undated``: the topic
    does not take the record's timestamp, and the letter has the time of its writing. ``alone``: it was in a batch that
    was refused, and is written in one of its own.
    """

    opened: OpenRecord
    record: Record
    rejection: Rejection
    cut: int = 0
    undated: bool = False
    alone: bool = False

    def instead(self, code: int) -> "Letter | None":
        """What to write in its place after that refusal; None: there is nothing else to try."""
        if code in _TOO_LARGE and (self.cut < ALL or not self.alone):
            return self._replace(cut=self.cut + self.alone, alone=True)
        if code == KafkaError.INVALID_TIMESTAMP and not self.undated:
            return self._replace(undated=self.alone, alone=True)
        return self._replace(alone=True) if code in _OF_SOME and not self.alone else None


def headers(record: Record, rejection: Rejection, connector: str | None, *, stub: bool = False) -> Headers:
    """The source record's own headers, then ours.

    A record that is replayed from a dead letter has the headers of that: those of our names are replaced. All others
    are kept as they are, in their order, also others that begin with ``putevents.``.

    Args:
        record: the source record.
        rejection: what is wrong with it.
        connector: the name for Kafka Connect's headers; None leaves those out.
        stub: whether the value is only a description, the record being too large for the topic.
    """
    own: list[tuple[str, str | None]] = [
        (f"{PREFIX}error.reason", rejection.reason.value),
        (f"{PREFIX}error.stage", rejection.stage.value),
        (f"{PREFIX}error.message", rejection.message),
        (f"{PREFIX}error.field", rejection.field),
        (f"{PREFIX}error.pipeline", rejection.pipeline),
        (f"{PREFIX}error.rule", rejection.rule),
        (f"{PREFIX}error.indexes", ",".join(map(place_text, rejection.indexes)) or None),
        (f"{PREFIX}source.topic", record.topic),
        (f"{PREFIX}source.partition", str(record.partition)),
        (f"{PREFIX}source.offset", str(record.offset)),
        (f"{PREFIX}source.timestamp", None if record.timestamp is None else str(record.timestamp)),
        (f"{PREFIX}version", __version__),
        (f"{PREFIX}stub", "true" if stub else None),
        (REPLAYS, str(_replays(record))),
    ]
    if connector is not None:
        own += _connect_headers(record, rejection, connector)
    ours = {name for name, _ in own}
    kept: Headers = [pair for pair in record.headers if pair[0] not in ours]
    return kept + [(name, value.encode()) for name, value in own if value is not None]


def _replays(record: Record) -> int:
    """How often the record was replayed: the last count of its headers that can be one, or 0.

    Anybody can write to the source topic. A count that is taken over unchecked could end replays at once, or never.
    """
    counts = [value for name, value in record.headers if name == REPLAYS and value is not None]
    confirmed = [int(value) for value in counts if _COUNT.fullmatch(value)]
    return confirmed[-1] if confirmed else 0


def _connect_headers(record: Record, rejection: Rejection, connector: str) -> list[tuple[str, str | None]]:
    values = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "connector.name": connector,
        "task.id": "0",
        "stage": "VALUE_CONVERTER" if rejection.stage is Stage.DECODE else "TASK_PUT",
        "class.name": "connector",
        "exception.class.name": f"{rejection.stage}.{rejection.reason}",
        "exception.message": rejection.message,
        "exception.stacktrace": f"{rejection.stage}.{rejection.reason}: {rejection.message}",
    }
    return [(f"{CONNECT_PREFIX}{name}", value) for name, value in values.items()]


def stub_of(record: Record) -> bytes:
    """What stands for a value that is too large for the topic: where the record lies, and how to recognise it."""
    value = record.value or b""
    return orjson.dumps(
        {
            "stub": "the record is too large for the dead-letter topic; read it at its source",
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "value_bytes": len(value),
            "value_sha256": hashlib.sha256(value).hexdigest(),
        }
    )
