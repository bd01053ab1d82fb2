"""``python -m bench``: scenarios to results, results to tables and pictures.

    python -m bench all [--quick]          every scenario, into bench/results/all.json (or quick.json)
    python -m bench unbounded|quota|light|replicas|start|formats|decoding [--quick] [--name NAME]
    python -m bench backlog [N]            N records, five million unless told otherwise
    python -m bench compare OTHER [--rounds 5] [--write NAME] [costs] [unbounded] [quota] [light]
                                           this connector beside another: of a folder, an interpreter, a putevents
    python -m bench report [NAME] [--write]   tables to stdout; with --write into docs/performance.md, and pictures
    python -m bench profile | costs        where the connector's own time goes

A scenario replaces its own part of the results file and leaves the others, so that one can be measured again alone.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench import ratios, system, tables
from bench.compare import ROUNDS, TRIALS, compare
from bench.loop_costs import print_costs
from bench.sampling import print_profile
from bench.scenarios.backlog import backlog
from bench.scenarios.decoding import decode_costs
from bench.scenarios.formats import formats
from bench.scenarios.light import light
from bench.scenarios.replicas import replicas
from bench.scenarios.start import start_up
from bench.scenarios.throughput import Topics, quota, unbounded
from bench.sizes import QUICK, WHOLE, Sizes
from bench.stage import Stage, open_stage
from bench.streams import SEED

RESULTS = Path(__file__).parent / "results"
PAGE = system.ROOT / "docs" / "performance.md"
IMAGES = system.ROOT / "docs" / "images"
COMPARED = "compare"
BACKLOG = 5_000_000  # of the scenario alone; ``all`` takes fewer, see sizes.py

Rows = list[dict[str, Any]]
Scenario = Callable[[Stage, Topics, Sizes, int], Rows]
# In the order of ``all``: what is shared (a filled topic) is made by the first.
SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "unbounded": lambda stage, topics, sizes, _: unbounded(stage, topics, sizes),
        "quota": lambda stage, topics, sizes, _: quota(stage, topics, sizes),
        "start": lambda stage, topics, sizes, _: start_up(stage, _filled(topics, "long"), sizes),
        "light": lambda stage, _, sizes, seed: light(stage, seed, sizes),
        "replicas": lambda stage, topics, sizes, seed: replicas(stage, seed, 3 * topics.records // 2, sizes),
        "backlog": lambda stage, _, sizes, seed: backlog(stage, seed, sizes.backlog),
        "formats": lambda stage, topics, sizes, seed: formats(stage, seed, topics.records, sizes),
        "decoding": lambda _, __, sizes, seed: decode_costs(sizes, seed),
    }
)


def _filled(topics: Topics, name: str) -> str:
    topics.fewest(name)
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    seeded = argparse.ArgumentParser(add_help=False)
    seeded.add_argument("--seed", type=int, default=SEED, help="of the streams (default: %(default)s)")
    played = argparse.ArgumentParser(add_help=False, parents=[seeded])
    played.add_argument("--mock", action="store_true", help="the embedded broker instead of Apache Kafka: no Java")
    sized = argparse.ArgumentParser(add_help=False, parents=[played])
    sized.add_argument("--quick", action="store_true", help="small runs: they show that it works, not how fast")
    for name in ("all", *SCENARIOS):
        scenario = commands.add_parser(name, parents=[sized], allow_abbrev=False)
        scenario.add_argument("--name", help="of the results file; all, or quick, unless told otherwise")
        if name == "backlog":
            scenario.add_argument("records", nargs="?", type=int, help=f"{BACKLOG} unless told otherwise")
    beside = commands.add_parser("compare", parents=[sized], allow_abbrev=False)
    beside.add_argument("other", help="a folder with .venv, an interpreter, or an installed putevents")
    beside.add_argument("scenarios", nargs="*", help=f"of {', '.join(TRIALS)}; all of them unless told otherwise")
    beside.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each (default: %(default)s)")
    beside.add_argument("--write", metavar="NAME", help="keep the result as bench/results/NAME.json")
    report = commands.add_parser("report", allow_abbrev=False)
    report.add_argument("name", nargs="?", default="all", help="of the results (default: %(default)s)")
    report.add_argument("--write", action="store_true", help="into docs/performance.md and docs/images")
    commands.add_parser("profile", parents=[played], allow_abbrev=False)
    commands.add_parser("costs", parents=[seeded], allow_abbrev=False)
    return parser


def _compare(options: argparse.Namespace) -> int:
    sizes = QUICK if options.quick else WHOLE
    unknown = [name for name in options.scenarios if name not in TRIALS]
    if unknown or options.rounds < 1:
        found = f"the scenario {unknown[0]}" if unknown else f"{options.rounds} rounds"
        sys.stderr.write(f"expected one round or more, of {', '.join(TRIALS)}; found {found}\n")
        return 2
    # Each side finds its connector by itself; from here, an installed one would be hidden behind that of this path.
    os.environ.pop("PYTHONPATH", None)
    try:
        result = compare(options.other, options.scenarios, options.rounds, sizes, options.seed, mock=options.mock)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.write:
        _save(RESULTS / f"{options.write}.json", COMPARED, result)
    sys.stdout.write(_text(COMPARED, result))
    return 1 if result["failed"] else 0


def _text(name: str, result: Mapping[str, Any]) -> str:
    if name == COMPARED:
        return f"## {name}\n\n{ratios.render(result)}\n{tables.caption(result)}\n"
    return f"## {name}\n\n{tables.render(name, result)}\n"


def _measure(options: argparse.Namespace) -> int:
    sizes = QUICK if options.quick else WHOLE
    if options.what == "backlog":
        sizes = sizes._replace(backlog=options.records or (sizes.backlog if options.quick else BACKLOG))
    names = list(SCENARIOS) if options.what == "all" else [options.what]
    path = RESULTS / f"{options.name or ('quick' if options.quick else 'all')}.json"
    failed = 0
    with open_stage(mock=options.mock) as stage:
        topics = Topics(stage, sizes.records, options.seed)
        for name in names:
            began, machine = time.monotonic(), system.machine()
            try:
                rows = SCENARIOS[name](stage, topics, sizes, options.seed)
            except (AssertionError, RuntimeError, ValueError) as error:
                # One that fails must not cost the others their time.
                sys.stderr.write(f"{name} failed: {error}\n")
                failed = 1
                continue
            result = {
                "machine": machine,
                "broker": stage.origin,
                "seed": options.seed,
                "sizes": sizes._asdict(),
                "seconds": time.monotonic() - began,
                "rows": rows,
            }
            _save(path, name, result)
            sys.stdout.write(f"## {name} ({result['seconds']:.0f} s)\n\n{tables.render(name, result)}\n")
            sys.stdout.flush()
    return failed


def _save(path: Path, name: str, result: Mapping[str, Any]) -> None:
    """At once, so that an interrupted run keeps what it has."""
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**results, name: result}, indent=1) + "\n")


def _report(options: argparse.Namespace) -> int:
    path = RESULTS / f"{options.name}.json"
    if not path.exists():
        sys.stderr.write(f"no results in {path}: run python -m bench all --name {options.name}\n")
        return 1
    results = json.loads(path.read_text())
    texts = {name: tables.render(name, results[name]) for name in SCENARIOS if name in results}
    for name in (*texts, COMPARED):
        if name in results:
            sys.stdout.write(_text(name, results[name]))
    if options.write:
        from bench import plots  # noqa: PLC0415  # matplotlib is for this alone

        page = PAGE.read_text()
        PAGE.write_text(tables.fill_in(page, texts))
        for name in texts:
            if tables.place(name) not in page:
                sys.stderr.write(f"no place for {name} in {PAGE.name}: {tables.place(name)}...{tables.END}\n")
        for name in texts:
            plots.draw(name, results[name]["rows"], IMAGES)
    return 0


def main() -> int:
    """Do what was asked for; the exit code."""
    options = _parser().parse_args()
    # Every way to stop it is an exception, so that each process that it started is ended.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    if options.what == "report":
        return _report(options)
    if options.what == COMPARED:
        return _compare(options)
    if options.what == "costs":
        return print_costs(options.seed)
    if options.what == "profile":
        return print_profile(options.seed, mock=options.mock)
    return _measure(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
