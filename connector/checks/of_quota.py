"""Calls a second: what the processes of the group may make, beside what the service takes."""

from collections.abc import Iterator

from connector.checks.finding import Finding, ok, warning
from connector.checks.world import World

QUOTA = 1_000.0  # PutEvents calls a second and dataset group; AWS raises it on request
EVENTS = 10  # of one call, at most


def quota(world: World) -> Iterator[Finding]:
    """Partitions bound the processes, and the rate of each multiplies."""
    partitions = sum(world.partitions.values())
    yield from arithmetic(partitions, world.members, world.loaded.config.delivery.requests_per_second)


def arithmetic(partitions: int, members: int, rate: float) -> Iterator[Finding]:
    """What these numbers mean.

    Args:
        partitions: of all topics that are read.
        members: processes of this connector in the group now.
        rate: delivery.requests_per_second.
    """
    most = (
        "1 partition keeps 1 process busy"
        if partitions == 1
        else f"{partitions} partitions keep {partitions} processes"
    )
    busy = most if partitions == 1 else f"{most} busy at most"
    processes = max(1, members)
    yield ok(f"{busy}; {members} run{'s' if members == 1 else ''} now")
    total = processes * rate
    each = f"{processes} process{'' if processes == 1 else 'es'} at {rate:,g} calls a second"
    sum_of = each if processes == 1 else f"{each} make {total:,.0f}"
    if total <= QUOTA:
        yield ok(f"{sum_of}, within the default quota of {QUOTA:,.0f} ({total * EVENTS:,.0f} events at most)")
        return
    share = QUOTA / processes
    yield warning(
        "over-rate",
        f"{sum_of}, more than the default quota of {QUOTA:,.0f} of a dataset group",
        f"set delivery.requests_per_second to {share:.0f} or less, or ask AWS for a higher quota: what is beyond it is "
        "throttled and sent again, which delays events",
    )
