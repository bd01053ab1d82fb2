"""Which columns the rows have, and what was seen in them.

A column is added where its first value comes: which there are is known for sure only once all was read. So a row has
the columns known at its time, and ends short; empty cells are added when the files are finished.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from connector.exporting.cells import cell_of, one_line
from connector.exporting.datasets import AvroType, Dataset, Reserved

MOST_DISTINCT = 1_000  # values of a column that are remembered, to tell a category from free text
MOST_CATEGORY = 1_000  # characters of a value of a category; the import of a longer one fails
_FEW = 20  # distinct values that are few, however short the column is
_PART = 10  # of a long column, at most this part of the values may be distinct

_UPPER = re.compile(r"(?<!^)([A-Z])")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_PLAIN = frozenset({str, int, float, bool})
_TYPES: dict[str, AvroType] = {"bool": "boolean", "int": "long", "float": "double"}


def column_name(name: str) -> str:
    """The column of a property: ``numRatings`` is ``NUM_RATINGS``."""
    return _UPPER.sub(r"_\1", name).upper()


class Seen(NamedTuple):
    """What a column has been, as the schema and the summary need it."""

    name: str
    type: AvroType
    nullable: bool
    categorical: bool
    reserved: bool
    kinds: tuple[str, ...]


class Column:
    """One column after the fixed ones: ``cell`` writes a value and remembers what it was.

    Args:
        name: of the column.
        index: its place in a row.
        reserved: its type where the service gives it.
        as_float: whether numbers are float in place of long and double.
    """

    def __init__(self, name: str, index: int, reserved: Reserved | None = None, *, as_float: bool = False) -> None:
        self.name = name
        self.index = index
        self.reserved = reserved
        self.values = 0
        self.longest = 0
        self.last: type | None = None
        self.known: dict[Any, str] = {}  # the text of values of the type ``last``, of the first thousand
        self._kinds: set[str] = set()
        self._distinct: set[str] = set()
        self._as_float = as_float
        self._many = reserved is not None  # such a column is no category

    def cell(self, value: Any) -> str:
        """The value as text; "" is the same as none."""
        kind = type(value)
        if kind is not self.last:
            self._kinds.add(kind.__name__)
            # 1, 1.0 and true are one key, but not one text.
            self.known.clear()
            self.last = kind if kind in _PLAIN else None
        text = one_line(value) if kind is str else cell_of(value)
        if text:
            self._note(text)
            if len(self.known) < MOST_DISTINCT and self.last is not None:
                self.known[value] = text
        return text

    def _note(self, text: str) -> None:
        self.values += 1
        if len(text) > self.longest:  # noqa: PLR1730  max costs three times as much
            self.longest = len(text)
        if not self._many and text not in self._distinct:
            self._distinct.add(text)
            self._many = len(self._distinct) > MOST_DISTINCT

    def seen(self, rows: int) -> Seen:
        """What it was in so many rows."""
        kind = self.reserved.type if self.reserved else self._type()
        if self._as_float and kind in {"long", "double"}:
            kind = "float"
        few = len(self._distinct) <= max(_FEW, self.values // _PART) and self.longest <= MOST_CATEGORY
        category = kind == "string" and not self._many and few
        return Seen(
            self.name, kind, self.values < rows, category, self.reserved is not None, tuple(sorted(self._kinds))
        )

    def _type(self) -> AvroType:
        # Whole numbers are long and others double, not int and float: a schema cannot be changed once there is
        # data, and a value that the export has not seen may need it.
        if self._kinds == {"int", "float"}:
            return "double"
        return _TYPES.get(next(iter(self._kinds)), "string") if len(self._kinds) == 1 else "string"

    def state(self) -> dict[str, Any]:
        """What is noted, as JSON."""
        return {
            "name": self.name,
            "values": self.values,
            "longest": self.longest,
            "kinds": sorted(self._kinds),
            "distinct": sorted(self._distinct),
            "many": self._many,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """As it was noted."""
        self.values, self.longest, self._many = state["values"], state["longest"], state["many"]
        self._kinds, self._distinct = set(state["kinds"]), set(state["distinct"])


class Columns:
    """The columns of one dataset.

    ``width`` is how many a row has now. ``left_out`` counts values of properties that are no column: their name is not
    one, or two names are one column, or there are too many.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.width = len(dataset.fixed)
        self.others: list[Column] = []
        self.by_member: dict[str, Column | None] = {}
        self.by_property: dict[str, Column | None] = {}
        self.left_out: Counter[str] = Counter()
        # The service takes A_B and AB for one name.
        self._taken = {_bare(each.column) for _, each in dataset.fixed}
        self._taken |= {_bare(each.column) for each in dataset.members.values()}
        self._own = 0

    def of_member(self, name: str) -> Column | None:
        """The column of an entry's member, added if it is new; None where the import has none."""
        if name not in self.by_member:
            reserved = self.dataset.members.get(name)
            self.by_member[name] = None if reserved is None else self._added(reserved.column, reserved)
        return self.by_member[name]

    def of_property(self, name: str) -> Column | None:
        """The column of a property, added if it is new; None where it can be none."""
        found = self.by_property.get(name)
        if found is None and name not in self.by_property:
            found = self._new(name)
            if found is not None or len(self.by_property) < MOST_DISTINCT:
                self.by_property[name] = found
        return found

    def count_strangers(self, names: Iterable[str]) -> None:
        """Count the values of these properties that have no column."""
        self.left_out.update(self._why_none(name) for name in names if self.of_property(name) is None)

    def _new(self, name: str) -> Column | None:
        column = column_name(name)
        if not _NAME.fullmatch(column) or _bare(column) in self._taken:
            return None
        reserved = self.dataset.reserved.get(column)
        if reserved is None:
            if self._own >= max(self.dataset.most_own, MOST_OWN):
                return None
            self._own += 1
        self._taken.add(_bare(column))
        return self._added(column, reserved)

    def _why_none(self, name: str) -> str:
        column = column_name(name)
        if not _NAME.fullmatch(column):
            return "name"
        return "same_column" if _bare(column) in self._taken else "too_many"

    def _added(self, name: str, reserved: Reserved | None) -> Column:
        column = Column(name, self.width, reserved, as_float=name in self.dataset.floats)
        self.width += 1
        self.others.append(column)
        return column

    @property
    def names(self) -> list[str]:
        """The header."""
        return [*(each.column for _, each in self.dataset.fixed), *(each.name for each in self.others)]

    def seen(self, rows: int) -> list[Seen]:
        """All columns in the order of the rows."""
        fixed = [
            Seen(each.column, each.type, nullable=False, categorical=False, reserved=True, kinds=())
            for _, each in self.dataset.fixed
        ]
        return fixed + [each.seen(rows) for each in self.others]

    def state(self) -> dict[str, Any]:
        """What is noted, as JSON."""
        sources = {column.name: ["member", name] for name, column in self.by_member.items() if column}
        sources |= {column.name: ["property", name] for name, column in self.by_property.items() if column}
        others = [{**each.state(), "source": sources[each.name]} for each in self.others]
        return {"others": others, "left_out": dict(self.left_out)}

    def restore(self, state: dict[str, Any]) -> None:
        """As it was noted; the order of the columns is that in which they are added again."""
        for each in state["others"]:
            kind, name = each["source"]
            column = self.of_member(name) if kind == "member" else self.of_property(name)
            if column is None or column.name != each["name"]:
                raise ValueError("the columns of the export do not fit its dataset")
            column.restore(each)
        self.left_out = Counter(state["left_out"])


MOST_OWN = 100  # columns of properties that are written at most; a dataset may take fewer, which the summary says


def _bare(column: str) -> str:
    return column.replace("_", "")
