"""``putevents export``: the history of the topics as files for a bulk import, by the mapping of the file."""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.files import add_config, loaded_or_reported
from connector.cli.progress import Progress
from connector.cli.registries import registry_of
from connector.config import Loaded
from connector.core.positions import EXAMPLES, NotAPosition, Range, range_of
from connector.exits import Exit
from connector.streams import say

if TYPE_CHECKING:
    from connector.exporting.export import Done, Tell, Wanted
    from connector.exporting.uploading import Uploader

DATASETS = ("interactions", "users", "items", "actions", "action-interactions")
MOST_BYTES = 1_000_000_000
LEAST_BYTES = 1_000_000

EXAMPLE = """\
example:
  putevents export clicks.yaml --to history                  CSV files, schema.json, cutover.json
  putevents export clicks.yaml --to s3://bucket/history/     the CSV files go to Amazon S3 as well
  putevents export shop.yaml --to items --dataset items --until history/cutover.json
  putevents offsets set clicks.yaml history/cutover.json     then `putevents run` begins where the files end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file, where to, what, and from where."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "The records of the topics as files for a bulk import of Amazon Personalize, with\n"
        "the ids and times that `run` would send. No group is joined, nothing is committed.\n"
        "The same command goes on with an export that was stopped or killed."
    )
    parser.epilog = EXAMPLE
    add_config(parser)
    parser.add_argument("--to", required=True, metavar="DIR|s3://…", help="a new folder, here or in Amazon S3")
    parser.add_argument(
        "--dataset", choices=DATASETS, default="interactions", help="whose rows (default: interactions)"
    )
    parser.add_argument(
        "-o",
        "--offset",
        metavar="START[:END]",
        type=_range,
        default="start",
        help=f"what to read: {EXAMPLES} (default: all that is there now)",
    )
    parser.add_argument("--until", metavar="FILE", help="read up to the offsets of an earlier export's cutover.json")
    parser.add_argument(
        "--target", metavar="ID", help="rows for this tracking id or dataset ARN (default: that of the file)"
    )
    parser.add_argument(
        "--max-bytes", metavar="N", type=_bytes, default=MOST_BYTES, help=f"bytes of a file (default: {MOST_BYTES})"
    )
    parser.add_argument(
        "--work", metavar="DIR", help="with s3://: the folder of the files here (default: putevents-DATASET)"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="how the summary is shown")


class _Given(str):
    """A range as it was written."""

    __slots__ = ("range",)
    range: Range


def _range(text: str) -> _Given:
    given = _Given(text)
    try:
        given.range = range_of(text, int(time.time() * 1000))
    except NotAPosition as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return given


def _bytes(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_BYTES:
        raise argparse.ArgumentTypeError(f"expected a whole number of {LEAST_BYTES} or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where the folder cannot be used, or a signal came; 69 and 77 where Kafka, a registry or AWS do not serve."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    wrong = _wrong(arguments, loaded)
    if wrong is not None:
        say(f"{wrong}\n")
        return Exit.NOT_OK
    from connector.cli.topics import FAILURES, code_of  # noqa: PLC0415  loads Kafka's client
    from connector.exporting.cutover import NotACutover  # noqa: PLC0415
    from connector.exporting.folder import NotUsable  # noqa: PLC0415

    try:
        return _export(arguments, loaded)
    except FAILURES as error:
        say(f"{error}\n")
        return code_of(error)
    except (NotUsable, NotACutover) as error:
        say(f"{error}\n")
        return Exit.NOT_OK
    except OSError as error:
        say(f"{_folder(arguments)}: expected room for the files: {(error.strerror or 'failed').lower()}; "
            "the same command goes on\n")  # fmt: skip
        return Exit.NOT_OK


def _wrong(arguments: argparse.Namespace, loaded: Loaded) -> str | None:
    from connector.exporting.datasets import DATASETS as ROWS  # noqa: PLC0415

    action = ROWS[arguments.dataset].operation.action
    if all(getattr(rule, action, None) is None for each in loaded.config.pipelines for rule in each.rules):
        return (
            f"{arguments.config}: expected a rule with {action}, which makes the rows of --dataset {arguments.dataset}"
        )
    if arguments.to.startswith("s3://") and not arguments.to.removeprefix("s3://").partition("/")[0]:
        return "expected a bucket in --to, as in s3://bucket/prefix/"
    if arguments.until and arguments.offset.range.end is not None:
        return "expected --until or an END of -o, not both: each says where to end"
    return None


def _folder(arguments: argparse.Namespace) -> Path:
    if arguments.to.startswith("s3://"):
        return Path(arguments.work or f"putevents-{arguments.dataset}")
    return Path(arguments.to)


def _export(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from connector.cli.topics import opened, stop_signals  # noqa: PLC0415
    from connector.exporting.export import Export  # noqa: PLC0415
    from connector.schema_wait import SchemaWait  # noqa: PLC0415

    _collect_seldom()
    folder, uploader = _folder(arguments), _uploader(arguments, loaded)
    wanted = _wanted(arguments)
    stages = _Stages()
    with opened(loaded.config) as reader, registry_of(loaded) as registry, stop_signals() as stop:
        export = Export(loaded, reader, wanted, folder, stages.tell(), registry, SchemaWait(registry))
        try:
            done = export(stop.is_set, _upload(uploader, stages))
        finally:
            stages.clear()
    if done is None:
        say("stopped by a signal: the same command goes on where this one ended\n")
        return Exit.NOT_OK
    _show(arguments, loaded, done, "" if uploader is None else str(uploader.place))
    return Exit.OK


def _collect_seldom() -> None:
    """As `run` does: what a record makes is in no circle, and looking for circles would take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _wanted(arguments: argparse.Namespace) -> "Wanted":
    from connector.exporting.cutover import read_cutover  # noqa: PLC0415
    from connector.exporting.datasets import DATASETS as ROWS  # noqa: PLC0415
    from connector.exporting.export import Wanted  # noqa: PLC0415

    until = read_cutover(arguments.until) if arguments.until else None
    text = f"{arguments.offset} {'' if until is None else json.dumps(until.document(), sort_keys=True)}"
    dataset = ROWS[arguments.dataset]
    return Wanted(dataset, arguments.offset.range, text, until, arguments.target, arguments.max_bytes)


class _Stages:
    """The progress of one stage at a time: a line that is taken away when the next one begins."""

    def __init__(self) -> None:
        self._doing = ""
        self._progress = Progress("")

    def show(self, doing: str, unit: str, done: int, total: int | None = None) -> None:
        """So far a stage has come."""
        if doing != self._doing:
            self.clear()
            self._doing, self._progress = doing, Progress(doing, unit)
        self._progress.show(done, total)

    def clear(self) -> None:
        """Take the line away."""
        self._progress.clear()

    def tell(self) -> "Tell":
        """What an export says on its way."""
        from connector.cli.topics import note  # noqa: PLC0415
        from connector.exporting.export import Tell  # noqa: PLC0415

        def news(text: str) -> None:
            self.clear()
            note(text)

        return Tell(
            say,
            news,
            lambda done, total: self.show("exporting", "records", done, total),
            lambda done: self.show("making the files", "bytes", done),
        )


def _uploader(arguments: argparse.Namespace, loaded: Loaded) -> "Uploader | None":
    if not arguments.to.startswith("s3://"):
        return None
    from connector.exporting.folder import WORK  # noqa: PLC0415
    from connector.exporting.uploading import Uploader, place_of  # noqa: PLC0415  loads the AWS SDK

    place = place_of(arguments.to)
    if place is None:
        return None
    uploader = Uploader(place, loaded.config.personalize.region)
    unfinished = (_folder(arguments) / WORK).exists()
    uploader.require_empty(but_for=arguments.dataset if unfinished else "")
    return uploader


def _upload(uploader: "Uploader | None", stages: _Stages) -> Callable[[list[Path]], None]:
    def upload(files: list[Path]) -> None:
        if uploader is None:
            return
        total, gone = sum(path.stat().st_size for path in files), 0

        def show(more: int) -> None:
            nonlocal gone
            gone += more
            stages.show("uploading", "bytes", gone, total)

        uploader(files, show)

    return upload


def _show(arguments: argparse.Namespace, loaded: Loaded, done: "Done", bucket: str) -> None:
    from connector.exporting.summary import summary_json, summary_text  # noqa: PLC0415
    from connector.looking.table import named_types  # noqa: PLC0415

    if arguments.output == "json":
        sys.stdout.write(json.dumps(summary_json(done)) + "\n")
    else:
        sys.stdout.write(summary_text(done, arguments.config, bucket, named_types(loaded)))
