"""Which user a session belongs to, and until when: for events from before the login.

Of an unbroken run of events of one user only the last time is kept: an earlier event without a user belongs to that
user, and a later one does not. Runs wait on disk, so that memory holds only those of the sessions seen last.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

MOST = 100_000  # sessions whose run is held in memory

Note = Callable[[str, str], None]  # of a session, a line


class Logins:
    """Follows the users of sessions; ``note`` is given each run that has ended, or that is not held any more."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._runs: dict[str, tuple[str, int]] = {}

    def seen(self, session: str, user: str, seconds: int) -> None:
        """An event of the session had this user, at this time."""
        run = self._runs.get(session)
        if run is not None:
            if run[0] == user:
                if seconds > run[1]:
                    self._runs[session] = (user, seconds)
                return
            self._write(session, *run)
        elif len(self._runs) >= MOST:
            self.flush()
        self._runs[session] = (user, seconds)

    def flush(self) -> None:
        """Note all runs that are held."""
        for session, run in self._runs.items():
            self._write(session, *run)
        self._runs.clear()

    def _write(self, session: str, user: str, seconds: int) -> None:
        self._note(session, f"{session}\t{seconds}\t{user}\n")


class Users:
    """Whose an event without a user is, of the sessions that are asked about.

    Args:
        sessions: those that have such events.
        notes: the lines that ``Logins`` noted.
    """

    def __init__(self, sessions: set[str], notes: Iterable[str]) -> None:
        self._runs: dict[str, list[tuple[int, str]]] = {}
        for line in notes:
            session, seconds, user = line.rstrip("\n").split("\t")
            if session in sessions:
                self._runs.setdefault(session, []).append((int(seconds), user))
        for runs in self._runs.values():
            runs.sort()

    def of(self, session: str, seconds: int) -> str | None:
        """The user who logged in at that time or first after it, None where nobody did."""
        runs = self._runs.get(session, [])
        found = bisect_left(runs, (seconds, ""))
        return runs[found][1] if found < len(runs) else None
