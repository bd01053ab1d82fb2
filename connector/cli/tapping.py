"""``putevents tap``: real records of the configured topics, and what becomes of them."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from connector.cli.files import add_config, loaded_or_reported
from connector.cli.progress import Progress
from connector.cli.registries import registry_of
from connector.config import Loaded
from connector.core.mapping.topics import Topics
from connector.core.positions import EXAMPLES, BeforeEnd, End, NotAPosition, Offset, Range, Start, Time, range_of
from connector.core.records import Reason, Record, Skip, TopicPartition
from connector.core.words import suggest
from connector.exits import Exit
from connector.looking.tapping import OUTCOMES
from connector.schema_wait import SchemaWait
from connector.streams import say

if TYPE_CHECKING:
    from connector.kafka.reading import Bounds, TopicReader
    from connector.looking.session import Session
    from connector.looking.window import Window
    from connector.registry.schemas import Registry

EXAMPLE = """\
example:
  putevents tap clicks.yaml                            records as they are written, until Ctrl-C
  putevents tap clicks.yaml -o -100 -n 20              20 of the last 100 records of each partition
  putevents tap clicks.yaml -o @-1h:end --outcome dead_letter --output json > invalid.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file, where to read, which records to show, and how."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Records of the configured topics and what becomes of them, side by side; at the\n"
        "end a table of all that were read. No group is joined, nothing is committed, no\n"
        "event is sent."
    )
    parser.epilog = EXAMPLE
    add_config(parser)
    parser.add_argument(
        "-o",
        "--offset",
        metavar="START[:END]",
        type=_range,
        default=Range(End(), None),
        help=f"where to read: {EXAMPLES}; without END it goes on with new records (default: end)",
    )
    parser.add_argument("-n", metavar="N", type=_count, help="end after N records were shown")
    parser.add_argument("--sample", metavar="K", type=_count, default=1, help="show only every K-th record of these")
    parser.add_argument(
        "--outcome", choices=OUTCOMES, type=lambda text: text.replace("-", "_"), help="show only records that end so"
    )
    parser.add_argument("--rule", metavar="R", help="show only records that this rule takes")
    parser.add_argument("--reason", metavar="R", help="show only records that are skipped or invalid for this reason")
    parser.add_argument("--show-values", action="store_true", help="show values, which may identify people")
    parser.add_argument(
        "--output", choices=("text", "json"), default="text", help="json: an object a record, then one with a summary"
    )


def _range(text: str) -> Range:
    try:
        return range_of(text, int(time.time() * 1000))
    except NotAPosition as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number of 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """0; 1 for a rule or a reason that is not there; 69 and 77 where Kafka or a registry does not answer or refuses."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    wrong = _wrong_filter(arguments, loaded)
    if wrong is not None:
        say(f"{arguments.config}: {wrong}\n")
        return Exit.NOT_OK
    from connector.cli.topics import FAILURES, code_of, opened  # noqa: PLC0415  loads Kafka's client

    try:
        with opened(loaded.config) as reader, registry_of(loaded) as registry:
            return _tap(arguments, loaded, reader, registry)
    except FAILURES as error:
        say(f"{error}\n")
        return code_of(error)


def _wrong_filter(arguments: argparse.Namespace, loaded: Loaded) -> str | None:
    """What is wrong with a rule or a reason, None where they can be found."""
    rules = {rule.name: rule.skip for pipeline in loaded.config.pipelines for rule in pipeline.rules}
    reasons = {*Reason, *Skip, *filter(None, rules.values())}
    for what, given, known in (("rule", arguments.rule, rules), ("reason", arguments.reason, reasons)):
        if given is not None and given not in known:
            hint = suggest(given, known) or f"one of {', '.join(sorted(known))}"
            return f"expected a {what} that the file or putevents knows for --{what}: {hint}"
    return None


def _tap(arguments: argparse.Namespace, loaded: Loaded, reader: "TopicReader", registry: "Registry | None") -> int:
    from connector.cli.topics import FAILURES, code_of, stop_signals  # noqa: PLC0415

    wanted: Range = arguments.offset
    follow = wanted.end is None
    topics = reader.wanted(Topics(loaded.config.pipelines, loaded.config.dead_letter.topic))
    bounds = reader.bounds(topics, wanted.begin or Start(), wanted.end)
    session = _session(arguments, loaded, registry, _window(bounds, wanted))
    say(_notice(len(topics), bounds, reader.servers, follow=follow))
    code = Exit.OK
    with stop_signals() as stop:
        try:
            records = reader.records(bounds, follow=follow, stopping=stop.is_set)
            whole = _show(records, session, arguments.n, None if follow else _total(bounds), reader.outages.news)
            if whole and not follow and not stop.is_set():
                session.window.finish()
        except FAILURES as error:
            say(f"{error}\n")
            code = code_of(error)
        sys.stdout.write(session.ended())
    if not session.counts.records:
        say("no record was read: -o -100 reads the last 100 of each partition, -o start all of them\n")
    return code


def _session(arguments: argparse.Namespace, loaded: Loaded, registry: "Registry | None", window: "Window") -> "Session":
    from connector.looking.session import Filter, Session  # noqa: PLC0415  only once Kafka has answered

    return Session(
        loaded,
        registry,
        SchemaWait(registry),
        window,
        Filter(arguments.outcome, arguments.rule, arguments.reason),
        values=arguments.show_values,
        as_json=arguments.output == "json",
        sample=arguments.sample,
    )


def _window(bounds: Mapping[TopicPartition, "Bounds"], wanted: Range) -> "Window":
    from connector.looking.window import Partition, Window  # noqa: PLC0415

    of_time = isinstance(wanted.begin, Time | End)
    to_end = not isinstance(wanted.end, Offset | BeforeEnd)
    return Window(
        {
            place: Partition(each.begin, each.end, from_beginning=of_time or each.begin == each.first, to_end=to_end)
            for place, each in bounds.items()
        }
    )


def _total(bounds: Mapping[TopicPartition, "Bounds"]) -> int:
    return sum(each.end - each.begin for each in bounds.values())


def _notice(topics: int, bounds: Mapping[TopicPartition, "Bounds"], servers: str, *, follow: bool) -> str:
    partitions = len(bounds)
    where = f"{topics} topic{'' if topics == 1 else 's'}, {partitions} partition{'' if partitions == 1 else 's'}"
    waiting = _total(bounds)
    what = f"{waiting:,} offset{'' if waiting == 1 else 's'}"
    then = "what is written from now on; Ctrl-C ends with a table" if follow else "then ends with a table"
    read = (
        f"reads {what} of {where} at {servers}, {'and ' * follow}{then}"
        if waiting or not follow
        else (f"reads {where} at {servers}: {then}")
    )
    return f"{read}\nno group is joined and nothing is committed\n\n"


def _show(
    records: Iterator[Record | None],
    session: "Session",
    most: int | None,
    total: int | None,
    news: Callable[[], str | None],
) -> bool:
    """Write the records that are to be shown. Returns whether all were read, and not only as many as are wanted."""
    from connector.cli.topics import note  # noqa: PLC0415

    with Progress("reading") as progress:
        for record in records:
            if record is not None and (shown := session.add(record)):
                progress.clear()
                sys.stdout.write(shown)
            elif record is None:
                sys.stdout.flush()
                if (text := news()) is not None:
                    progress.clear()
                    note(text)
            progress.show(session.counts.records, total)
            if session.shown == most:
                return False
    return True
