"""Waits for the schemas of records, where a command has nothing else to do meanwhile."""

import time
from collections.abc import Callable

from connector.core.records import Fate, Pending
from connector.exits import Exit
from connector.ports import SchemaFetcher

PATIENCE = 10.0  # seconds for one schema; a registry that takes longer is taken for away
_LOOK = 0.02  # seconds between two looks


class NoSchema(Exception):
    """The schema of a record cannot be had now. The message is for people, ``code`` is how the command ends."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


class SchemaWait:
    """Maps a record again until its schemas are there.

    Args:
        fetcher: what fetches them elsewhere; None where the file names no registry, so that no record waits.
        seconds: how long to wait for one schema.
        clock: seconds that never go back.
        pause: lets that many seconds pass.
    """

    def __init__(
        self,
        fetcher: SchemaFetcher | None,
        seconds: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._seconds = seconds
        self._clock = clock
        self._pause = pause

    def __call__(self, transform: Callable[[], Fate | Pending]) -> Fate:
        """The fate that ``transform`` gives once it does not wait for a schema any more.

        Raises:
            NoSchema: the registry refuses this client, or does not answer in time.
        """
        while True:
            before = 0 if self._fetcher is None else self._fetcher.answers()
            fate = transform()
            if not isinstance(fate, Pending):
                return fate
            if self._fetcher is None:
                raise NoSchema(f"expected a schema registry for {fate.schema}: the file names none", Exit.UNAVAILABLE)
            self._await(self._fetcher, before, fate.schema)

    def _await(self, fetcher: SchemaFetcher, before: int, schema: str) -> None:
        """Until there is another answer than before the record was mapped."""
        ends = self._clock() + self._seconds
        while fetcher.answers() == before:
            refused = fetcher.refused()
            if refused is not None:
                message = f"the schema registry refuses to give {schema}: {refused.code}; {refused.advice}"
                raise NoSchema(message, Exit.REFUSED)
            if self._clock() >= ends:
                trouble = fetcher.reach().trouble
                why = f": {trouble}" if trouble else ""
                message = f"the schema registry did not give {schema} within {self._seconds:g} s{why}"
                raise NoSchema(message, Exit.UNAVAILABLE)
            self._pause(_LOOK)
