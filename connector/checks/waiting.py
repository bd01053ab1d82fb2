"""Looking again until all is well, with pauses that grow."""

from collections.abc import Callable, Sequence

from connector.checks.inspection import Section, exit_of
from connector.exits import Exit

FIRST, LONGEST = 2.0, 15.0  # seconds between two looks
REFUSED = 30.0  # after a refused login: many of those in a row can lock an account
FINAL = frozenset({Exit.BAD_FILE, Exit.BUG})  # nothing outside of this process mends these


def until_well(
    look: Callable[[], Sequence[Section]],
    seconds: float,
    changed: Callable[[Sequence[Section], Sequence[Section]], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Sequence[Section]:
    """What was found at last.

    Args:
        look: looks at everything.
        seconds: how long to look again at most; the last look may begin just before that.
        changed: called after each look but the first, with the look before and this one.
        clock: seconds that never go back.
        sleep: waits.
    """
    until = clock() + seconds
    found, pause = look(), FIRST
    while (code := exit_of(found)) is not Exit.OK and code not in FINAL:
        left = until - clock()
        if left <= 0:
            break
        sleep(min(left, REFUSED if code is Exit.REFUSED else pause))
        pause = min(LONGEST, 1.5 * pause)
        before, found = found, look()
        changed(before, found)
    return found
