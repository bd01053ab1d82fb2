"""Waits for the schemas of records, where a command has nothing else to do meanwhile."""

from collections.abc import Callable
from typing import Protocol

from connector.core.records import Fate, Pending
from connector.exits import Exit
from connector.ports import SchemaFetcher

PATIENCE = 10.0  # seconds for one schema; a registry that takes longer is taken for away


class WaitableFetcher(SchemaFetcher, Protocol):
    """A fetcher that a command can wait for; the loop never waits."""

    def wait(self, answers: int, seconds: float) -> bool:
        """Wait until there are more answers than these, or a refusal; False where the time is up before."""


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
    """

    def __init__(self, fetcher: WaitableFetcher | None, seconds: float = PATIENCE) -> None:
        self._fetcher = fetcher
        self._seconds = seconds

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

    def _await(self, fetcher: WaitableFetcher, before: int, schema: str) -> None:
        """Until there is another answer than before the record was mapped."""
        if not fetcher.wait(before, self._seconds):
            trouble = fetcher.reach().trouble
            why = f": {trouble}" if trouble else ""
            message = f"the schema registry did not give {schema} within {self._seconds:g} s{why}"
            raise NoSchema(message, Exit.UNAVAILABLE)
        refused = fetcher.refused()
        if refused is not None and fetcher.answers() == before:
            message = f"the schema registry refuses to give {schema}: {refused.code}; {refused.advice}"
            raise NoSchema(message, Exit.REFUSED)
