"""The time that a test's clock shows, so that no test depends on today's date."""

from collections.abc import Iterator, Sequence
from typing import Any

from connector.config.example_checks import CONTAINS
from connector.config.examples import Example, RejectedOutput
from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Record

FAR = 4_102_444_800.0  # 2100-01-01: no event of a test that names no time lies ahead of it


def clock_of(test: Example, records: Sequence[Record]) -> float:
    """Unix seconds: the test's ``now``, else the latest of its records' timestamps and of the times it expects."""
    if test.now is not None:
        return test.now / 1000
    times = [record.timestamp / 1000 for record in records if record.timestamp is not None]
    return max([*times, *_expected_times(test)], default=FAR)


def spec_at(spec: PipelineSpec, now: float) -> PipelineSpec:
    """The pipeline without ``max_age`` where a test names no time: then nothing is known to be late."""
    return spec.model_copy(update={"max_age": None}) if now == FAR else spec


def _expected_times(test: Example) -> Iterator[float]:
    for output in test.expected:
        events = output.events if isinstance(output, RejectedOutput) else output
        for event in events if isinstance(events, list) else ():
            members: Any = event.get(CONTAINS, event)
            seconds = members.get("sentAt") if isinstance(members, dict) else None
            if isinstance(seconds, int | float) and not isinstance(seconds, bool):
                yield float(seconds)
