"""An entry becomes a row of the dataset, or is counted as left out.

A row with a user and an id that no other record can have is written at once. A row with an id of its own waits by that
id, since the service counts the first event of an id only; one without a user waits by its session; and of users,
items and actions all versions wait by their id, since only the newest is a row.
"""

from collections import Counter
from typing import Any, NamedTuple

import orjson

from connector.core.records import Entry
from connector.exporting.cells import line_of
from connector.exporting.columns import Column, Columns
from connector.exporting.datasets import Dataset
from connector.exporting.logins import Logins
from connector.exporting.spill import Appended, Buckets

DIRECT = "direct.rows"
SESSIONS, LOGINS, IDS = "sessions", "logins", "ids"
MOST_TYPES = 1_000  # event types that are remembered
MOST_SHAPES = 1_000  # combinations of members and properties that are remembered

_loads = orjson.loads


class _Shape(NamedTuple):
    """Which columns an entry fills: of its members, of its properties; ``strangers``: not each property has one."""

    members: tuple[tuple[str, Column], ...]
    columns: tuple[Column | None, ...]
    strangers: bool


class Rows:
    """Takes entries. ``flush`` writes all rows that are held, of which ``held`` is the size, roughly.

    Args:
        dataset: whose rows are made.
        columns: which it has.
        files: where rows wait.
        target: the tracking id or the ARN whose entries are rows; None: that of the first one.
    """

    def __init__(self, dataset: Dataset, columns: Columns, files: Appended, target: str | None) -> None:
        self.held = 0
        self.taken = 0
        self.target = target
        self.widths: list[list[int]] = []  # from which byte of DIRECT on rows have so many columns
        self.left_out: Counter[str] = Counter()
        self.others: Counter[str] = Counter()  # entries of other datasets, by action
        self.types: Counter[str] = Counter()
        self._dataset = dataset
        self._columns = columns
        self._files = files
        self._direct: list[str] = []
        self._sessions, self._ids = Buckets(SESSIONS, files), Buckets(IDS, files)
        self._noted = Buckets(LOGINS, files)
        self._logins = Logins(self._noted.add)
        self._width = 0
        self._fixed = [member for member, _ in dataset.fixed]
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._blank = [""] * columns.width
        self._first = frozenset([*self._fixed, "eventId", "properties", "sessionId"])

    def add(self, entry: Entry, *, own_id: bool) -> None:
        """Take an entry. ``own_id``: its mapping gives an eventId, which other records may have, too."""
        if entry.operation is not self._dataset.operation:
            self.others[entry.operation.action] += 1
            return
        if entry.target != self.target:
            if self.target is not None:
                self.left_out["other_target"] += 1
                return
            self.target = entry.target
        members = _loads(entry.body)
        self.held += len(entry.body)
        if self._dataset.adds_up:
            self._add_event(entry, members, own_id=own_id)
        else:
            cells = self._cells(members)
            cells[0] = identity = members[self._fixed[0]]
            self.taken += 1
            self._ids.add(identity, f"{identity}\t{self.taken}\t{len(cells)}\t{line_of(cells)}\n")

    def _add_event(self, entry: Entry, members: dict[str, Any], *, own_id: bool) -> None:
        _, item, time, kind = self._fixed
        lane, user, seconds, event_type = entry.lane, entry.user_id, members[time], members[kind]
        if user is None:
            user = members.get("userId")  # of an action interaction
        if user is not None:
            # Also of an event that is no row: that of a login has seldom an item.
            self._logins.seen(lane, user, seconds)
        if event_type in self.types or len(self.types) < MOST_TYPES:
            self.types[event_type] += 1
        if item not in members:
            self.left_out["no_item"] += 1
            return
        self.taken += 1
        cells = self._cells(members)
        cells[1], cells[2], cells[3] = members[item], str(seconds), event_type
        event_id = members.get("eventId") if own_id else None
        if user is None:
            self._sessions.add(
                lane, f"{lane}\t{seconds}\t{event_id or ''}\t{self.taken}\t{len(cells)}\t{line_of(cells)}\n"
            )
            return
        cells[0] = user
        if event_id:
            self._ids.add(event_id, f"{event_id}\t{self.taken}\t{len(cells)}\t{line_of(cells)}\n")
            return
        if len(cells) != self._width:
            self._grow(len(cells))
        self._direct.append(line_of(cells))

    def _cells(self, members: dict[str, Any]) -> list[str]:
        """The row, its fixed cells still empty."""
        text = members.get("properties")
        properties: dict[str, Any] = _loads(text) if text is not None else {}
        if None in properties.values():
            properties = {name: value for name, value in properties.items() if value is not None}
        names = (*members, *properties)
        shape = self._shapes.get(names) or self._shape(names, members, properties)
        cells = self._blank.copy()
        for name, of_member in shape.members:
            cells[of_member.index] = of_member.cell(self._member(name, members[name]))
        if shape.strangers:
            self._columns.count_strangers(properties)
        for column, value in zip(shape.columns, properties.values(), strict=True):
            if column is not None:
                # Most values are of a few, or of the type of the one before.
                known = column.known.get(value) if type(value) is column.last else None
                if known is None:
                    cells[column.index] = column.cell(value)
                else:
                    column.values += 1
                    cells[column.index] = known
        return cells

    def _shape(self, names: tuple[str, ...], members: dict[str, Any], properties: dict[str, Any]) -> _Shape:
        """Which columns entries with these members and properties fill, found once."""
        if len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        columns = self._columns
        of_members = ((name, columns.of_member(name)) for name in members if name not in self._first)
        found = tuple((name, column) for name, column in of_members if column is not None)
        of_properties = tuple(map(columns.of_property, properties))
        shape = self._shapes[names] = _Shape(found, of_properties, None in of_properties)
        self._blank = [""] * columns.width
        return shape

    def _member(self, name: str, value: Any) -> Any:
        if name == "metricAttribution":
            return value["eventAttributionSource"]
        if name == "impression":
            # Joined by |, an id with that character would be two.
            if any("|" in each for each in value):
                self.left_out["impression"] += 1
                return ""
            return "|".join(value)
        return value

    def _grow(self, width: int) -> None:
        self._flush_direct()
        self._width = width
        self.widths.append([self._files.sizes.get(DIRECT, 0), width])

    def _flush_direct(self) -> None:
        if self._direct:
            self._files.append(DIRECT, ["\n".join(self._direct), "\n"])
            self._direct.clear()

    def flush(self) -> None:
        """Write what is held."""
        self._flush_direct()
        self._logins.flush()
        for each in (self._sessions, self._ids, self._noted):
            each.flush()
        self.held = 0

    def state(self) -> dict[str, Any]:
        """What is noted, as JSON."""
        return {
            "taken": self.taken,
            "target": self.target,
            "widths": self.widths,
            "left_out": dict(self.left_out),
            "others": dict(self.others),
            "types": dict(self.types),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """As it was noted."""
        self.taken, self.target, self.widths = state["taken"], state["target"], state["widths"]
        self._width = self.widths[-1][1] if self.widths else 0
        self._blank = [""] * self._columns.width
        self.left_out, self.others = Counter(state["left_out"]), Counter(state["others"])
        self.types = Counter(state["types"])
