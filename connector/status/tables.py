"""The tables of the page. Numbers stand to the right, with their unit in the heading or beside them."""

from collections.abc import Iterable, Mapping

from connector.core.operations import BY_ACTION
from connector.core.records import Rejection
from connector.core.sending.outcomes import Status
from connector.status.charts import bars, meter
from connector.status.markup import Child, Html, join, tag
from connector.status.model import Letter, Pacing, PartitionLag, Registry, View
from connector.status.wording import ago, clock_time, count, duration, machine_time, plural, rate, schemas, share

Cell = tuple[Child, bool]  # what stands there, and whether it is a number

STATUSES: Mapping[str, str] = {
    Status.OK: "accepted",
    Status.THROTTLED: "over the quota",
    Status.INVALID_INPUT: "rejected",
    Status.DENIED: "denied",
    Status.SERVER_ERROR: "service error",
    Status.TIMEOUT: "no answer in time",
    Status.CONNECTION: "no connection",
}
OUTCOMES: Mapping[str, str] = {
    "delivered": "delivered",
    "superseded": "superseded by a newer version",
    "filtered": "filtered",
    "skipped": "skipped by a rule",
    "dead_lettered": "dead-lettered",
}


def table(key: str, caption: str, columns: Iterable[Cell], rows: Iterable[Html]) -> Html:
    """A table that scrolls by itself where it is too wide, also by the keyboard."""
    head = (tag("th", text, scope="col", class_="number" if number else None) for text, number in columns)
    return tag(
        "div",
        tag(
            "table",
            tag("caption", tag("span", caption), id=f"{key}-caption"),
            tag("thead", tag("tr", *head)),
            tag("tbody", *rows, id=f"{key}-rows", data_live=True),
        ),
        class_="scroll",
        role="region",
        tabindex=0,
        aria_labelledby=f"{key}-caption",
    )


def row(first: Child, cells: Iterable[Cell]) -> Html:
    """A row with its heading."""
    rest = (tag("td", child, class_="number" if number else None) for child, number in cells)
    return tag("tr", tag("th", first, scope="row"), *rest)


def nothing(columns: int, text: str) -> Html:
    """The row of an empty table."""
    return tag("tr", tag("td", text, colspan=columns, class_="nothing"))


# -- partitions -----------------------------------------------------------------------------------------------


def partitions(view: View) -> Html:
    """How far behind each is, the worst first."""
    columns = (("Partition", False), ("Lag, records", True), ("Oldest, age", True), ("In memory, records", True))
    rows = [_partition(lag) for lag in view.lags.worst]
    more = view.lags.partitions - len(rows)
    said = f"and {plural(more, 'partition', 'partitions')} more, less far behind" if more else ""
    return join(
        table(
            "partitions",
            "Assigned partitions and their lag, the furthest behind first",
            (*columns, ("Reading", False)),
            rows or [nothing(5, "no partitions are assigned to this process")],
        ),
        tag("p", said, class_="more", id="partitions-more", data_live=True),
        None if view.registry is None else _registry(view.registry, view.at),
    )


def _registry(registry: Registry, now: float) -> Html:
    """Whether it answers, and what waits for it."""
    parts = ["answers"]
    if registry.away_since is not None:
        since = f"does not answer since {clock_time(registry.away_since, now)}"
        parts = [f"{since}, for {ago(now - registry.away_since)}", registry.trouble]
    if registry.partitions:
        waits = plural(registry.partitions, "partition waits", "partitions wait")
        parts.append(f"{waits} for {schemas(registry.schemas)}, with {plural(registry.records, 'record', 'records')}")
    said = "; ".join(part for part in parts if part)
    return tag("p", "Schema registry: ", tag("b", said), class_="more", id="registry", data_live=True)


def _partition(lag: PartitionLag) -> Html:
    topic, number = lag.topic_partition
    paused: Child = tag("span", "paused", class_="badge warn") if lag.paused else "on"
    if lag.schema:
        paused = tag("span", f"waits for {lag.schema}", class_="badge warn")
    reading = tag("span", "no answer", class_="badge bad") if lag.cut_off else paused
    cells = (
        (count(lag.records), True),
        (duration(lag.seconds), True),
        (count(lag.open_records), True),
        (reading, False),
    )
    return row(tag("code", f"{topic}-{number}"), cells)


# -- pace -----------------------------------------------------------------------------------------------------


def destinations(view: View) -> Html:
    """Calls now, against what is allowed now and what is configured."""
    columns = (
        ("Operation", False),
        ("Tracking id or dataset", False),
        ("Calls now", True),
        ("Limit now", True),
        ("Ceiling", True),
        ("Use of the ceiling", False),
        ("In flight, calls", True),
        ("Waiting, events", True),
        ("Held, events", True),
    )
    return table(
        "pace",
        "Calls a second of each operation to each tracking id or dataset, of what the quota allows",
        columns,
        [_pacing(each) for each in view.pacing] or [nothing(len(columns), "nothing has been sent yet")],
    )


def _pacing(each: Pacing) -> Html:
    calls = each.calls or 0.0
    said = f"{share(calls, each.ceiling)} of the ceiling is used, {share(each.limit, each.ceiling)} is allowed now"
    name = tag("code", each.name)
    return row(
        BY_ACTION[each.operation].name,
        (
            (join(name, f" {plural(each.tracking_ids, 'id', 'ids')}") if each.tracking_ids > 1 else name, False),
            (rate(each.calls), True),
            (rate(each.limit), True),
            (rate(each.ceiling), True),
            (join(meter(calls, each.limit, each.ceiling, said), tag("span", share(calls, each.ceiling))), False),
            (count(each.in_flight), True),
            (count(each.waiting), True),
            (count(each.held_count), True),
        ),
    )


# -- counts ---------------------------------------------------------------------------------------------------


def calls(view: View) -> Html:
    """By how they ended."""
    whole = sum(number for _, number in view.totals.calls)
    rows = (
        row(STATUSES.get(status, status), ((count(number), True), (share(number, whole), True)))
        for status, number in view.totals.calls
    )
    return table(
        "calls", "Since the start, by how they ended", (("Ended", False), ("Calls", True), ("Share", True)), rows
    )


def records(view: View) -> Html:
    """By what became of them."""
    done = sum(number for _, number in view.totals.outcomes)
    rows = (
        row(OUTCOMES.get(outcome, outcome), ((count(number), True), (share(number, done), True)))
        for outcome, number in view.totals.outcomes
    )
    caption = f"Since the start, by what became of them; {count(view.totals.consumed)} were read"
    return table("records", caption, (("Became", False), ("Records", True), ("Share", True)), rows)


def fill(view: View) -> Html:
    """How many events calls carry: the fewer calls, the less of the quota is used."""
    counts = view.totals.fill
    carried = sum(size * number for size, number in enumerate(counts, 1))
    whole = sum(counts)
    each = "; ".join(f"{size}: {count(number)}" for size, number in enumerate(counts, 1) if number)
    mean = f"{carried / whole:.1f}" if whole else "0"
    numbers = (tag("span", str(size)) for size in range(1, len(counts) + 1))
    return tag(
        "div",
        tag("p", tag("b", mean), " events in an accepted call on average; 10 at most"),
        tag("div", bars(counts, f"Accepted calls by their events. {each or 'None yet.'}"), class_="plot"),
        tag("div", *numbers, class_="axis bins", aria_hidden="true"),
        id="fill-more",
        data_live=True,
    )


# -- dead letters ---------------------------------------------------------------------------------------------


def dead_letters(view: View) -> Html:
    """The latest ones; a list, since what is wrong takes a sentence."""
    if not view.letters:
        rows = [tag("li", "none since the start", class_="nothing")]
    else:
        rows = [_letter(letter, view.at) for letter in view.letters]
    return tag("ol", *rows, class_="letters", id="letters", data_live=True)


def _letter(letter: Letter, now: float) -> Html:
    rejection, (topic, partition) = letter.rejection, letter.topic_partition
    named = (("pipeline", rejection.pipeline), ("rule", rejection.rule), ("member", rejection.field))
    facts = [join(f"{name} ", tag("code", value)) for name, value in named if value]
    return tag(
        "li",
        tag("span", rejection.reason.replace("_", " "), class_="badge bad"),
        tag(
            "div",
            tag("p", _without_names(rejection)),
            tag(
                "p",
                tag("code", f"{topic}-{partition}@{letter.offset}"),
                *(tag("span", each) for each in facts),
                tag("time", f"{ago(now - letter.at)} ago", datetime=machine_time(letter.at)),
                class_="where",
            ),
        ),
    )


def _without_names(rejection: Rejection) -> str:
    """The message without the pipeline and the rule, which stand beside it."""
    return rejection.message.removeprefix(f"pipeline {rejection.pipeline}, rule {rejection.rule}: ")
