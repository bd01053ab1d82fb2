"""The report for programs: JSON, and JUnit's XML, which CI systems show beside a change."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET  # only writes here

from connector.trials.comparing import ABSENT, Block
from connector.trials.coverage import Coverage
from connector.trials.outcomes import Outcome
from connector.trials.running import Result
from connector.trials.text import Report
from connector.trials.values import as_output

Json = dict[str, Any]
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


def as_json(results: Sequence[Result], coverage: Coverage | None) -> Json:
    """The whole report as data."""
    passed = sum(result.passed for result in results)
    report: Json = {"passed": passed, "failed": len(results) - passed, "tests": [_test(result) for result in results]}
    if coverage is not None:
        missed = [each._asdict() for each in coverage.missed]
        report["coverage"] = {
            "percent": coverage.percent,
            "used": coverage.used,
            "all": coverage.all,
            "not_covered": missed,
        }
    return report


def _test(result: Result) -> Json:
    case = result.case
    return {
        "file": str(case.source.path),
        "line": case.line,
        "name": case.test.name,
        "pipeline": case.test.pipeline,
        "passed": result.passed,
        "records": [_record(*each) for each in zip(result.outcomes, _padded(result), strict=True)],
    }


def _padded(result: Result) -> list[Sequence[Block]]:
    """The blocks of each record, of which there may be more than expected outputs."""
    return [*result.blocks, *([()] * len(result.outcomes))][: len(result.outcomes)]


def _record(outcome: Outcome, blocks: Sequence[Block]) -> Json:
    record: Json = {"outcome": outcome.kind, "rule": outcome.rule, "found": as_output(outcome)}
    if outcome.rejection is not None:
        record["message"] = outcome.rejection.message
    if outcome.failed:
        record["failed_conditions"] = [rule for _, rule in outcome.failed]
    record["differences"] = [
        {"part": block.title, "member": row.name, **_side("expected", row.expected), **_side("found", row.found)}
        for block in blocks
        for row in block.rows
        if not row.same
    ]
    return record


def _side(name: str, value: Any) -> Json:
    return {} if value is ABSENT else {name: value}


def as_junit(results: Iterable[Result]) -> bytes:
    """One suite a file, one case a test."""
    report = Report(colour=False)
    root = ET.Element("testsuites", name="putevents test")
    suites: dict[str, ET.Element] = {}
    for result in results:
        name = _fit(str(result.case.source.path))
        suite = suites.get(name)
        if suite is None:
            suite = suites[name] = ET.SubElement(root, "testsuite", name=name, tests="0", failures="0")
        _count(suite, "tests")
        case = ET.SubElement(
            suite,
            "testcase",
            name=_fit(result.case.test.name),
            classname=_fit(result.case.test.pipeline),
            file=name,
            line=str(result.case.line),
        )
        if not result.passed:
            _count(suite, "failures")
            failure = ET.SubElement(case, "failure", message="the result is not the expected one")
            failure.text = _fit(report.failed(result))
    ET.indent(root)
    whole: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _count(suite: ET.Element, name: str) -> None:
    suite.set(name, str(int(suite.get(name, "0")) + 1))


def _fit(text: str) -> str:
    return _UNFIT.sub("�", text)
