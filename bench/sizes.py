"""How large a run is: the published figures, or quick ones that show that all of it works."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Records, seconds and repeats of the scenarios.

    ``seconds`` is how long a contender that cannot finish may take; ``deadline`` how long one that should may.
    """

    records: int
    repeats: int
    seconds: float
    deadline: float
    latencies: tuple[int, ...]  # ms, of the quota scenario
    live_seconds: float
    replicas: tuple[int, ...]
    level_seconds: float  # of the replicas scenario, before the storm
    storm_seconds: float
    recovery_seconds: float  # at most
    starts: int
    backlog: int
    decode_rounds: int  # of the formats


WHOLE = Sizes(
    records=200_000,
    repeats=3,
    seconds=12.0,
    deadline=90.0,
    latencies=(20, 50),
    live_seconds=30.0,
    replicas=(2, 4, 8),
    level_seconds=30.0,
    storm_seconds=20.0,
    recovery_seconds=30.0,
    starts=5,
    backlog=2_000_000,
    decode_rounds=60,
)
QUICK = Sizes(
    records=40_000,
    repeats=1,
    seconds=4.0,
    deadline=20.0,
    latencies=(20,),
    live_seconds=8.0,
    replicas=(2,),
    level_seconds=6.0,
    storm_seconds=5.0,
    recovery_seconds=12.0,
    starts=2,
    backlog=80_000,
    decode_rounds=5,
)
