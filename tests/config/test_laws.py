"""No text makes loading raise, and what it says always points into the file."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core.core_schema import ErrorType

from connector.config import Loaded, load_text, print_config, render
from connector.config.paths import file_path
from connector.config.problems import Problem
from connector.config.wording import _ROWS, type_word
from tests.support.config_files import ENV, EXAMPLE, build, judge_problems
from tests.support.examples import examples

SECRET = "hunter2-Zx9"
AUTH = f"auth: {{type: plain, username: u, password: {SECRET}}}"
GOOD = EXAMPLE.replace("auth: {type: none} ", AUTH)
_PIECES = [
    "", " ", "  ", "\n", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#",
    "&a ", "*a", "<<: ", "!!str ", "|\n", "~", "null", "1", "-1",
    "1e999", "true", "x", "{env: X}", "{file: /nope}", "{const: 1}", "{from: value.a, lookup: {a: 1}}",
    "{template: '{{'}", "\t",
    "{case: [{else: a}]}", "^(", "^a{99999999999}", "value[", "name: x\n", "kafka:", "\u2028",
    "\x00", "é", "9" * 500, "{type: oidc}",
]  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The good file with a few stretches of it replaced, doubled or moved."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 30)))
        piece = draw(st.sampled_from([*_PIECES, text[start:stop] * 2]))
        text = text[:start] + piece + text[stop:]
    return text


@st.composite
def line_mutations(draw: st.DrawFn) -> str:
    """The good file with the values of a few keys replaced: mostly YAML still, mostly wrong."""
    lines = GOOD.splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[at].partition(":")
        lines[at] = f"{key}{colon} {draw(st.sampled_from(_PIECES))}"
        if draw(st.booleans()):
            del lines[draw(st.integers(0, len(lines) - 1))]
    return "\n".join(lines)


def check(text: str) -> None:
    result = load_text(text, "file.yaml", ENV)
    if isinstance(result, Loaded):
        assert SECRET not in print_config(result.config)
        assert SECRET not in repr(result)
        return
    judge_problems(result, text)
    for problem in result:
        assert problem.code == problem.code.lower().replace("_", "-")
    render(result, "text")
    render(result, "json")
    render(result, "github")


@given(st.text())
def test_no_text_makes_loading_raise(text: str) -> None:
    check(text)


@settings(max_examples=examples(150), deadline=None)
@given(mutations())
def test_no_mutation_makes_loading_raise(text: str) -> None:
    check(text)


@settings(max_examples=examples(150), deadline=None)
@given(line_mutations())
def test_no_wrong_value_makes_loading_raise(text: str) -> None:
    check(text)


def said(problems: list[Problem]) -> str:
    return "".join(render(problems, kind) for kind in ("text", "json", "github")) + repr(problems)


KAFKA = "kafka:\n  bootstrap_servers: b:1\n  group_id: g"
BLOCK = f"auth:\n    type: plain\n    username: u\n    password: {SECRET}"


@pytest.mark.parametrize("auth", [AUTH, BLOCK], ids=["flow", "block"])
def test_no_typo_before_a_secret_shows_it(auth: str) -> None:
    """Exhaustive where it counts: any character between ``auth`` and the secret lost, doubled, or replaced."""
    good = build(kafka=f"{KAFKA}\n  {auth}")
    start = good.index("auth:")
    for at in range(start, good.index(SECRET)):
        for piece in ("", good[at] * 2, "x", ":", "{", "'", " ", "\n"):
            result = load_text(good[:at] + piece + good[at + 1 :], "file.yaml", ENV)
            if isinstance(result, list):
                assert SECRET not in said(result), (at - start, piece)


def test_every_kind_of_error_that_our_models_can_have_is_in_our_words() -> None:
    """What random documents provoke is in the table; what pydantic lists beyond it has nothing to do with us."""
    assert set(_ROWS) - {"field_spec", "output"} <= set(get_args(ErrorType))
    chance = random.Random(7)
    for _ in range(examples(400)):
        lines = GOOD.splitlines()
        for at in chance.sample(range(len(lines)), 3):
            key, colon, _ = lines[at].partition(":")
            lines[at] = f"{key}{colon} {chance.choice(_PIECES)}"
        result = load_text("\n".join(lines), "file.yaml", ENV)
        for problem in result if isinstance(result, list) else ():
            assert "Input should" not in problem.message
            assert "Extra inputs" not in problem.message
            assert problem.message[0].islower()


def test_locations_lose_the_names_of_union_members() -> None:
    data: dict[str, Any] = {"a": {"from": "x", "otherwise": "y"}, "p": {"const": 5, "list": [1]}}
    assert file_path(("a", "from", "from"), data) == ("a", "from")
    assert file_path(("a", "from", "otherwise", "literal['x']"), data) == ("a", "otherwise")
    assert file_path(("a", "from", "as"), data, "missing") == ("a", "as")
    assert file_path(("p", "dict[str,int]", "const", "int"), data) == ("p", "const")
    assert file_path(("p", "list", 0), data) == ("p", "list", 0)
    assert file_path(("p", "list", 7), data) == ("p", "list")
    assert file_path((), data) == ()


def test_kinds_of_values_have_names() -> None:
    values: list[Any] = [None, True, 1, 1.5, "a", [1], {"a": 1}, [], {}]
    words = [type_word(value) for value in values]
    assert words[:3] == ["null", "a boolean", "a number"]
    assert words[3:5] == ["a number with a decimal point", "text"]
    assert words[5:] == ["a list", "a mapping", "an empty list", "an empty mapping"]
