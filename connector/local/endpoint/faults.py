"""The faults that can be injected.

``Faults`` is an immutable value that is replaced whole. So a chaos suite may change it from another thread or
over HTTP while calls are handled. One seeded generator is used in the order in which calls arrive: the same calls
and the same seed give the same faults.
"""

import random
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connector.local.endpoint.errors import ServiceError, invalid_input
from connector.local.endpoint.validation import Call

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNIT_SECONDS: Mapping[str | None, float] = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a duration like 20ms, 1.5s or 2m, or a range like 20ms-50ms")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def read_latency(value: Any) -> Any:
    """Shortest and longest delay, in seconds, of ``20ms``, ``20ms-50ms``, a number of seconds, or nothing."""
    if value is None:
        return (0.0, 0.0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value, value)
    if not isinstance(value, str):
        return value
    first, _, last = value.partition("-")
    low = _seconds(first)
    high = _seconds(last) if last else low
    if high < low:
        raise ValueError("expected the shorter end of the range first")
    return (low, high)


_DENIED = (
    "User: arn:aws:iam::000000000000:user/local is not authorized to perform: personalize:PutEvents because no "
    "identity-based policy allows the personalize:PutEvents action"
)

Rate = Annotated[float, Field(ge=0, le=1)]
PerSecond = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Latency = Annotated[tuple[Seconds, Seconds], BeforeValidator(read_latency)]


class _FrozenModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrackerFaults(_FrozenModel):
    """Faults of one tracking id, in addition to the endpoint's."""

    quota: PerSecond | None = None
    latency: Latency | None = None  # instead of the endpoint's


class Faults(_FrozenModel):
    """All faults. A rate is the probability, from 0 to 1, that a call is affected.

    ``outage``: ``unavailable`` returns 503, ``close`` resets each connection, ``hang`` never responds.
    ``credentials`` maps access keys to secret keys and turns on the full check of signatures.
    """

    quota: PerSecond | None = None  # calls a second, with a second's worth of burst
    throttle_status: Literal[400, 429] = 400
    latency: Latency = (0.0, 0.0)
    fail_rate: Rate = 0.0  # 500 InternalFailure or 503 ServiceUnavailable, nothing accepted
    reset_rate: Rate = 0.0  # the connection is reset, nothing accepted
    reset_after_rate: Rate = 0.0  # accepted, then the connection is reset: the caller cannot know that it was accepted
    hang_rate: Rate = 0.0  # no response, nothing accepted
    poison_prefix: Annotated[str, Field(min_length=1)] | None = None
    tracking_ids: frozenset[str] | None = None  # None accepts any
    denied: bool = False
    outage: Literal["unavailable", "close", "hang"] | None = None
    trackers: Mapping[str, TrackerFaults] = Field(default_factory=dict)
    credentials: Mapping[str, str] | None = Field(default=None, repr=False, exclude=True)
    expired_keys: frozenset[str] = frozenset()
    expired_tokens: frozenset[str] = Field(default=frozenset(), repr=False, exclude=True)

    def changed(self, changes: Mapping[str, Any]) -> "Faults":
        """These faults with some members replaced; None restores a default.

        Raises pydantic.ValidationError for an unknown name or a wrong value.
        """
        current = {name: getattr(self, name) for name in self.model_fields_set}
        merged = {**current, **changes}
        return Faults.model_validate({name: value for name, value in merged.items() if value is not None})


class Bucket:
    """A token bucket: ``rate`` calls a second, and a burst of what one second allows (at least one call)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.burst = max(1.0, rate)
        self.tokens = self.burst
        self.filled_at: float | None = None

    def take(self, tick: float) -> bool:
        """Whether a call may pass at ``tick``, in seconds of a monotonic clock."""
        elapsed = 0.0 if self.filled_at is None else tick - self.filled_at
        self.filled_at = tick
        self.tokens = min(self.burst, self.tokens + elapsed * self.rate)
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class Injector:
    """Applies faults: holds their random numbers and token buckets."""

    def __init__(self, faults: Faults, chance: random.Random) -> None:
        self.faults = faults
        self.chance = chance
        self.bucket = Bucket(faults.quota) if faults.quota else None
        self.buckets = {name: Bucket(of.quota) for name, of in faults.trackers.items() if of.quota}

    def happens(self, rate: float) -> bool:
        """Whether something of this rate happens now; a rate of 0 costs no random number."""
        return rate > 0 and self.chance.random() < rate

    def check_front(self, access_key: str, token: str | None, tick: float) -> None:
        """The checks before AWS reads the body: credentials, permissions, quota, failures of the service."""
        faults = self.faults
        if access_key in faults.expired_keys or token in faults.expired_tokens:
            raise ServiceError("ExpiredTokenException", "The security token included in the request is expired")
        if faults.denied:
            raise ServiceError("AccessDeniedException", _DENIED)
        if self.bucket is not None and not self.bucket.take(tick):
            raise self._throttled()
        if self.happens(faults.fail_rate):
            code = self.chance.choice(("InternalFailure", "ServiceUnavailable"))
            raise ServiceError(code, "injected failure")

    def check_call(self, call: Call, tick: float) -> None:
        """The checks that depend on the call: its tracking id, and poisoned items."""
        faults = self.faults
        tracking_id = call["trackingId"]
        if faults.tracking_ids is not None and tracking_id not in faults.tracking_ids:
            raise invalid_input("the tracking id does not exist")
        bucket = self.buckets.get(tracking_id)
        if bucket is not None and not bucket.take(tick):
            raise self._throttled()
        prefix = faults.poison_prefix
        if prefix and any((event.get("itemId") or "").startswith(prefix) for event in call["eventList"]):
            raise invalid_input("an event of the call is not valid")

    def delay(self, tracking_id: str | None) -> float:
        """Seconds until the response is sent."""
        faults = self.faults
        low, high = faults.latency
        tracker = faults.trackers.get(tracking_id) if tracking_id else None
        if tracker is not None and tracker.latency is not None:
            low, high = tracker.latency
        return low if low == high else self.chance.uniform(low, high)

    def _throttled(self) -> ServiceError:
        return ServiceError("ThrottlingException", "Rate exceeded", self.faults.throttle_status)
