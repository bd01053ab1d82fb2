"""How the process ends: the reason in the last line of the log, a little later after a refusal, and always in time."""

import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, NamedTuple

import structlog

from connector.aws.credentials import NotConfigured
from connector.core.sending.outcomes import Fatal
from connector.exits import Exit
from connector.loop import Loop
from connector.ports import Refused
from connector.signals import Signals

log = structlog.get_logger()

NAP = 0.1  # seconds that a signal may wait while the process lingers
GRACE = 0.5  # seconds for the gentle way of ending a process that hangs

By = Literal["personalize", "kafka", "schema_registry", "credentials"]
WHO: Mapping[By, str] = {
    "personalize": "Amazon Personalize",
    "kafka": "Kafka",
    "schema_registry": "the schema registry",
}


class Refusal(NamedTuple):
    """Why the process ends with 77, and what to do; ``said`` and ``fields`` are the log's line."""

    by: By
    code: str
    advice: str
    said: str
    fields: Mapping[str, str]

    @property
    def reason(self) -> str:
        """For probes and the page: nothing that a broker or a service words itself."""
        return f"refused by {WHO[self.by]}: {self.code}: {self.advice}" if self.by in WHO else self.advice


def without_credentials(error: NotConfigured) -> Refusal:
    """No region, or no credentials."""
    return Refusal("credentials", "not_configured", str(error), "cannot start", {"why": str(error)})


def by_kafka(error: Refused) -> Refusal:
    """Kafka refuses this client."""
    fields = {"code": error.code, "detail": error.detail, "what_to_do": error.advice}
    return Refusal("kafka", error.code, error.advice, "refused by Kafka", fields)


def by_personalize(fatal: Fatal) -> Refusal:
    """Amazon Personalize refuses this client."""
    fields = {"code": fatal.code, "what_to_do": fatal.advice}
    said = "stopped by Amazon Personalize: nothing more is committed, nothing is lost"
    return Refusal("personalize", fatal.code, fatal.advice, said, fields)


def by_schema_registry(fatal: Fatal) -> Refusal:
    """The schema registry refuses this client."""
    fields = {"code": fatal.code, "what_to_do": fatal.advice}
    said = "refused by the schema registry: nothing more is committed, nothing is lost"
    return Refusal("schema_registry", fatal.code, fatal.advice, said, fields)


def refusal_of(loop: Loop) -> Refusal | None:
    """Who refuses what the loop needs, and why; None while nobody does."""
    if loop.delivery.fatal is not None:
        return by_personalize(loop.delivery.fatal)
    return None if loop.waiting.refused is None else by_schema_registry(loop.waiting.refused)


def reported(ended: Exit | Refusal) -> Exit:
    """Write the last line of the log, which ``kubectl logs --previous`` shows; gives the exit code."""
    if isinstance(ended, Refusal):
        log.error(ended.said, exit_code=int(Exit.REFUSED), **ended.fields)
        return Exit.REFUSED
    log.info("stopped", exit_code=int(ended))
    return ended


def linger(refusal: Refusal, seconds: float, signals: Signals, clock: Callable[[], float]) -> None:
    """Answer probes and scrapes for some seconds more, so that Prometheus sees the refusal; a signal ends that."""
    if seconds <= 0 or signals.ordered():
        return
    then = f"probes, metrics and the status page answer for {seconds:g} s more, then the process ends"
    log.error(refusal.said, then=then, **refusal.fields)
    until = clock() + seconds
    while not signals.ordered() and (left := until - clock()) > 0:
        time.sleep(min(NAP, left))


@contextmanager
def in_time(seconds: float, code: Callable[[], Exit], loop: Loop | None = None) -> Iterator[None]:
    """End the process with this exit code where the block takes more than so many seconds."""

    def end() -> None:
        log.warning(
            "stopping took too long: the process ends now; what is not committed is read again",
            after_seconds=seconds,
            unfinished_records=0 if loop is None else loop.offsets.open_records,
        )
        os._exit(code())

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    # The Kafka client can hang while it holds the interpreter's lock; then no Python thread runs, the timer's neither.
    # faulthandler's thread needs no lock: it writes where the process hung and exits with 1.
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True)
    try:
        yield
    finally:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()
