"""Findings as text, as short text, as JSON, and what has changed."""

import json

import pytest

from connector.checks.finding import failed, ok, skipped, warning
from connector.checks.inspection import Section
from connector.checks.report import Look, as_json, changes, look_for, short, summary, text

MISSING = failed("missing-topic", "topic a does not exist", "create it")
FOUND = [
    Section(
        "topics", (ok("b has 2 partitions"), MISSING, warning("pattern-without-topic", "^c matches no topic", "do"))
    ),
    Section("calls a second", (skipped("skipped: needs topics"),)),
]


def test_text_has_a_mark_for_each_finding_its_code_and_the_remedy_below_it() -> None:
    assert text(FOUND[0], Look()) == (
        "topics\n"
        "√ b has 2 partitions\n"
        "\u00d7 topic a does not exist [missing-topic]\n"
        "    create it\n"
        "‼ ^c matches no topic [pattern-without-topic]\n"
        "    do\n\n"
    )


def test_marks_are_ascii_where_the_output_has_no_others() -> None:
    for encoding in ("ascii", "latin-1", "no-such-encoding", None):
        plain = text(FOUND[0], look_for(encoding, coloured=False))
        assert plain.isascii()
        assert "\nx topic a does not exist" in plain
    assert look_for("utf-8", coloured=False) == Look(signs=True, coloured=False)


def test_colours_are_there_only_if_wanted() -> None:
    assert "\033" not in text(FOUND[0], Look())
    assert "\033[31m\u00d7\033[0m topic a" in text(FOUND[0], Look(coloured=True))


def test_short_has_only_what_is_wrong_with_its_category() -> None:
    lines = short(FOUND, Look()).splitlines()
    assert lines[0] == "\u00d7 topics: topic a does not exist [missing-topic]"
    assert len(lines) == 4
    assert short([Section("topics", (ok("b"), skipped("c")))], Look()) == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([Section("a", (ok("b"),))], "1 ok: a run can start\n"),
        ([Section("a", (ok("b"), FOUND[0].findings[2]))], "1 ok, 1 warning: a run can start\n"),
        (FOUND, "1 ok, 1 failed, 1 warning, 1 not known: a run cannot start; for more: putevents explain CODE\n"),
    ],
)
def test_the_last_line_counts_and_says_whether_a_run_can_start(found: list[Section], expected: str) -> None:
    assert summary(found) == expected


def test_json_has_every_finding_and_the_exit_code() -> None:
    report = json.loads(json.dumps(as_json("clicks.yaml", FOUND)))
    assert (report["config"], report["exit"], len(report["checks"])) == ("clicks.yaml", 69, 4)
    assert report["checks"][0] == {
        "category": "topics", "mark": "ok", "found": "b has 2 partitions", "code": None, "what_to_do": None,
    }  # fmt: skip
    assert report["checks"][1]["code"] == "missing-topic"
    assert [each["mark"] for each in report["checks"]] == ["ok", "failed", "warning", "skipped"]


def test_a_change_is_what_was_not_found_before_and_nothing_else() -> None:
    assert changes(FOUND, FOUND) == []
    mended = [Section("topics", (FOUND[0].findings[0], ok("a has 1 partition"))), FOUND[1]]
    assert changes(FOUND, mended) == [Section("topics", (ok("a has 1 partition"),))]
