"""``putevents plan``: what a change of a file changes, on real records."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from connector.cli.planned_records import Given, given
from connector.cli.progress import Progress
from connector.cli.registries import registry_of
from connector.config import Loaded, Problem, render
from connector.config.formats import not_text
from connector.core.mapping.topics import Topics
from connector.core.positions import EXAMPLES, NotAPosition, Range, Start, range_of
from connector.core.words import suggest
from connector.exits import Exit
from connector.given_records import ENCODINGS, UnreadableRecord
from connector.planning.consequences import CONSEQUENCES, Plan, UnknownConsequence, failed, names_of
from connector.planning.findings import Comparison
from connector.planning.masks import Masks, texts_of
from connector.planning.programs import as_json
from connector.planning.revisions import NoRevision, load_version
from connector.planning.settings import settings
from connector.planning.shown import markdown, text
from connector.planning.sides import Side
from connector.schema_wait import NoSchema, SchemaWait
from connector.streams import say
from connector.styles import is_coloured

if TYPE_CHECKING:
    from connector.kafka.reading import TopicReader
    from connector.registry.schemas import Registry

DEFAULT = "-1h"
EXAMPLE = """\
example:
  putevents plan origin/main:clicks.yaml clicks.yaml                     on the last hour of the topics
  putevents plan running.yaml clicks.yaml --input samples.jsonl
  putevents plan HEAD:clicks.yaml clicks.yaml --input samples.jsonl --fail-on event_ids,dead_letters
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two versions, the records, and what to say and to fail on."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    conditions = "\n".join(f"  {name:<13} {each.words}" for name, each in CONSEQUENCES.items())
    parser.epilog = f"--fail-on, one or more of these with commas between them: exit 1 if\n{conditions}\n\n{EXAMPLE}"
    where = "a YAML file, or REV:path of git (origin/main:clicks.yaml; :clicks.yaml is the index)"
    parser.add_argument("old", metavar="OLD", help=f"the version that runs: {where}")
    parser.add_argument("new", metavar="NEW", help="the version that shall run: the same")
    _add_records(parser)
    parser.add_argument("--fail-on", metavar="LIST", type=_names, default=[], help="exit 1 if one of these is found")
    parser.add_argument("--show-values", action="store_true", help="show values of records, which may identify people")
    parser.add_argument(
        "--output", choices=("text", "json", "markdown"), default="text", help="how the plan is shown (default: text)"
    )


def _add_records(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--offset",
        metavar="START[:END]",
        type=_range,
        help=f"which records of the topics: {EXAMPLES} (default: {DEFAULT})",
    )
    parser.add_argument("-n", metavar="N", type=_count, help="compare N records at most")
    parser.add_argument("--pipeline", metavar="P", help="send every record through the pipeline of this name")
    parser.add_argument(
        "--input",
        metavar="FILE",
        action="append",
        help="records from a file instead of the topics, - is stdin; again for more: a value a line, or what kcat -J "
        "or kafka-console-consumer with print.timestamp printed",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--records", action="store_true", help="a line is a record: an object as `map --records` takes it"
    )
    what.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default="text",
        help="what a line is: the value as text, base64 or hex; binary: all of a file is one value (default: text)",
    )


def _range(words: str) -> Range:
    try:
        return range_of(words, int(time.time() * 1000))
    except NotAPosition as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(words: str) -> int:
    if not words.isascii() or not words.isdigit() or int(words) < 1:
        raise argparse.ArgumentTypeError("expected a whole number of 1 or more")
    return int(words)


def _names(words: str) -> list[str]:
    try:
        return names_of(words)
    except UnknownConsequence as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """0; 1 for what ``--fail-on`` names, or without records; 78 for a file that is wrong; 69 and 77 as for `tap`."""
    wrong = _contradiction(arguments)
    if wrong is not None:
        say(f"{wrong}\n")
        return Exit.NOT_OK
    # Warnings about the version that runs already are not about the change.
    old, new = _loaded(arguments.old, warn=False), _loaded(arguments.new, warn=True)
    if old is None or new is None:
        return Exit.BAD_FILE
    unknown = _unknown_pipeline(arguments, old, new)
    if unknown is not None:
        say(f"{unknown}\n")
        return Exit.NOT_OK
    try:
        return _plan(arguments, old, new)
    except UnreadableRecord as error:
        say(f"{error}\n")
        return Exit.NOT_OK
    except NoSchema as error:
        say(f"{error}\n")
        return error.code


def _contradiction(arguments: argparse.Namespace) -> str | None:
    if arguments.input and arguments.offset is not None:
        return "expected either --input, for records of a file, or -o, for those of the topics"
    if not arguments.input and (arguments.records or arguments.encoding != "text"):
        return f"expected --input FILE beside {'--records' if arguments.records else '--encoding'}: it is about lines"
    return None


def _loaded(name: str, *, warn: bool) -> Loaded | None:
    """A version, with its warnings on stderr if wanted; or None, with everything that is wrong with it there."""
    try:
        found = load_version(name, os.environ)
    except NoRevision as error:
        say(f"{error}\n")
        return None
    if isinstance(found, Loaded):
        warnings = [each for each in found.warnings if warn and each.severity == "warning"]
        say(f"{render(warnings)}\n\n" if warnings else "")
        return found
    say(f"{render(found)}\n\n{_counted(found, name)}\n")
    return None


def _counted(problems: list[Problem], name: str) -> str:
    return f"{name}: {len(problems)} problem{'' if len(problems) == 1 else 's'}; for more: putevents explain CODE"


def _unknown_pipeline(arguments: argparse.Namespace, old: Loaded, new: Loaded) -> str | None:
    if arguments.pipeline is None:
        return None
    for name, loaded in ((arguments.old, old), (arguments.new, new)):
        known = [pipeline.name for pipeline in loaded.config.pipelines]
        if arguments.pipeline not in known:
            hint = suggest(arguments.pipeline, known) or f"one of {', '.join(known)}"
            return f"{name}: expected a pipeline of this file for --pipeline: {hint}"
    return None


def _plan(arguments: argparse.Namespace, old: Loaded, new: Loaded) -> int:
    with ExitStack() as closing:
        sides = [
            _side(name, loaded, arguments.pipeline, closing.enter_context(registry_of(loaded)))
            for name, loaded in ((arguments.old, old), (arguments.new, new))
        ]
        comparison = Comparison(sides[0], sides[1], time.time())
        if arguments.input:
            _compare_lines(comparison, arguments)
        else:
            code = _compare_topics(comparison, arguments)
            if code:
                return code
    return _report(Plan(comparison, settings(old.config, new.config)), arguments)


def _side(name: str, loaded: Loaded, pipeline: str | None, registry: "Registry | None") -> Side:
    return Side(name, loaded, pipeline, registry, SchemaWait(registry))


def _compare_lines(comparison: Comparison, arguments: argparse.Namespace) -> None:
    spec = comparison.new.spec
    binary = None if arguments.records or arguments.encoding != "text" else not_text(spec.value)
    if binary is not None:
        raise UnreadableRecord(
            f"pipeline {spec.name}: its values are {binary}, which is not lines of text: "
            "give --encoding base64, hex or binary, or --records with value_base64"
        )
    lines = given(arguments.input, spec.topics[0], arguments.encoding, records=arguments.records)
    with Progress("comparing") as progress:
        for each in lines:
            if arguments.n is not None and comparison.found.records >= arguments.n:
                break
            _add(comparison, each)
            progress.show(comparison.found.records)


def _add(comparison: Comparison, each: Given) -> None:
    try:
        comparison.add(each.record, each.line, named=each.named, timed=each.timed)
    except NoSchema as error:
        raise NoSchema(f"line {each.line}: {error}", error.code) from None


def _compare_topics(comparison: Comparison, arguments: argparse.Namespace) -> Exit:
    """Read the topics of both versions from the cluster of the new one. Not OK: why is on stderr."""
    from connector.cli.topics import FAILURES, code_of, opened, stop_signals  # noqa: PLC0415  loads Kafka's client

    try:
        with opened(comparison.new.loaded.config) as reader, stop_signals() as stopping:
            wanted: Range = arguments.offset or _range(DEFAULT)
            begin = Start() if wanted.begin is None else wanted.begin  # an end is an empty tuple
            bounds = reader.bounds(_topics(comparison, reader), begin, wanted.end)
            total = sum(each.end - each.begin for each in bounds.values())
            with Progress("comparing") as progress:
                for record in reader.records(bounds, stopping=stopping.is_set):
                    if record is not None:
                        comparison.add(record)
                    progress.show(comparison.found.records, total)
                    if arguments.n is not None and comparison.found.records >= arguments.n:
                        break
            if stopping.is_set():
                say(f"stopped after {comparison.found.records:,} records: the plan is about these\n")
    except FAILURES as error:
        say(f"{error}\n")
        code: Exit = code_of(error)
        return code
    return Exit.OK


def _topics(comparison: Comparison, reader: "TopicReader") -> list[str]:
    """Those of the new version, which must exist, and those of the old one that do."""
    new, old = comparison.new.loaded.config, comparison.old.loaded.config
    wanted = reader.wanted(Topics(new.pipelines, new.dead_letter.topic))
    return sorted({*wanted, *Topics(old.pipelines, old.dead_letter.topic).among(reader.topics())})


def _report(plan: Plan, arguments: argparse.Namespace) -> int:
    found = plan.comparison.found
    if found.records == found.unread:
        say(_nothing(plan, arguments))
        return Exit.NOT_OK
    stopping = failed(plan, arguments.fail_on)
    old, new = plan.comparison.old, plan.comparison.new
    masks = Masks(texts_of(old.loaded) | texts_of(new.loaded), values=arguments.show_values)
    if arguments.output == "json":
        shown = json.dumps(as_json(plan, masks, stopping), indent=2, ensure_ascii=False) + "\n"
    elif arguments.output == "markdown":
        shown = markdown(plan, masks, stopping)
    else:
        shown = text(plan, masks, stopping, colour=is_coloured(sys.stdout))
    sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace"))
    return Exit.NOT_OK if stopping else Exit.OK


def _nothing(plan: Plan, arguments: argparse.Namespace) -> str:
    """Why no record was compared, so that an empty sample does not pass for a harmless change."""
    if plan.comparison.found.unread:
        topics = Counter(topic for each in plan.comparison.new.loaded.config.pipelines for topic in each.topics)
        return (
            f"expected records of topics that a version reads ({', '.join(topics)}): all of them are of other topics; "
            "--pipeline sends every record through the pipeline that it names\n"
        )
    if arguments.input:
        return f"expected records in {', '.join(arguments.input)}: there is none, so nothing was compared\n"
    return "no record lies there, so nothing was compared: an earlier -o, such as -o -1d or -o start, reads more\n"
