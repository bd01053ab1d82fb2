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
from connector.local.endpoint.operations import Operation, operation
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
    "User: arn:aws:iam::000000000000:user/local is not authorized to perform: personalize:{0} because no "
    "identity-based policy allows the personalize:{0} action"
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


class DatasetFaults(TrackerFaults):
    """Faults of one dataset; ``busy`` refuses its calls with a ResourceInUseException."""

    busy: bool = False


OutageKind = Literal["unavailable", "close", "hang"]
OperationName = Literal["PutEvents", "PutUsers", "PutItems", "PutActions", "PutActionInteractions"]


class Faults(_FrozenModel):
    """All faults. A rate is the probability, from 0 to 1, that a call is affected.

    ``outage``: ``unavailable`` returns 503, ``close`` resets each connection, ``hang`` never responds.
    ``credentials`` maps access keys to secret keys and turns on the full check of signatures.
    """

    quota: PerSecond | None = None  # PutEvents calls a second, with a second's worth of burst
    quotas: Mapping[OperationName, PerSecond] = Field(default_factory=dict)  # the same of other operations
    throttle_status: Literal[400, 429] = 400
    latency: Latency = (0.0, 0.0)
    fail_rate: Rate = 0.0  # 500 InternalFailure or 503 ServiceUnavailable, nothing accepted
    reset_rate: Rate = 0.0  # the connection is reset, nothing accepted
    reset_after_rate: Rate = 0.0  # accepted, then the connection is reset: the caller cannot know that it was accepted
    hang_rate: Rate = 0.0  # no response, nothing accepted
    poison_prefix: Annotated[str, Field(min_length=1)] | None = None
    tracking_ids: frozenset[str] | None = None  # None accepts any
    dataset_arns: frozenset[str] | None = None  # None accepts any
    denied: bool = False
    outage: OutageKind | None = None
    outages: Mapping[OperationName, OutageKind] = Field(default_factory=dict)  # of single operations
    trackers: Mapping[str, TrackerFaults] = Field(default_factory=dict)
    datasets: Mapping[str, DatasetFaults] = Field(default_factory=dict)
    credentials: Mapping[str, str] | None = Field(default=None, repr=False, exclude=True)
    expired_keys: frozenset[str] = frozenset()
    expired_tokens: frozenset[str] = Field(default=frozenset(), repr=False, exclude=True)

    def outage_of(self, operation: str) -> OutageKind | None:
        """How calls of an operation fail now; None where they do not."""
        own: Mapping[str, OutageKind] = {str(name): kind for name, kind in self.outages.items()}
        return own.get(operation, self.outage)

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
        rates: dict[str, float] = {str(name): rate for name, rate in faults.quotas.items()}
        if faults.quota:
            rates["PutEvents"] = faults.quota
        self.of_operations = {name: Bucket(rate) for name, rate in rates.items()}
        self.destinations: Mapping[str, TrackerFaults] = {**faults.trackers, **faults.datasets}
        self.buckets = {name: Bucket(of.quota) for name, of in self.destinations.items() if of.quota}

    def happens(self, rate: float) -> bool:
        """Whether something of this rate happens now; a rate of 0 costs no random number."""
        return rate > 0 and self.chance.random() < rate

    def check_front(self, access_key: str, token: str | None, tick: float, name: str = "PutEvents") -> None:
        """The checks before AWS reads the body: credentials, permissions, quota, failures of the service."""
        faults = self.faults
        if access_key in faults.expired_keys or token in faults.expired_tokens:
            raise ServiceError("ExpiredTokenException", "The security token included in the request is expired")
        if faults.denied:
            raise ServiceError("AccessDeniedException", _DENIED.format(name))
        quota = self.of_operations.get(name)
        if quota is not None and not quota.take(tick):
            raise self._throttled()
        if self.happens(faults.fail_rate):
            code = self.chance.choice(("InternalFailure", "ServiceUnavailable"))
            raise ServiceError(code, "injected failure")

    def check_call(self, call: Call, tick: float, of: Operation | None = None) -> None:
        """The checks that depend on the call: its destination, and poisoned entries."""
        of = of or operation("PutEvents")
        destination = call[of.destination]
        self._check_destination(destination, of)
        bucket = self.buckets.get(destination)
        if bucket is not None and not bucket.take(tick):
            raise self._throttled()
        prefix = self.faults.poison_prefix
        if prefix and any(_starts(entry, prefix) for entry in call[of.entries]):
            raise invalid_input("an event of the call is not valid")

    def _check_destination(self, destination: str, of: Operation) -> None:
        faults = self.faults
        if of.destination == "trackingId":
            if faults.tracking_ids is None or destination in faults.tracking_ids:
                return
            if of.name == "PutEvents":  # it models no other error
                raise invalid_input("the tracking id does not exist")
            raise ServiceError("ResourceNotFoundException", "the tracking id does not exist")
        if faults.dataset_arns is not None and destination not in faults.dataset_arns:
            raise ServiceError("ResourceNotFoundException", "the dataset does not exist")
        dataset = faults.datasets.get(destination)
        if dataset is not None and dataset.busy:
            raise ServiceError("ResourceInUseException", "the dataset is in use")

    def delay(self, destination: str | None) -> float:
        """Seconds until the response is sent."""
        low, high = self.faults.latency
        own = self.destinations.get(destination) if destination else None
        if own is not None and own.latency is not None:
            low, high = own.latency
        return low if low == high else self.chance.uniform(low, high)

    def _throttled(self) -> ServiceError:
        return ServiceError("ThrottlingException", "Rate exceeded", self.faults.throttle_status)


def _starts(entry: Mapping[str, Any], prefix: str) -> bool:
    """Whether what the entry is about begins with this."""
    about = entry.get("itemId") or entry.get("actionId") or entry.get("userId") or ""
    return str(about).startswith(prefix)
