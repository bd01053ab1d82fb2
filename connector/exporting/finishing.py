"""All was read: waiting rows find their user, are left out as repeats or older versions, and become files.

It changes nothing that waits, so that an export which is killed here does all of it again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from connector.exporting.cells import quoted
from connector.exporting.logins import Users
from connector.exporting.parts import Parts
from connector.exporting.rows import DIRECT, IDS, LOGINS, SESSIONS
from connector.exporting.spill import BUCKETS, Appended, Buckets, bucket_name, divided, lines_of

_BLOCK = 1 << 20  # bytes that are copied at once
_LATE = "late"  # rows that have found their user, by their id
_HELD = 20_000  # rows of these that are held


class Finishing:
    """Makes the files of what waits.

    Args:
        folder: where rows wait.
        parts: where they go.
        width: how many columns a row has.
        widths: from which byte on the direct rows have how many.
        left_out: counts rows that are left out.
        step: is given now and then how many bytes of files there are.
    """

    def __init__(
        self,
        folder: Path,
        parts: Parts,
        width: int,
        widths: list[list[int]],
        left_out: Counter[str],
        step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._parts = parts
        self._width = width
        self._widths = widths
        self._left_out = left_out
        self._step = step
        self._late = Appended(folder, {})

    def events(self) -> None:
        """Rows that add up."""
        for number in range(BUCKETS):
            (self._folder / bucket_name(_LATE, number)).unlink(missing_ok=True)
        self._attribute()
        self._by_id((IDS, _LATE), "repeat", newest=False)
        self._direct()

    def newest(self) -> None:
        """Rows of which the last of each id counts."""
        self._by_id((IDS,), "superseded", newest=True)

    def _by_id(self, names: tuple[str, ...], reason: str, *, newest: bool) -> None:
        """One row of each id: the one that was read first, or last. All others are left out."""
        for files in self._buckets(*names):
            rows: dict[str, tuple[int, int, str]] = {}
            count = 0
            for line in chain.from_iterable(map(lines_of, files)):
                identity, taken, width, row = line.split("\t", 3)
                number, before = int(taken), rows.get(identity)
                count += 1
                if before is None or (number > before[0]) is newest:
                    rows[identity] = (number, int(width), row)
            self._left_out.update({reason: count - len(rows)} if count > len(rows) else {})
            self._write(self._whole(row, width) for _, width, row in rows.values())

    def _buckets(self, *names: str) -> Iterator[list[Path]]:
        for number in range(BUCKETS):
            self._step(self._parts.bytes)
            yield from divided([self._folder / bucket_name(name, number) for name in names])

    def _write(self, rows: Iterable[str]) -> None:
        self._parts.write("".join(rows).encode())

    def _whole(self, row: str, width: int) -> str:
        """The row with a cell for each column."""
        return row if width == self._width else row[:-1] + "," * (self._width - width) + "\n"

    # -- events without a user --------------------------------------------------------------------------------

    def _attribute(self) -> None:
        late = Buckets(_LATE, self._late)
        for rows, notes in self._buckets(SESSIONS, LOGINS):
            sessions = {line[: line.index("\t")] for line in lines_of(rows)}
            users = Users(sessions, lines_of(notes) if sessions else ())
            self._find(rows, users, late)
            late.flush()

    def _find(self, rows: Path, users: Users, late: Buckets) -> None:
        found: list[str] = []
        for count, line in enumerate(lines_of(rows)):
            session, seconds, event_id, taken, width, row = line.split("\t", 5)
            user = users.of(session, int(seconds))
            if user is None:
                self._left_out["no_user"] += 1
            elif event_id:
                late.add(event_id, f"{event_id}\t{taken}\t{width}\t{quoted(user)}{row}")
            else:
                found.append(self._whole(quoted(user) + row, int(width)))
            if count % _HELD == _HELD - 1:
                self._write(found)
                found.clear()
                late.flush()
        self._write(found)

    # -- all others -------------------------------------------------------------------------------------------

    def _direct(self) -> None:
        path = self._folder / DIRECT
        if not path.exists():
            return
        ends = [begin for begin, _ in self._widths[1:]] + [path.stat().st_size]
        with path.open("rb") as file:
            for (begin, width), end in zip(self._widths, ends, strict=True):
                lacking = b"," * (self._width - width) + b"\n"
                file.seek(begin)
                while file.tell() < end:
                    block = file.read(min(_BLOCK, end - file.tell()))
                    if not block.endswith(b"\n"):
                        block += file.readline()
                    self._parts.write(block if len(lacking) == 1 else block.replace(b"\n", lacking))
                    self._step(self._parts.bytes)
