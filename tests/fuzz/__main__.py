"""``python -m tests.fuzz records|configurations|formats|avro|protobuf``: inputs or seconds, whichever ends first.

Where atheris is installed (``make fuzz`` sees to it), new inputs are made from those that reached new lines of
connector.core and connector.config, and what is found stays in a folder for the next run. Elsewhere, or with
``--blind``, inputs are made from good ones only, twice as fast. A failure is written out and ends the run with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(__file__).parents[2] / ".cache" / "fuzz"


class Kind(NamedTuple):
    """A target: makes an input from chance, changes one, and checks one."""

    almost: Callable[[random.Random], bytes]
    change: Callable[[bytes, random.Random], bytes]
    check: Callable[[bytes], object]
    longest: int


def _kinds() -> dict[str, Kind]:
    # Imported late, so that atheris can instrument the connector as it is imported.
    from tests.fuzz import avro, configurations, formats, protobuf, records, targets  # noqa: PLC0415

    def change_text(raw: bytes, chance: random.Random) -> bytes:
        return configurations.change_text(raw.decode(errors="replace"), chance).encode(errors="replace")

    return {
        "records": Kind(records.almost, records.change, targets.check_record, 1 << 20),
        "formats": Kind(formats.almost, formats.change, formats.check, 1 << 16),
        "configurations": Kind(
            lambda chance: configurations.almost(chance).encode(errors="replace"),
            change_text,
            lambda raw: targets.check_configuration(raw.decode(errors="replace")),
            1 << 16,
        ),
        "avro": Kind(avro.almost, avro.change, avro.check, 1 << 16),
        "protobuf": Kind(protobuf.almost, protobuf.change, protobuf.check, 1 << 16),
    }


def blind(name: str, runs: int, seconds: float, seed: int) -> int:
    """Inputs from good ones alone; the number of a failure's input is its seed."""
    kind, began, number = _kinds()[name], time.monotonic(), 0
    while number < runs and time.monotonic() - began < seconds:
        raw = kind.almost(random.Random(f"{seed}-{number}"))
        try:
            kind.check(raw)
        except Exception:  # noqa: BLE001  whatever it is, it is what was looked for
            _report(name, raw)
            print(f"{name}: found by input {number}")  # noqa: T201
            return 1
        number += 1
    print(f"{name}: {number} inputs in {time.monotonic() - began:.0f} s, nothing found")  # noqa: T201
    return 0


def _report(name: str, raw: bytes) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"failure-{name}"
    path.write_bytes(raw)
    traceback.print_exc()
    print(f"{name}: the input is in {path}:\n{raw[:2_000]!r}")  # noqa: T201


def guided(name: str, runs: int, seconds: float, seed: int) -> int:
    """Inputs from those that reached new code. Does not return: libFuzzer ends the process."""
    atheris: Any = importlib.import_module("atheris")
    # Instrumented: our own code and the libraries whose Python decides what becomes of an input.
    with atheris.instrument_imports(include=["connector.core", "connector.config", "jmespath", "yaml"]):
        kind = _kinds()[name]

    def one(raw: bytes) -> None:
        try:
            kind.check(raw)
        except Exception:
            _report(name, raw)
            raise

    def changed(raw: bytes, longest: int, number: int) -> bytes:
        chance = random.Random(number)
        new: bytes
        match chance.randrange(8):
            case 0:
                new = kind.almost(chance)
            case 1 | 2:
                new = atheris.Mutate(raw, len(raw) + 8)
            case _:
                new = kind.change(raw, chance)
        return new[:longest]

    corpus = CACHE / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(0 if any(corpus.iterdir()) else 300):
        (corpus / f"seed-{number}").write_bytes(kind.almost(random.Random(number))[: kind.longest])
    options = [
        f"-runs={runs}",
        f"-max_total_time={int(seconds)}",
        f"-max_len={kind.longest}",
        f"-seed={seed}",
        f"-artifact_prefix={CACHE}/",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup(["fuzz", *options, str(corpus)], one, custom_mutator=changed)
    atheris.Fuzz()
    return 0


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("target", choices=("records", "configurations", "formats", "avro", "protobuf"))
    parser.add_argument("--runs", type=int, default=int(os.environ.get("FUZZ_RUNS", "1000000000")))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS", "60")))
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: 1)")
    parser.add_argument("--blind", action="store_true", help="without coverage, even where atheris is installed")
    given = parser.parse_args()
    run = blind
    if not given.blind:
        with contextlib.suppress(ImportError):
            importlib.import_module("atheris")
            run = guided
    return run(given.target, given.runs, given.seconds, given.seed)


if __name__ == "__main__":
    sys.exit(main())
