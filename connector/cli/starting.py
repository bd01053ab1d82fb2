"""``putevents init``: a first file, from a preset or from sample records."""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from connector.exits import Exit
from connector.starting.presets import PRESETS, preset
from connector.streams import say

EXAMPLE = """\
example:
  putevents init                                  lists the sources that have a file of their own
  putevents init --from segment -o clicks.yaml    that file
  kcat -b broker:9092 -C -t clicks -J -c 1000 > clicks.jsonl
  putevents init --sample clicks.jsonl -o clicks.yaml
                                                  a file proposed from your own records
  putevents init --sample clicks.csv --member itemId=value.artikel -o clicks.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A source or a sample, and where the file goes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--from", dest="source", choices=PRESETS, metavar="SOURCE", help=f"one of {', '.join(PRESETS)}")
    what.add_argument(
        "--sample",
        metavar="FILE",
        help="sample records, of which the first 1,000 are read: JSON lines, a dump of kcat or of "
        "kafka-console-consumer, CSV with a header; - is stdin",
    )
    parser.add_argument(
        "--member",
        action="append",
        default=[],
        metavar="NAME=EXPRESSION",
        help="with --sample: which member of the records is the sessionId, userId, eventType, itemId, eventValue, "
        "sentAt or eventId, as in itemId=value.art; may be repeated",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the file here (default: stdout)")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where nothing can be proposed, or the file exists."""
    if arguments.source is None and arguments.sample is None:
        sys.stdout.write(_listed())
        return Exit.OK
    if _exists(arguments):
        say(f"{arguments.output}: expected no file of this name: give another to -o, or --force to replace it\n")
        return Exit.NOT_OK
    if arguments.member and arguments.sample is None:
        say("expected --sample with --member: a preset has its members already\n")
        return Exit.NOT_OK
    text = preset(arguments.source) if arguments.source else _proposed(arguments.sample, arguments.member)
    if text is None or not _written(text, arguments):
        return Exit.NOT_OK
    say(_next(arguments.output or "FILE", arguments.sample))
    return Exit.OK


def _listed() -> str:
    width = max(map(len, PRESETS))
    lines = [f"  {name:<{width}}  {words}" for name, words in PRESETS.items()]
    return "\n".join(
        [
            "A first file for records of a known source:",
            *lines,
            "",
            "  putevents init --from segment -o clicks.yaml",
            "  putevents init --sample records.jsonl -o clicks.yaml    proposes one from your own records",
            "",
        ]
    )


def _exists(arguments: argparse.Namespace) -> bool:
    return arguments.output is not None and not arguments.force and Path(arguments.output).exists()


def _proposed(path: str, members: Sequence[str]) -> str | None:
    from connector.starting.drafting import draft  # noqa: PLC0415  a preset needs none of it
    from connector.starting.samples import NoSamplesError, read  # noqa: PLC0415

    name = "standard input" if path == "-" else Path(path).name
    try:
        samples = read(_lines(path))
        if samples.unreadable:
            say(
                f"{name}: {samples.unreadable:,} of {samples.unreadable + len(samples.records):,} lines are no record\n"
            )
        return draft(samples, name, members)
    except OSError as error:
        say(f"{path}: expected sample records that can be read: {(error.strerror or 'not a file').lower()}\n")
    except NoSamplesError as error:
        say(f"{name}: {error}\n")
    return None


def _lines(path: str) -> Iterator[bytes]:
    """The lines of the sample; longer ones than a record can be are cut, and then are no record."""
    from connector.starting.samples import LONGEST  # noqa: PLC0415

    with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as file:
        while line := file.readline(LONGEST):
            yield line


def _written(text: str, arguments: argparse.Namespace) -> bool:
    if arguments.output is None:
        sys.stdout.write(text)
        return True
    try:
        with Path(arguments.output).open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        say(f"{arguments.output}: expected a file that can be written: {(error.strerror or 'not a path').lower()}\n")
        return False
    return True


def _next(name: str, sample: str | None) -> str:
    name = shlex.quote(name)
    read_again = shlex.quote(sample) if sample and sample != "-" else None
    records = read_again or "records.jsonl"
    given = f" --sample {read_again}" if read_again else ""
    return (
        f"Next:\n  putevents validate {name}\n  putevents test {name} --coverage\n"
        f"  putevents map {name} --input {records}    what becomes of your records: no Kafka, no AWS\n"
        f"  putevents play {name}{given}    the same in the browser, while you edit the file\n"
    )
