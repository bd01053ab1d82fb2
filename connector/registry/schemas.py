"""The cache that the loop asks for decoders, and what becomes of each answer of the registry.

The loop's thread only looks things up here. What is not known yet is fetched in a thread of its own (fetching.py), and
``answers()`` tells the loop that there is something new. A schema never changes, so a decoder is kept for ever. That a
schema does not exist is kept for ``FORGET`` seconds: somebody may register it.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import structlog

from connector.core.formats.decoded import Decode, DecodingError, SchemaError, SchemaPending
from connector.core.records import Reason
from connector.core.sending.outcomes import Fatal
from connector.logs import LogLimiter
from connector.metrics import Metrics
from connector.ports import Environment, SchemaReach
from connector.registry.answers import Away, Found, Missing, Origin, Request, Unusable
from connector.registry.compiling import COMPILERS, WORDS, Compile
from connector.registry.fetching import Fetching, Key, Publish, named

log = structlog.get_logger()

FORGET: Final = 30.0  # seconds
_MOST_REFUSALS: Final = 10_000  # kept at most: bytes that are no frame may name any schema

# Apicurio's clients may write eight bytes, of which the first four are zero.
_NO_ID: Final = "; 0 is no registry's id: it may be no frame, or one with an id of eight bytes, where four are expected"


class _Refusal(NamedTuple):
    """Why records of a schema cannot be decoded; ``until`` is a time on the clock, None is for ever."""

    reason: Reason
    message: str
    until: float | None


class Registry:
    """Schemas by their ids; ``Schemas`` for the decoders and ``ports.SchemaFetcher`` for the loop.

    Args:
        origin: the registry.
        metrics: where schemas are counted.
        environment: time and chance.
        compilers: by kind, what makes a decoder of a schema.
    """

    def __init__(
        self, origin: Origin, metrics: Metrics, environment: Environment, compilers: Mapping[str, Compile] = COMPILERS
    ) -> None:
        self._origin = origin
        self._compilers = compilers
        self._clock: Callable[[], float] = environment.clock
        self._cached = metrics.schemas_cached
        self._limiter = LogLimiter(60.0, environment.clock)
        self._lock = threading.Lock()  # for what both threads change: never held while anything is waited for
        self._readers: dict[Key, Decode] = {}
        self._refusals: dict[Key, _Refusal] = {}
        self._answers = 0
        self._answered = threading.Condition(self._lock)
        self._fetching = Fetching(origin, self._settle, environment)

    # -- the loop's side

    def reader(self, schema: int | str, kind: str) -> Decode:
        """See ``core.formats.decoded.Schemas``."""
        reader = self._readers.get((schema, kind))
        return self._absent((schema, kind)) if reader is None else reader

    def answers(self) -> int:
        """See ``ports.SchemaFetcher``."""
        return self._answers

    def refused(self) -> Fatal | None:
        """See ``ports.SchemaFetcher``."""
        return self._fetching.refused

    def reach(self) -> SchemaReach:
        """See ``ports.SchemaFetcher``."""
        return self._fetching.reach()

    def start(self) -> None:
        """Start the thread that fetches; it asks for nothing before a record needs it."""
        self._fetching.start()

    def close(self, seconds: float) -> None:
        """End the thread, and wait for it so many seconds at most."""
        self._fetching.close(seconds)

    def wait(self, answers: int, seconds: float) -> bool:
        """Wait until there are more answers than these, or a refusal; for commands, never for the loop."""
        with self._answered:
            return self._answered.wait_for(lambda: self._answers > answers or self.refused() is not None, seconds)

    def _absent(self, key: Key) -> Decode:
        misfit = self._origin.misfit(key[0])
        if misfit is not None:
            raise DecodingError(Reason.NOT_FRAMED, misfit)
        with self._lock:
            # The answer may have come since the caller looked.
            if (reader := self._readers.get(key)) is not None:
                return reader
            refusal = self._refusals.get(key)
            if refusal is not None and (refusal.until is None or self._clock() < refusal.until):
                raise DecodingError(refusal.reason, refusal.message)
        self._fetching.want(key)
        raise SchemaPending(named(key))

    # -- the fetch thread's side

    def _settle(self, key: Key, answer: Found | Missing | Unusable | None) -> Publish | Away:
        """What a fetch ended in for good; None is a refusal of the whole process, for which nothing is kept."""
        result = None if answer is None else self._result(key, answer)
        if isinstance(result, Away):
            return result
        return lambda: self._publish(key, result)

    def _publish(self, key: Key, result: Decode | _Refusal | None) -> None:
        with self._answered:
            if isinstance(result, _Refusal):
                self._forget_old()
                self._refusals[key] = result
            elif result is not None:
                self._readers[key] = result
                self._refusals.pop(key, None)
                self._cached.set(len(self._readers))
            self._answers += result is not None
            self._answered.notify_all()

    def _result(self, key: Key, answer: Found | Missing | Unusable) -> Decode | _Refusal | Away:
        match answer:
            case Missing(what):
                message = (
                    f"expected a schema that the registry has: it does not have {what}{_NO_ID if key[0] == 0 else ''}"
                )
                self._report("a schema is not in the registry: records of it are dead-lettered", key, message)
                return _Refusal(Reason.UNKNOWN_SCHEMA, message, self._clock() + FORGET)
            case Unusable(why):
                return self._unusable(key, why)
            case Found():
                return self._compiled(key, answer)

    def _compiled(self, key: Key, found: Found) -> Decode | _Refusal | Away:
        schema, kind = key
        if found.kind != kind:
            word = WORDS.get(found.kind, f"of another type than {', '.join(WORDS.values())}")
            advice = f": set format to {found.kind}" if found.kind in WORDS else ""
            return self._unusable(key, f"expected schema {schema} to be {WORDS.get(kind, kind)}, found {word}{advice}")
        try:
            reader = self._compilers[kind](found)
        except SchemaError as error:
            return self._unusable(key, f"expected a schema that can be used: {named(key)}: {error}")
        except OSError as error:  # a full disk, no process left: this machine's fault, and no reason to drop records
            why = error.strerror or str(error)
            return Away(Request.GARBAGE, f"{named(key)} is there, and could not be compiled on this machine: {why}")
        except Exception as error:
            # A schema is foreign data: whatever it does to a compiler must not end the thread.
            log.exception("a schema could not be compiled", schema=str(schema), kind=kind)
            return self._unusable(key, f"{named(key)} could not be compiled ({type(error).__name__})")
        log.info("schema fetched", schema=str(schema), kind=kind)
        return reader

    def _unusable(self, key: Key, why: str) -> _Refusal:
        self._report("a schema cannot be used: records of it are dead-lettered", key, why)
        return _Refusal(Reason.UNUSABLE_SCHEMA, why, None)

    def _report(self, event: str, key: Key, why: str) -> None:
        if self._limiter.allow((event,)):
            log.error(event, schema=str(key[0]), reason=why, left_out=self._limiter.left_out((event,)))

    def _forget_old(self) -> None:
        if len(self._refusals) < _MOST_REFUSALS:
            return
        now = self._clock()
        self._refusals = {key: each for key, each in self._refusals.items() if each.until is None or now < each.until}
        while len(self._refusals) >= _MOST_REFUSALS:
            self._refusals.pop(next(iter(self._refusals)))
