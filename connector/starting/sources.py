"""Whose records these are, told by members that no other source has."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connector.starting.envelopes import envelope_of
from connector.starting.samples import Samples


class Source(NamedTuple):
    """A source: the name of its preset, and its own name."""

    preset: str
    words: str


def _is_track(value: dict[str, Any]) -> bool:
    return {"messageId", "type", "anonymousId"} <= value.keys()


def _is_rudder(value: dict[str, Any]) -> bool:
    """Segment has channels, too, but none of them is called web."""
    return _is_track(value) and ("rudderId" in value or value.get("channel") == "web")


_HAS: Mapping[Source, Callable[[dict[str, Any]], bool]] = {
    Source("ga4", "rows of Google Analytics 4"): lambda value: {"event_name", "event_params"} <= value.keys(),
    Source("ga4", "the Measurement Protocol's"): lambda value: {"client_id", "events"} <= value.keys(),
    Source("snowplow", "Snowplow's"): lambda value: {"domain_sessionid", "event_id"} <= value.keys(),
    Source("rudderstack", "RudderStack's"): _is_rudder,
    Source("segment", "Segment's"): _is_track,
}


def source_of(samples: Samples) -> Source | None:
    """The source that most of the records are of."""
    values = [sample.value for sample in samples.records]
    envelope = envelope_of(values)
    if envelope in {"debezium", "cloudevents"}:
        return Source(envelope, {"debezium": "Debezium's", "cloudevents": "CloudEvents"}[envelope])
    for source, has in _HAS.items():
        count = sum(isinstance(value, dict) and has(value) for value in values)
        if 2 * count > len(values):
            return source
    return None
