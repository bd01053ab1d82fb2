"""``putevents map``: a dry run of records through a mapping, without Kafka and without AWS."""

import argparse
import errno
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from connector.cli.files import add_config, loaded_or_reported
from connector.config import Loaded
from connector.config.formats import not_text, uses_registry
from connector.dry_run import DryRun
from connector.exits import Exit
from connector.given_records import ENCODINGS, Encoding, UnreadableRecord, value_of
from connector.schema_wait import NoSchema, SchemaWait

if TYPE_CHECKING:
    from connector.registry.schemas import Registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file and where records come from."""
    add_config(parser)
    parser.add_argument("--pipeline", metavar="P", help="which pipeline (default: the record's topic's, or the first)")
    parser.add_argument("--explain", action="store_true", help="also which rules were tried, and what made each member")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--records",
        action="store_true",
        help="a line is a record: an object with value, key, headers (or value_base64, key_base64, headers_base64), "
        "topic, partition, offset, timestamp (ms); without this, a line is a value",
    )
    what.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default="text",
        help="what a line is: the value as text, base64 or hex; binary: all of a file is one value (default: text)",
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 if any record would go to the dead letters")
    parser.add_argument(
        "--input",
        metavar="FILE",
        action="append",
        help="read records from a file (default: stdin); again for more files, whose lines are counted on",
    )


def run(arguments: argparse.Namespace) -> int:
    """One JSON object a record on stdout; 0, or 1 with ``--strict``, 69 and 77 where the schema registry is asked."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    names = [pipeline.name for pipeline in loaded.config.pipelines]
    if arguments.pipeline is not None and arguments.pipeline not in names:
        sys.stderr.write(f"expected a pipeline of {arguments.config}: {', '.join(names)}; not {arguments.pipeline}\n")
        return Exit.NOT_OK
    try:
        return _dry_run(arguments, loaded)
    except UnreadableRecord as error:
        sys.stderr.write(f"{error}\n")
        return Exit.NOT_OK
    except NoSchema as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _dry_run(arguments: argparse.Namespace, loaded: Loaded) -> int:
    with _registry(loaded) as registry:
        return _mapped(arguments, loaded, registry)


@contextmanager
def _registry(loaded: Loaded) -> Iterator["Registry | None"]:
    """The registry, where the file needs one. It is asked only for the schemas that records need."""
    settings = loaded.config.schema_registry
    if settings is None or not uses_registry(loaded.config.pipelines):
        yield None
        return
    from connector.cli.schemas import started  # noqa: PLC0415  loads what most files do not need

    registry = started(settings)
    try:
        yield registry
    finally:
        registry.close(0)


def _mapped(arguments: argparse.Namespace, loaded: Loaded, registry: "Registry | None") -> int:
    wait = SchemaWait(registry)
    dry_run = DryRun(loaded, arguments.pipeline, explain=arguments.explain, schemas=registry, wait=wait)
    binary = None if arguments.records or arguments.encoding != "text" else not_text(dry_run.spec.value)
    if binary is not None:
        raise UnreadableRecord(
            f"pipeline {dry_run.spec.name}: its values are {binary}, which is not lines of text: "
            "give --encoding base64, hex or binary, or --records with value_base64"
        )
    _map(_lines(arguments.input or (), arguments.encoding), dry_run, arguments)
    sys.stderr.write(dry_run.summary() + "\n")
    return Exit.NOT_OK if arguments.strict and dry_run.counts["dead_letter"] else Exit.OK


def _lines(paths: Sequence[str], encoding: Encoding) -> Iterator[bytes]:
    """The lines of the files, or of stdin; of binary ones all at once."""
    for path in paths or (None,):
        yield from _whole(path) if encoding == "binary" else _lines_of(path)


def _whole(path: str | None) -> Iterator[bytes]:
    yield b"".join(_lines_of(path))


def _lines_of(path: str | None) -> Iterator[bytes]:
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


def _map(lines: Iterable[bytes], dry_run: DryRun, arguments: argparse.Namespace) -> None:
    encoding: Encoding = arguments.encoding
    for number, line in enumerate(lines, 1):
        text = line if encoding == "binary" else line.rstrip(b"\r\n")
        # An empty value is a record, too, but an empty line at the end of a file is not meant as one.
        if not text and encoding != "binary":
            continue
        if arguments.records:
            result = dry_run.record(text, number)
        else:
            result = dry_run.value(value_of(text, encoding, number), number)
        sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
