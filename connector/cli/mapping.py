"""``putevents map``: a dry run of records through a mapping, without Kafka and without AWS."""

import argparse
import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

import orjson

from connector.cli.files import add_config, loaded_or_reported
from connector.dry_run import DryRun, UnreadableRecord
from connector.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file and where records come from."""
    add_config(parser)
    parser.add_argument("--pipeline", metavar="P", help="which pipeline (default: the record's topic's, or the first)")
    parser.add_argument("--explain", action="store_true", help="also which rules were tried, and what made each member")
    parser.add_argument(
        "--records",
        action="store_true",
        help="a line is a record: an object with value, key, headers, topic, partition, offset, timestamp (ms); "
        "without this, a line is a value",
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 if any record would go to the dead letters")
    parser.add_argument("--input", metavar="FILE", help="read records from a file (default: stdin)")


def run(arguments: argparse.Namespace) -> int:
    """One JSON object a record on stdout; 0, or 1 with ``--strict``."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    names = [pipeline.name for pipeline in loaded.config.pipelines]
    if arguments.pipeline is not None and arguments.pipeline not in names:
        sys.stderr.write(f"expected a pipeline of {arguments.config}: {', '.join(names)}; not {arguments.pipeline}\n")
        return Exit.NOT_OK
    dry_run = DryRun(loaded, arguments.pipeline, explain=arguments.explain)
    try:
        _map(_lines(arguments.input), dry_run, records=arguments.records)
    except UnreadableRecord as error:
        sys.stderr.write(f"{error}\n")
        return Exit.NOT_OK
    sys.stderr.write(dry_run.summary() + "\n")
    return Exit.NOT_OK if arguments.strict and dry_run.counts["dead_letter"] else Exit.OK


def _lines(path: str | None) -> Iterator[bytes]:
    """The lines of a file, or of stdin. Raises UnreadableRecord where they cannot be read."""
    try:
        with Path(path).open("rb") if path else nullcontext(sys.stdin.buffer) as lines:
            yield from lines
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        if path is None and getattr(error, "errno", None) == errno.EBADF:
            why = "it is closed"
        hint = "; pipe records in, or name a file with --input" if path is None else ""
        raise UnreadableRecord(f"{path or 'standard input'}: expected lines that can be read: {why}{hint}") from None


def _map(lines: Iterable[bytes], dry_run: DryRun, *, records: bool) -> None:
    for number, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n")
        # An empty value is a record, too, but an empty line at the end of a file is not meant as one.
        if text:
            result = dry_run.record(text, number) if records else dry_run.value(text, number)
            sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
