"""``putevents play``: a mapping and its result side by side in the browser, on loopback."""

import argparse
import os
import shlex
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.files import add_config
from connector.cli.registries import registry_of
from connector.config import Loaded, Problem, load_text
from connector.exits import Exit
from connector.schema_wait import NoSchema, SchemaWait
from connector.starting.samples import NoSamplesError
from connector.streams import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.playground.evaluating import Registry
    from connector.playground.samples import Samples
    from connector.playground.sheet import Sheet

EXAMPLE = """\
example:
  putevents play clicks.yaml                          samples are the records of the file's tests
  putevents play clicks.yaml --sample clicks.jsonl    samples of your own
On another machine, forward the same port: ssh -L 8090:127.0.0.1:8090 HOST, and --port 8090 there.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file, samples, a port."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add_config(parser)
    parser.add_argument(
        "--sample",
        metavar="FILE",
        help="sample records: JSON lines, a dump of kcat or of kafka-console-consumer, CSV with a header "
        "(default: those of the file's tests)",
    )
    parser.add_argument("--port", metavar="N", type=_port, default=0, help="port on 127.0.0.1 (default: a free one)")


def run(arguments: argparse.Namespace) -> int:
    """0 when it is interrupted; 1 where there are no samples or no port, 77 without credentials, 78 without a file."""
    from connector.playground.sheet import Sheet  # noqa: PLC0415  --help needs none of it

    sheet = Sheet(Path(arguments.config))
    seen = sheet.read()
    if isinstance(seen, Problem):
        say(f"{arguments.config}: {seen.message}\n{_hint(arguments.config, arguments.sample)}")
        return Exit.BAD_FILE
    loaded = load_text(seen.text, arguments.config, os.environ)
    valid = loaded if isinstance(loaded, Loaded) else None
    samples = _samples(arguments, seen.text, valid)
    if samples is None:
        return Exit.NOT_OK
    try:
        with _registry(valid) as registry:
            return _serve(arguments, sheet, samples, registry)
    except NoSchema as error:
        say(f"{error}\n")
        return error.code


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("expected a number from 0 to 65535")
    return number


def _hint(path: str, sample: str | None) -> str:
    if Path(path).exists():
        return ""
    if sample is not None:
        return f"putevents init --sample {shlex.quote(sample)} -o {shlex.quote(path)} proposes one from these records\n"
    return f"putevents init --from segment -o {path} writes a first file; `putevents init` lists other sources\n"


def _samples(arguments: argparse.Namespace, text: str, loaded: Loaded | None) -> "Samples | None":
    from connector.playground import samples  # noqa: PLC0415

    if arguments.sample is None:
        return samples.from_tests(text, Path(arguments.config), loaded)
    try:
        return samples.from_file(Path(arguments.sample), loaded)
    except NoSamplesError as error:
        say(f"{arguments.sample}: {error}\n")
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        say(f"{arguments.sample}: expected sample records that can be read: {why}\n")
    return None


@contextmanager
def _registry(loaded: Loaded | None) -> "Iterator[Registry | None]":
    """The registry of the saved file, where it needs one; see ``Registry``."""
    if loaded is None or loaded.config.schema_registry is None:
        yield None
        return
    from connector.playground.evaluating import Registry  # noqa: PLC0415

    with registry_of(loaded) as registry:
        yield None if registry is None else Registry(loaded.config.schema_registry, registry, SchemaWait(registry))


def _serve(arguments: argparse.Namespace, sheet: "Sheet", samples: "Samples", registry: "Registry | None") -> int:
    from connector import logs  # noqa: PLC0415
    from connector.playground.desk import Desk  # noqa: PLC0415
    from connector.playground.evaluating import Evaluation  # noqa: PLC0415
    from connector.playground.site import Site  # noqa: PLC0415

    logs.configure("error", "text")
    desk = Desk(sheet, samples, Evaluation(sheet.path, os.environ, registry))
    ended = threading.Event()
    try:
        site = Site(desk, arguments.port)
    except OSError as error:
        why = (error.strerror or "not possible").lower()
        say(
            f"port {arguments.port}: expected one that is free on 127.0.0.1: {why}; "
            "without --port any free one is taken\n"
        )
        return Exit.NOT_OK
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        sys.stdout.write(f"{site.url}\n")
        sys.stdout.flush()
        say("Open this address in a browser. Who has it can read the samples and change the file. Ctrl-C ends it.\n")
        ended.wait()
    finally:
        site.close()
    return Exit.OK
