"""What fetches schemas, to hold the contract of ``ports.SchemaFetcher`` against: the fake, and the real thread."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol, Self

from connector.core.formats.decoded import SchemaPending, Schemas
from connector.core.formats.plain import decode_json
from connector.core.sending.outcomes import Fatal
from connector.metrics import Metrics
from connector.ports import Environment, SchemaFetcher, SchemaReach
from connector.registry.answers import Answer, Away, Found, Missing, Request
from connector.registry.schemas import Registry
from tests.support.fakes import FakeFetcher

KIND = "avro"
REFUSAL = Fatal("401", "check schema_registry")
LONGEST = 30.0  # seconds; only a test that fails waits as long


class FetcherBackend(Protocol):
    """Schemas, what fetches them, and the registry behind."""

    @property
    def schemas(self) -> Schemas: ...

    @property
    def fetcher(self) -> SchemaFetcher: ...

    def add(self, schema: int) -> None:
        """The registry has this one from now on."""

    def go(self, *, away: bool) -> None:
        """It does not answer, or does again."""

    def refuse(self) -> None:
        """It will not serve this client."""

    def until(self, claim: Callable[[], object]) -> None:
        """Let time pass until the claim holds."""


class FakeSchemas(FakeFetcher):
    """The fake, with a registry that answers whenever time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.schemas = self.fetcher = self
        self._there: set[int] = set()
        self._refuses = self._away = False

    def reader(self, schema: int | str, kind: str) -> Callable[[bytes], object]:
        del kind
        if str(schema) not in self.here:
            self.asked.append(str(schema))
            raise SchemaPending(f"schema {schema}")
        return decode_json

    def add(self, schema: int) -> None:
        self._there.add(schema)

    def go(self, *, away: bool) -> None:
        self._away = away

    def refuse(self) -> None:
        self._refuses = True

    def until(self, claim: Callable[[], object]) -> None:
        for _ in range(10):
            if self.asked and self._refuses:
                self.refusal = REFUSAL
            elif self.asked and self._away:
                self.reached = SchemaReach(1.0, "no connection", tuple(f"schema {each}" for each in self.asked))
            elif self.asked:
                self.reached = SchemaReach()
                self.answer(self.asked.pop())
            if claim():
                return
        raise AssertionError("it does not come to that")


class RealSchemas(ExitStack):
    """The connector's own cache and thread, with a registry that is a few words of the test."""

    def __init__(self) -> None:
        super().__init__()
        self._there: set[int | str] = set()
        self._refuses = self._away = False

    def __enter__(self) -> Self:
        environment = Environment(time.monotonic, time.time, lambda: 0.0)
        compilers = {KIND: lambda _: decode_json}
        self.schemas = self.fetcher = Registry(self, Metrics(), environment, compilers)
        self.fetcher.start()
        self.callback(self.fetcher.close, LONGEST)
        return self

    def fetch(self, schema: int | str, kind: str) -> Answer:
        if self._refuses:
            return REFUSAL
        if self._away:
            return Away(Request.CONNECTION, "no connection")
        return Found(kind, "a schema") if schema in self._there else Missing(f"schema {schema}")

    def misfit(self, schema: int | str) -> str | None:
        del schema
        return None

    def rest(self) -> None:
        """Nothing is kept open."""

    def add(self, schema: int) -> None:
        self._there.add(schema)

    def go(self, *, away: bool) -> None:
        self._away = away

    def refuse(self) -> None:
        self._refuses = True

    def until(self, claim: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONGEST
        while not claim():
            assert time.monotonic() < deadline
            time.sleep(0.002)
