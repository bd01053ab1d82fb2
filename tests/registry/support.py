"""The parts of the room that most of its tests need."""

from collections.abc import Callable
from typing import Any

from connector.config import Loaded, load_text
from connector.config.registry import ConfluentRegistry, GlueRegistry
from connector.core.formats.decoded import Decode
from connector.metrics import Metrics
from connector.ports import Environment
from connector.registry.answers import Answer, Found
from tests.support.config_files import build
from tests.support.fakes import Clock

FOUND = Found("avro", "a schema")


def environment(clock: Clock, chance: Callable[[], float] = lambda: 1.0) -> Environment:
    return Environment(lambda: clock.now, lambda: 1_800_000_000.0 + clock.now, chance)


def settings(section: str) -> ConfluentRegistry | GlueRegistry:
    """The section as it would be loaded, such as ``{url: http://127.0.0.1:1}``."""
    loaded = load_text(build(schema_registry=f"schema_registry: {section}"), "file.yaml", {})
    assert isinstance(loaded, Loaded), loaded
    assert loaded.config.schema_registry is not None
    return loaded.config.schema_registry


def requests(metrics: Metrics) -> dict[str, int]:
    """How often each outcome of a request was counted; those that never were are left out."""
    families = metrics.registry.collect()
    samples = [sample for family in families for sample in family.samples]
    named = [sample for sample in samples if sample.name == "putevents_schema_registry_requests_total"]
    return {sample.labels["outcome"]: int(sample.value) for sample in named if sample.value}


def text_of(found: Found) -> Decode:
    """Stands for a compiler: its decoder puts the schema before the payload."""
    return lambda payload: f"{found.text}: {payload.decode()}"


class FakeOrigin:
    """Answers as told, in order; the last answer again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int | str, str]] = []
        self.rests = 0

    def fetch(self, schema: int | str, kind: str) -> Answer:
        self.asked.append((schema, kind))
        answer: Any = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def misfit(self, schema: int | str) -> str | None:
        return "of another registry" if isinstance(schema, str) else None

    def rest(self) -> None:
        self.rests += 1
