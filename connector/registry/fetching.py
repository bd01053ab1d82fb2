"""When which schema is asked for. One thread asks, one request at a time, and a schema is in it once.

An outage is waited for as long as it lasts, with exponential backoff and full jitter. Where the registry is silent, one
schema probes it for all. That a schema is missing counts only when it was said ``CONFIRMATIONS`` times over a few
seconds, without an outage in between: a registry that has just started, or one that follows another, may not know yet.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from connector.core.sending.outcomes import Fatal
from connector.ports import Environment, SchemaReach
from connector.registry.answers import Away, Found, Missing, Origin, Request, Unusable

log = structlog.get_logger()

Key = tuple[int | str, str]  # the schema's id, and the kind that it must be of
Publish = Callable[[], None]
Settle = Callable[[Key, Found | Missing | Unusable | None], Publish | Away]

CONFIRMATIONS: Final = 3
SPACING: Final = (0.5, 1.5)  # seconds before the second and the third time
FIRST, LONGEST = 0.1, 20.0  # seconds: upper bounds of the waits in an outage


def named(key: Key) -> str:
    """The schema, for people."""
    return f"schema {key[0]}"


class _Wanted:
    """A schema that records wait for."""

    __slots__ = ("attempts", "due", "failing_since", "missing", "trouble")

    def __init__(self, due: float) -> None:
        self.due = due
        self.attempts = 0
        self.missing = 0
        self.failing_since: float | None = None
        self.trouble = ""

    def turn(self, now: float) -> tuple[float, int, float]:
        """What is least comes next. Of those that are due, what may be missing waits: a good schema must not."""
        return max(self.due, now), self.missing, self.due


class Fetching:
    """The schemas that are wanted, and the thread that asks for them.

    Args:
        origin: the registry.
        settle: called in the thread with what a fetch ended in for good, and with None where the process is refused;
            what it returns makes that known, and takes no time. It returns Away where this machine cannot use the
            answer for now: the schema is asked for again.
        environment: time and chance.
    """

    def __init__(self, origin: Origin, settle: Settle, environment: Environment) -> None:
        self._origin = origin
        self._settle = settle
        self._environment = environment
        self._lock = threading.Lock()  # for ``_wanted``, never held while anything is waited for
        self._wanted: dict[Key, _Wanted] = {}
        self._silence = 0  # failures in a row of any schema, while the registry is silent
        self._quiet_until = 0.0
        self._away_since: float | None = None
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="schemas", daemon=True)
        self.refused: Fatal | None = None

    # -- the loop's side

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def want(self, key: Key) -> None:
        """Fetch this schema, if that is not being done."""
        with self._lock:
            if key not in self._wanted:
                self._wanted[key] = _Wanted(self._environment.clock())
                self._wake.set()

    def reach(self) -> SchemaReach:
        """Whether the registry answers, and what is waited for."""
        with self._lock:
            trouble = next((each.trouble for each in self._wanted.values() if each.trouble), "")
            return SchemaReach(self._away_since, trouble, tuple(sorted(map(named, self._wanted))))

    def close(self, seconds: float) -> None:
        """End the thread, which may be in the middle of a request; wait for it so many seconds at most."""
        self._stopped = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    # -- the thread's side

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                left = self.work()
            except Exception:  # a mistake of ours must not leave records waiting for a thread that is gone
                log.exception("fetching schemas failed unexpectedly: it goes on")
                left = LONGEST
            self._wake.wait(left)
        self._origin.rest()

    def work(self) -> float | None:
        """Ask for one schema, if it is time. Returns seconds until there may be more to do, None for not known."""
        if self._stopped or self.refused is not None:
            return None
        now = self._environment.clock()
        with self._lock:
            first = min(self._wanted, key=lambda key: self._wanted[key].turn(now), default=None)
            due = None if first is None else max(self._wanted[first].due, self._quiet_until)
        if first is None or due is None:
            self._origin.rest()
            return None
        if due > now:
            return due - now
        self._ask(first, self._wanted[first])
        return 0.0

    def _ask(self, key: Key, wanted: _Wanted) -> None:
        try:
            answer = self._origin.fetch(*key)
        except Exception as error:  # the thread must go on, or records would wait for ever
            log.exception("asking the schema registry failed unexpectedly")
            answer = Away(Request.GARBAGE, f"unexpected {type(error).__name__}")
        match answer:
            case Away():
                self._postpone(wanted, answer)
            case Fatal():
                self.refused = answer
                if not isinstance(publish := self._settle(key, None), Away):
                    publish()
            case Missing() if wanted.missing + 1 < CONFIRMATIONS:
                wanted.due = self._environment.clock() + SPACING[wanted.missing]
                wanted.missing += 1
                self._heard(wanted)
            case _:
                publish = self._settle(key, answer)
                if isinstance(publish, Away):
                    self._postpone(wanted, publish)
                    return
                self._heard(wanted)
                with self._lock:
                    # In one step: whoever asks before it hears of the answer, whoever asks after it may start another.
                    del self._wanted[key]
                    publish()

    def _postpone(self, wanted: _Wanted, away: Away) -> None:
        now = self._environment.clock()
        wanted.missing = 0
        wanted.attempts += 1
        self._silence = self._silence + 1 if away.silent else 0
        bound = min(LONGEST, FIRST * 2.0 ** min(max(wanted.attempts, self._silence) - 1, 10))
        wanted.due = now + max(away.retry_after, bound * self._environment.chance())
        self._quiet_until = wanted.due if away.silent else 0.0
        with self._lock:
            wanted.trouble = away.detail
            if self._away_since is None:
                self._away_since = now
                log.warning(
                    "the schema registry does not answer: records that need a new schema wait, and others go on",
                    trouble=away.detail,
                )

    def _heard(self, wanted: _Wanted) -> None:
        """The registry has answered: what was put off because of its silence need not wait longer."""
        with self._lock:
            wanted.attempts, wanted.trouble = 0, ""
            if self._silence:
                now = self._environment.clock()
                for each in self._wanted.values():
                    if each.trouble:
                        each.due = min(each.due, now)
        self._silence, self._quiet_until = 0, 0.0
        self._note_end()

    def _note_end(self) -> None:
        with self._lock:
            if self._away_since is None or any(each.trouble for each in self._wanted.values()):
                return
            seconds = self._environment.clock() - self._away_since
            self._away_since = None
        log.info("the schema registry answers again", seconds=round(seconds, 1))
