"""``putevents map``: a dry run of records through a mapping, without Kafka and without AWS."""

import argparse
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from connector.cli import given_lines
from connector.cli.files import add_config, loaded_or_reported
from connector.cli.registries import registry_of
from connector.config import Loaded
from connector.dry_run import DryRun
from connector.exits import Exit
from connector.given_records import Json, UnreadableRecord
from connector.schema_wait import NoSchema, SchemaWait
from connector.streams import say

if TYPE_CHECKING:
    from connector.registry.schemas import Registry


EXAMPLE = """\
example:
  putevents map clicks.yaml --explain --input records.jsonl    a value on each line: what becomes of it, and why
  putevents map clicks.yaml --explain --value '{"user": 1}' --key u1 --header shop=web
  kcat -b kafka:9092 -t clicks -C -J -c 100 | putevents map clicks.yaml
  kcat -b kafka:9092 -t clicks -C -K: | putevents map clicks.yaml --kcat-format '%k:%s'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file and where records come from."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add_config(parser)
    parser.add_argument("--pipeline", metavar="P", help="which pipeline (default: the record's topic's, or the first)")
    parser.add_argument("--explain", action="store_true", help="also which rules were tried, and what made each member")
    parser.add_argument(
        "--output",
        choices=("text", "json"),
        help="text for people, or a JSON object a line (default: json; text for --explain on a terminal)",
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 if any record would go to the dead letters")
    given_lines.add_arguments(parser)


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
    with registry_of(loaded) as registry:
        return _mapped(arguments, loaded, registry)


def _mapped(arguments: argparse.Namespace, loaded: Loaded, registry: "Registry | None") -> int:
    wait = SchemaWait(registry)
    dry_run = DryRun(loaded, arguments.pipeline, explain=arguments.explain, schemas=registry, wait=wait)
    write = _text(arguments) if _is_text(arguments) else _json
    lines = given_lines.Lines(arguments, dry_run.spec)
    for record, number in lines:
        write(dry_run.given(record, number))
    sys.stdout.flush()  # on a terminal the summary stands last
    say(dry_run.summary() + "\n")
    doubt = None if dry_run.counts["mapped"] else lines.doubt()
    if doubt is not None:
        say(f"{doubt}\n")
    return Exit.NOT_OK if arguments.strict and dry_run.counts["dead_letter"] else Exit.OK


def _is_text(arguments: argparse.Namespace) -> bool:
    """JSON is what programs read: text is for who asks for it, and for an explanation that a person looks at."""
    if arguments.output is None:
        return arguments.explain and sys.stdout.isatty()
    return bool(arguments.output == "text")


def _json(result: Json) -> None:
    sys.stdout.buffer.write(orjson.dumps(result) + b"\n")


def _text(arguments: argparse.Namespace) -> Callable[[Json], None]:
    from connector.showing.text import RecordText  # noqa: PLC0415  programs need none of it
    from connector.styles import is_coloured  # noqa: PLC0415

    columns = shutil.get_terminal_size().columns
    text = RecordText(room=columns, colour=is_coloured(sys.stdout))
    first = True

    def write(result: Json) -> None:
        nonlocal first
        shown = text(result)
        between = "\n" if arguments.explain and not first else ""
        first = False
        sys.stdout.buffer.write((between + shown).encode("utf-8", "backslashreplace"))

    return write
