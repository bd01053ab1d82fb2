"""Calls a second: what the processes of the group may make of each operation, beside what the service takes."""

from collections.abc import Iterator, Mapping

from connector.assembly import rates_of
from connector.checks.finding import Finding, ok, warning
from connector.checks.world import World
from connector.core.operations import PUT_ACTION_INTERACTIONS, PUT_ACTIONS, PUT_EVENTS, Operation

UNPUBLISHED = frozenset({PUT_ACTIONS, PUT_ACTION_INTERACTIONS})  # operations of which AWS does not tell the quota
ENTRIES = 10  # of one call, at most


def quota(world: World) -> Iterator[Finding]:
    """Partitions bound the processes, and the rate of each multiplies."""
    partitions = sum(world.partitions.values())
    yield from arithmetic(partitions, world.members, rates_of(world.loaded.config))


def arithmetic(partitions: int, members: int, rates: Mapping[Operation, float]) -> Iterator[Finding]:
    """What these numbers mean.

    Args:
        partitions: of all topics that are read.
        members: processes of this connector in the group now.
        rates: calls a second of a process, by operation.
    """
    most = (
        "1 partition keeps 1 process busy"
        if partitions == 1
        else f"{partitions} partitions keep {partitions} processes"
    )
    busy = most if partitions == 1 else f"{most} busy at most"
    processes = max(1, members)
    yield ok(f"{busy}; {members} run{'s' if members == 1 else ''} now")
    for operation, rate in rates.items():
        yield _of(operation, processes, rate)


def _of(operation: Operation, processes: int, rate: float) -> Finding:
    total, quota = processes * rate, operation.rate
    each = f"{processes} process{'' if processes == 1 else 'es'} at {rate:,g} {operation.name} calls a second"
    sum_of = each if processes == 1 else f"{each} make {total:,.0f}"
    most = f"{total * ENTRIES:,.0f} {operation.nouns} at most"
    if operation in UNPUBLISHED:
        return ok(f"{sum_of} ({most}); AWS does not publish the quota")
    if total <= quota:
        return ok(f"{sum_of}, within the default quota of {quota:,.0f} ({most})")
    setting = "requests_per_second" if operation is PUT_EVENTS else f"rates.{operation.action}"
    return warning(
        "over-rate",
        f"{sum_of}, more than the default quota of {quota:,.0f} of a dataset group",
        f"set delivery.{setting} to {quota / processes:g} or less, or ask AWS for a higher quota: what is beyond it is "
        f"throttled and sent again, which delays {operation.nouns}",
    )
