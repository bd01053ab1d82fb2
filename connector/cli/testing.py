"""``putevents test``: the tests of files, run without Kafka and without AWS."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from connector.config import Problem, render
from connector.exits import Exit
from connector.streams import say
from connector.styles import is_coloured
from connector.trials.cases import Suite, configurations, suites
from connector.trials.coverage import Coverage, coverage_of, together
from connector.trials.programs import as_json, as_junit
from connector.trials.running import Ran, run
from connector.trials.text import Report
from connector.trials.updating import Updated, updates

EXAMPLE = """\
example:
  putevents test clicks.yaml                      the tests of the file, and of clicks_test.yaml beside it
  putevents test clicks.yaml -k order --coverage  those with "order" in the name, and what they leave out
  putevents test README.md                        the tests in its ```yaml blocks that are whole files
  putevents test clicks.yaml --update             what was found becomes what is expected: read the difference
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, which of their tests, and what to say of them."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    parser.add_argument("configs", metavar="CONFIG", nargs="+", help="configurations: YAML files, or pages of Markdown")
    parser.add_argument("-k", metavar="NAME", default="", help="only tests whose name contains this text")
    parser.add_argument("--update", action="store_true", help="write what was found in the place of what was expected")
    parser.add_argument("--coverage", action="store_true", help="list the parts of the mapping that no test uses")
    parser.add_argument("--min-coverage", metavar="N", type=_percent, help="exit 1 if coverage is below N percent")
    parser.add_argument("--junit", metavar="FILE", help="also write the results as JUnit XML")
    parser.add_argument("--output", choices=("text", "json"), default="text", help="how results are shown")


def run_tests(arguments: argparse.Namespace) -> int:
    """0; 1 where a test fails or coverage is too low; 78 where a file is wrong."""
    collected, problems = _collected(arguments.configs)
    wanted = arguments.coverage or arguments.min_coverage is not None
    ran = [run(suite, pattern=arguments.k, traced=wanted) for suite in collected]
    problems += [problem for each in ran for problem in each.problems]
    if problems:
        _show_problems(problems, arguments.output)
        return Exit.BAD_FILE
    if arguments.update and not _update(ran):
        return Exit.NOT_OK
    if arguments.update and any(not result.passed for each in ran for result in each.results):
        return run_tests(argparse.Namespace(**{**vars(arguments), "update": False}))
    coverage = together([coverage_of(each) for each in ran]) if wanted else None
    return _report(arguments, ran, coverage)


def _percent(text: str) -> float:
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError("expected a number from 0 to 100")
    return number


def _collected(paths: Sequence[str]) -> tuple[list[Suite], list[Problem]]:
    collected: list[Suite] = []
    problems: list[Problem] = []
    for found in (found for path in configurations(paths) for found in suites(path, os.environ)):
        if isinstance(found, Suite):
            collected.append(found)
            warnings = [each for each in found.loaded.warnings if each.severity == "warning"]
            say(f"{render(warnings)}\n\n" if warnings else "")
        else:
            problems += found
    return collected, problems


def _show_problems(problems: Sequence[Problem], output: str) -> None:
    unique = list(dict.fromkeys(problems))  # a file of tests may be beside several configurations
    if output == "json":
        sys.stdout.write(json.dumps({"problems": [problem._asdict() for problem in unique]}, indent=2) + "\n")
        return
    count = f"{len(unique)} problem{'' if len(unique) == 1 else 's'}"
    say(f"{render(unique)}\n\n{count}: no test was run\n")


def _update(ran: Sequence[Ran]) -> bool:
    """Write the files; False where a test cannot be updated, or a file not be written."""
    found = [each for one in ran for each in updates(one)]
    # From the last to the first, so that the blocks of a page still stand where they were read.
    written = [_write(each) for each in reversed(found)][::-1]
    for updated, fine in zip(found, written, strict=True):
        for result, why in updated.refused:
            say(f"{updated.path}:{result.case.line}: cannot update {result.case.test.name}: {why}; change it by hand\n")
        for result in updated.updated if fine else ():
            gone = "; comments inside of what was expected are gone" if result in updated.uncommented else ""
            say(f"updated {updated.path}: {result.case.test.name}{gone}\n")
    return all(written) and not any(each.refused for each in found)


def _write(updated: Updated) -> bool:
    if not updated.updated:
        return True
    try:
        updated.write()
    except OSError as error:
        say(f"{updated.path}: expected a file that can be written: {str(error.strerror).lower()}\n")
        return False
    return True


def _report(arguments: argparse.Namespace, ran: Sequence[Ran], coverage: Coverage | None) -> int:
    results = [result for each in ran for result in each.results]
    if arguments.junit is not None and not _write_junit(arguments.junit, as_junit(results)):
        return Exit.NOT_OK
    failed = sum(not result.passed for result in results)
    if arguments.output == "json":
        sys.stdout.write(json.dumps(as_json(results, coverage), indent=2, ensure_ascii=False) + "\n")
    else:
        _write_text(ran, coverage)
    if not results:
        say(f"expected a test {_where(arguments.k, ran)}: there is none\n")
        return Exit.NOT_OK
    low = coverage is not None and arguments.min_coverage is not None and coverage.percent < arguments.min_coverage
    if low:
        say(f"expected a coverage of at least {arguments.min_coverage:g} %\n")
    return Exit.NOT_OK if failed or low else Exit.OK


def _where(pattern: str, ran: Sequence[Ran]) -> str:
    if not ran:
        return "in the ```yaml blocks that are whole files (with the key pipelines)"
    return f"whose name contains {pattern!r}" if pattern else "in the files, under the key tests"


def _write_text(ran: Sequence[Ran], coverage: Coverage | None) -> None:
    report = Report(colour=is_coloured(sys.stdout))
    results = [result for each in ran for result in each.results]
    failed = [result for result in results if not result.passed]
    parts = [report.failed(result) for result in failed]
    if coverage is not None:
        parts.append(report.coverage(coverage))
    parts.append(report.summary(len(results) - len(failed), len(failed)))
    sys.stdout.write("\n".join(parts) + "\n")
    say(report.conditions(results))


def _write_junit(path: str, content: bytes) -> bool:
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        say(f"{path}: expected a file that can be written: {why}\n")
        return False
    return True
