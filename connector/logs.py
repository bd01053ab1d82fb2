"""Structured logs: a line for each decision that an operator would ask about, and none about a person.

Loggers take an event and fields (``log.info("partitions assigned", topic="clicks", partitions=[0, 1])``). Records,
ids of users, sessions and items, and credentials are never fields. What repeats goes through ``Repeats``, so that an
outage makes two lines, not ten thousand.
"""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Literal

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

# Kafka's client writes to stderr by itself unless it is given a logger.
CLIENT = logging.getLogger("librdkafka")

Format = Literal["json", "text"]

DEEPEST_CAUSE = 10  # of a chain of exceptions


def _severity(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put time and level first: that is where eyes and log collectors look."""
    return {"time": event.pop("timestamp"), "level": event.pop("level"), "message": event.pop("event"), **event}


def _without_messages(exc_info: ExcInfo) -> str:
    """Where an exception came from, and its type; its message may be a key that is somebody's id."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < DEEPEST_CAUSE:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nraised while handling, or because of:\n".join(parts)


def configure(level: str, log_format: Format, *, colors: bool | None = None) -> None:
    """Send every log, the libraries' too, to stderr: JSON lines, or text for a terminal."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.ExceptionRenderer(_without_messages),
    ]
    render: list[Processor]
    if log_format == "json":
        render = [_severity, structlog.processors.JSONRenderer()]
    else:
        wanted = sys.stderr.isatty() if colors is None else colors
        plain = structlog.dev.plain_traceback  # another would show local variables, and with them records
        render = [structlog.dev.ConsoleRenderer(colors=wanted, pad_event_to=36, exception_formatter=plain)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    CLIENT.filters[:] = [_Sparing()]
    for library in ("botocore", "boto3", "urllib3"):
        # At debug level these write requests out, and with them signatures, users and items.
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class Repeats:
    """Which of many alike lines to write: one an interval, with how many were left out before it."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._last: dict[tuple[str, ...], float] = {}
        self._left_out: dict[tuple[str, ...], int] = {}

    def written(self, key: tuple[str, ...]) -> bool:
        """Whether a line of this kind should be written now."""
        now = self._clock()
        if key in self._last and now - self._last[key] < self._interval:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return False
        self._last[key] = now
        return True

    def left_out(self, key: tuple[str, ...]) -> int:
        """How many lines of this kind were left out since the last one written."""
        return self._left_out.pop(key, 0)


class _Sparing(logging.Filter):
    """Kafka's client says a dozen times a second that a broker is away; once a minute is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats(60.0)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record. Its kind is what stands before the text: facility, client, broker."""
        return self._repeats.written((record.levelname, record.getMessage().partition("]: ")[0]))
