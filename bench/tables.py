"""Results to markdown: pure. A table is a list of columns, each a heading and what it says of a row."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

Row = Mapping[str, Any]
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "naive": "(a) a record, a call, a commit",
        "grouped": "(b) grouped by hand, 500 a poll, 32 threads",
        "grouped-2000": "(b) the same, 2,000 a poll",
        "putevents": "(c) `putevents run`",
    }
)
NOTHING = "\N{EN DASH}"
TO = "\N{EN DASH}"


class Column(NamedTuple):
    """A heading, and the text of a row under it."""

    heading: str
    text: Callable[[Row], str]
    right: bool = True


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """A number for people; a dash for none."""
    return NOTHING if value is None else f"{value:,.{digits}f}{unit}"


def share(value: float | None, digits: int = 0) -> str:
    """A share in percent; a dash for none."""
    return NOTHING if value is None else f"{100 * value:.{digits}f} %"


def _of(name: str, digits: int = 0, unit: str = "") -> Callable[[Row], str]:
    return lambda row: number(row.get(name), digits, unit)


def _title(row: Row) -> str:
    return TITLES.get(row["contender"], row["contender"])


def _rate(row: Row) -> str:
    """The rate, and how far repeats lay from each other."""
    rate = number(row["events_per_second"])
    if row.get("repeats", 1) == 1:
        return rate
    return f"{rate} ({number(row['slowest'])}{TO}{number(row['fastest'])})"


def _times(row: Row) -> str:
    return number(row.get("over_fewest"), 2, " \N{MULTIPLICATION SIGN}")


def _seconds(name: str) -> Callable[[Row], str]:
    return lambda row: number(row.get(name), 2, " s")


def _core(row: Row) -> str:
    return share(row["cores"]["own"])


def _bound(row: Row) -> str:
    return row["bound"] if row["over_fewest"] is not None else f"{row['bound']}; not finished in time"


_WHO = Column("", _title, right=False)
_STREAM = Column("sessions", lambda row: row["topic"], right=False)
_MACHINE_LOAD = Column("load before", _of("load_average", 1))
_COSTS = (
    Column("calls", _of("calls")),
    Column("events a call", _of("events_per_call", 2)),
    Column("calls over the fewest", _times),
    Column("CPU an event", _of("cpu_per_event", 0, " µs")),
    Column("CPU a call", _of("cpu_per_call", 0, " µs")),
    Column("peak memory", _of("peak_mib", 0, " MiB")),
)
_SPEED = (Column("events/s", _rate), Column("in the middle", _of("middle_events_per_second")))
_BOUND = Column("held back by", _bound, right=False)

TABLES: Mapping[str, Sequence[Column]] = MappingProxyType(
    {
        "unbounded": (_STREAM, _WHO, *_SPEED, *_COSTS, _BOUND, _MACHINE_LOAD),
        "quota": (
            *(Column("latency", lambda row: row["latency"]), _STREAM, _WHO, *_SPEED),
            *(Column("of the quota's calls", lambda row: share(row["quota_used"])), *_COSTS),
            *(Column("of a core", _core), _BOUND, _MACHINE_LOAD),
        ),
        "light": (
            *(_WHO, Column("waits", lambda row: f"`{row['linger']}`", right=False)),
            *(Column("p50", _seconds("p50")), Column("p99", _seconds("p99")), Column("longest", _seconds("longest"))),
            Column("events a call", _of("events_per_call", 2)),
            Column("CPU an event", _of("cpu_per_event", 0, " µs")),
            Column("of a core", _core),
            _MACHINE_LOAD,
        ),
        "replicas": (
            Column("connectors", _of("replicas")),
            Column("share of each", lambda row: ", ".join(share(each) for each in sorted(row["shares"]))),
            Column("stranger got", lambda row: share(row["stranger"])),
            Column("stranger wants", lambda row: share(row["stranger_wants"])),
            Column("sum", lambda row: share(row["quota_used"])),
            Column("throttled of ours", lambda row: share(row["throttled"], 1)),
            Column("events a call", _of("events_per_call", 2)),
            Column("back after a storm", lambda row: number(row["recovered_after"], 1, " s")),
            _MACHINE_LOAD,
        ),
        "backlog": (Column("records", _of("records")), *_SPEED, *_COSTS, _BOUND, _MACHINE_LOAD),
        "start": (
            Column("to `started`", _seconds("to_started")),
            Column("joining the group", _seconds("joining")),
            Column("to the first event", _seconds("to_first_event")),
            Column("all", _seconds("total")),
            Column("without joining", _seconds("without_joining")),
            Column("repeats", _of("repeats")),
            _MACHINE_LOAD,
        ),
        "formats": (
            Column("", lambda row: row["format"], right=False),
            *(_SPEED[0], Column("to JSON", _of("rate_to_json", 2, " \N{MULTIPLICATION SIGN}"))),
            Column("CPU an event", _of("cpu_per_event", 0, " µs")),
            Column("to JSON", _of("cost_to_json", 2, " \N{MULTIPLICATION SIGN}")),
            Column("bytes a record", _of("bytes")),
            *(_BOUND, _MACHINE_LOAD),
        ),
        "decoding": (
            Column("", lambda row: row["format"], right=False),
            Column("decoded by", _title, right=False),
            Column("CPU a record", _of("decode", 1, " µs")),
            Column("bytes a record", _of("bytes")),
            _MACHINE_LOAD,
        ),
    }
)


def table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A markdown table."""
    lines = [
        [column.heading for column in columns],
        ["--:" if column.right else "---" for column in columns],
        *([column.text(row) for column in columns] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def caption(result: Mapping[str, Any]) -> str:
    """On what machine, and with which versions, a scenario was measured."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['when'][:10]}, {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"Python {machine['python']}, librdkafka {machine['librdkafka']}, {versions}; commit {machine['commit']}, "
        f"broker: {result['broker']}, seed {result['seed']}.\n"
    )


def render(name: str, result: Mapping[str, Any]) -> str:
    """The table of one scenario, and what it was measured on."""
    return f"{table(TABLES[name], result['rows'])}\n{caption(result)}"


END = "<!-- bench: end -->"


def place(name: str) -> str:
    """The line behind which a scenario's table stands in a page, up to ``END``."""
    return f"<!-- bench: {name} -->\n"


def fill_in(page: str, texts: Mapping[str, str]) -> str:
    """A page with the text of each scenario in its place; a scenario that has none there is left out."""
    for name, text in texts.items():
        before, opened, rest = page.partition(place(name))
        _, closed, after = rest.partition(END)
        if opened and closed:
            page = f"{before}{opened}{text}{closed}{after}"
    return page
