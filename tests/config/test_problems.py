import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config import Problem, render
from connector.config.problems import printable, suggest_or_list
from connector.core.words import suggest
from tests.support.config_files import build, only

LINGR = Problem(
    "unknown-key", "expected a key of delivery, not lingr", "c.yaml", 12, 3, "  lingr: 1s", 2, 5, "did you mean linger?"
)


def test_text_shows_the_line_with_a_caret_under_the_mistake() -> None:
    assert render([LINGR]).splitlines() == [
        "c.yaml:12:3: expected a key of delivery, not lingr [unknown-key]",
        "  12 |   lingr: 1s",
        "     |   ^^^^^ did you mean linger?",
    ]


def test_text_of_a_problem_without_a_line_is_its_message() -> None:
    problem = Problem("empty-file", "expected a configuration", "c.yaml", 1, 1, hint="putevents init writes one")
    assert render([problem, LINGR]).splitlines()[:2] == [
        "c.yaml:1:1: expected a configuration [empty-file]",
        "  putevents init writes one",
    ]


def test_carets_stand_below_wide_and_combining_characters() -> None:
    problem = LINGR._replace(source_line="北e\u0301 x", caret=4, length=1)
    source, carets = render([problem]).splitlines()[1:]
    assert source.endswith("| 北e\u0301 x")
    assert carets.startswith("     |     ^ ")  # two columns, one, none, and the space


def test_nothing_in_a_file_can_move_the_terminal() -> None:
    problem = LINGR._replace(source_line="a\x1b[2J\tb", file="c\x1b.yaml", caret=6, length=1)
    text = render([problem])
    assert "\x1b" not in text
    assert "\t" not in text


def test_json_is_an_array_of_every_member() -> None:
    assert json.loads(render([], "json")) == []
    assert json.loads(render([LINGR], "json")) == [LINGR._asdict()]


def test_github_annotates_the_line() -> None:
    assert render([LINGR], "github") == (
        "::error file=c.yaml,line=12,col=3,endColumn=7,title=unknown-key"
        "::expected a key of delivery, not lingr (did you mean linger?)"
    )


def test_github_gets_its_own_syntax_escaped() -> None:
    problem = LINGR._replace(file="a,b:c%.yaml", message="one\ntwo%", hint=None)
    assert render([problem], "github") == (
        "::error file=a%2Cb%3Ac%25.yaml,line=12,col=3,endColumn=7,title=unknown-key::one%0Atwo%25"
    )


@pytest.mark.parametrize(("word", "suggestion"), [("lingr", "did you mean linger?"), ("xyz", None), ("", None)])
def test_suggestions_are_near_misses(word: str, suggestion: str | None) -> None:
    assert suggest(word, ["linger", "retry"]) == suggestion


def test_without_a_near_miss_few_choices_are_listed_and_many_are_not() -> None:
    assert suggest_or_list("x", ["linger", "retry"], "keys") == "keys: linger, retry"
    assert suggest_or_list("x", [f"key{n}" for n in range(20)], "keys") is None
    assert suggest_or_list("x", [], "keys") is None


def test_long_keys_are_cut_and_control_characters_replaced() -> None:
    assert printable("a" * 100) == "a" * 59 + "…"
    assert printable("a\nb\x1b") == "a b�"


def test_a_long_key_does_not_flood_the_message() -> None:
    assert only(build(log=f"log: {{{'k' * 500}: 1}}")).message == "expected a key of log, not this one"


@given(
    st.builds(
        Problem,
        st.just("c"),
        st.text(),
        st.text(),
        st.integers(1, 99),
        st.integers(1, 99),
        st.text(),
        st.integers(0, 20),
        st.integers(0, 20),
        st.none() | st.text(),
    )
)
def test_any_problem_can_be_rendered(problem: Problem) -> None:
    assert render([problem], "github").count("\n") == 0
    assert len(json.loads(render([problem], "json"))) == 1
    assert problem.message in render([problem], "text")
