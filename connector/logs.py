"""Structured logs: a line for each decision that an operator would ask about, and none about a person.

Loggers take an event and fields (``log.info("partitions assigned", topic="clicks", partitions=[0, 1])``). Records,
ids of users, sessions and items, and credentials are never fields. What repeats goes through ``LogLimiter``, so that an
outage writes two lines, not ten thousand.
"""

import logging
import os
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from connector.core.urls import without_secrets_of_urls
from connector.streams import Lines
from connector.styles import is_coloured

# Kafka's client writes to stderr by itself unless it is given a logger.
CLIENT = logging.getLogger("librdkafka")

Format = Literal["json", "text"]

DEEPEST_CAUSE = 10  # of a chain of exceptions
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"  # ISO 8601, always with a fraction
MILLISECONDS = len("2026-01-01T00:00:00.000")

# How text looks.
PADDED = 36  # columns that a message takes at least
MARGIN = " " * 25  # further lines of an entry start below its level
NARROWEST = 50  # columns of a sentence, on however narrow a terminal
MOST = 8  # names of a list
LEFT_OUT = "more_of_this_kind_before"  # says something only where it is not 0
SENTENCES = (
    "why",
    "detail",
    "then",
    "places",
    "what_to_do",
)  # fields that hold sentences, in the order in which they are shown
TABLE = "setup"  # a field that is a mapping: text has a line for each of its keys
BELOW = (*SENTENCES, TABLE)


def _severity(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put time and level first: that is where eyes and log collectors look."""
    return {"time": event.pop("timestamp"), "level": event.pop("level"), "message": event.pop("event"), **event}


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Messages of libraries quote URLs, which can hold a key."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_secrets_of_urls(value)
    return event


def _without_messages(exc_info: ExcInfo) -> str:
    """Where an exception came from, and its type; its message may be a key that is somebody's id."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < DEEPEST_CAUSE:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nraised while handling, or because of:\n".join(parts)


class _Text:
    """Lines for eyes: what is short in one line, in the caller's order, and sentences below it.

    Args:
        colors: whether to use them.
        width: columns to wrap sentences at; None leaves them whole, as whoever searches a file wants them.
    """

    def __init__(self, *, colors: bool, width: int | None) -> None:
        self._width = width
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors,
            pad_event_to=PADDED,
            sort_keys=False,
            # Another would show local variables, and with them records.
            exception_formatter=structlog.dev.plain_traceback,
        )

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        """The line, and those below it."""
        shown = {key: _short(value) for key, value in event.items() if value is not None and key not in BELOW}
        if shown.get(LEFT_OUT) == 0:
            del shown[LEFT_OUT]
        shown["event"] = f"{event['event']} "  # stands clear of what follows, however long it is
        shown["timestamp"] = f"{event['timestamp'][:MILLISECONDS]}Z"
        below = [self._below(key.replace("_", " "), event[key]) for key in SENTENCES if event.get(key)]
        table = event.get(TABLE) or {}
        rows = [f"{MARGIN}{key.replace('_', ' ')}: {_printable(str(_short(value)))}" for key, value in table.items()]
        return "\n".join([self._render(logger, name, shown), *rows, *below])

    def _below(self, key: str, value: object) -> str:
        if isinstance(value, list):
            return f"{MARGIN}{key}:\n" + "".join(map(str, value)).rstrip()
        # A newline or an escape in what a broker says would look like a line of ours, or worse.
        text = f"{MARGIN}{key}: {_printable(str(value))}"
        if self._width is None:
            return text
        width = max(self._width, len(MARGIN) + NARROWEST)
        return textwrap.fill(
            text, width, subsequent_indent=f"{MARGIN}  ", break_long_words=False, break_on_hyphens=False
        )


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _short(value: object) -> object:
    return folded(list(map(str, value))) if isinstance(value, list | tuple) else value


def folded(names: Sequence[str]) -> str:
    """Names in few words: neighbours that differ in the number at their end make one, and after some comes how many."""
    runs: list[tuple[str, int, int]] = []
    for name in names:
        stem, _, end = name.rpartition("-")
        number = int(end) if end.isdecimal() and end.isascii() else -1
        if runs and number >= 0 and runs[-1][0] == stem and runs[-1][2] + 1 == number:
            runs[-1] = stem, runs[-1][1], number
        else:
            runs.append((stem, number, number) if str(number) == end else (name, -1, -1))
    parts = [_run(*run) for run in runs[:MOST]]
    left_out = f" and {len(runs) - MOST} more" if len(runs) > MOST else ""
    return ",".join(parts) + left_out


def _run(stem: str, first: int, last: int) -> str:
    if first < 0:
        return stem
    return f"{stem}-{first}" if first == last else f"{stem}-{first}..{last}"


def configure(level: str, log_format: Format) -> None:
    """Send every log, the libraries' too, to stderr: JSON lines, or text for a terminal."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt=TIME, utc=True, key="timestamp"),
        structlog.processors.ExceptionRenderer(_without_messages),
        _without_secrets,
    ]
    render: list[Processor]
    if log_format == "json":
        render = [_severity, structlog.processors.JSONRenderer()]
    else:
        width = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else None
        render = [_Text(colors=is_coloured(sys.stderr), width=width)]
    handler = _Undisturbed(_stderr())
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


def _stderr() -> Lines | TextIO:
    """The descriptor itself, unless somebody has put another stream in its place."""
    own = sys.__stderr__
    return Lines(own.fileno()) if own is not None and sys.stderr is own else sys.stderr


class _Undisturbed(logging.StreamHandler[Lines | TextIO]):
    """A log that cannot be written is lost; what was to be logged goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Say nothing where the stream is the trouble: there is no other place to say it."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handleError(record)


class LogLimiter:
    """Which of many alike lines to write: one an interval, with how many were left out before it."""

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._last: dict[tuple[str, ...], float] = {}
        self._left_out: dict[tuple[str, ...], int] = {}

    def allow(self, key: tuple[str, ...]) -> bool:
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
        self._limiter = LogLimiter(60.0)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record. Its kind is what stands before the text: facility, client, broker."""
        return self._limiter.allow((record.levelname, record.getMessage().partition("]: ")[0]))
