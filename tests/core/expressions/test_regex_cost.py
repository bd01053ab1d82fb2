"""What is accepted takes no time to speak of on any text; what takes hours on some text is refused."""

import contextlib
import re
import subprocess
import sys
import time
import warnings
from functools import cache
from itertools import count
from math import isqrt

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connector.core.expressions import regex_automaton as automaton
from connector.core.expressions.expression import EvaluationError, ExpressionError, compile_expression
from connector.core.expressions.regex_automaton import MAX_POSITIONS, TooComplex
from connector.core.expressions.regex_cost import MAX_TOGETHER, backtracking_cost
from connector.core.expressions.searching import MAX_SEARCH, MAX_SEARCHED, MAX_WAYS
from connector.core.mapping.rules import MAX_ELEMENTS, CompiledRules, compile_pipeline
from connector.core.mapping.scope import RECORD_NAMES
from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Reason, Rejection
from tests.support.examples import examples

# Each has stalled somebody, or is the smallest of its kind.
EXPONENTIAL = (
    r"(a+)+$", r"(a*)*b", r"(a|aa)+$", r"(a|a)*b", r"([a-zA-Z]+)*$", r"(.*a){20}$", r"(a|a?)+$", r"^(\w+\s?)*$",
    r"(x+x+)+y", r"(?:a?b?)*c", r"(\s*)+x", r"((a+)b?)+$", r"(?:a|b|ab)*c", r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^(([a-zA-Z0-9])([-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+$", r"(?i)(k|\u212ax?)+$", r"(?:\d|\wx?)+y",
    r"(?s:.|\n)+x", r"(?:[^a]|[^b])+c", r"((?:\S|\w)*,)*$", r"(a{1,5}){1,40}b", r"(?=(a+)+b)c", r"(é|[^a])+z",
    r"(?>(a+)+)b", r"(?:(\w+)=(\w*)(?:&|$))*z",
)  # fmt: skip
POWERS = (
    r".*foo.*bar", r"^(.*?)foo(.*?)bar(.*)$", r"(a*)(a*)(a*)(a*)b", r"\s+\s+$", r"^.*a.*a.*b$", r"\w+\d+\w+x",
    r"a*?a*?b", r"(?=a*b)a*a*c", r"^(.*),(.*),(.*);$", r"(a*)(?:b\1|a)*c", r"x*(?:ab)*(?:ab)*c",
)  # fmt: skip
SQUARES = (
    r"\s+$", r"(\w+)@(\w+)\.com", r"^.*foo.*bar", r"a*b", r"[^\W\d]+\d", r"(\d+)\.(\d+)\.(\d+)\.(\d+)", r"(a++)+b",
    r"(?>a+)+b", r"a*+a*+b", r"^\s+|\s+$", r"a++$", r"(a)\1",
)  # fmt: skip
QUICK = (
    r"/product/(\d+)", r"(bot|crawler|spider)", r"\d+", r"/([^/]+)/([^/]+)/(\d+)", r"(?i)id=([^&#]*)", r"^\w+$",
    r"[?&]id=([^&]*)", r"https?://([^/?#]+)([^?#]*)\??([^#]*)", r"^([a-z0-9]+(?:-[a-z0-9]+)*)$", r"^$", r"",
    r"(\d{4})-(\d{2})-(\d{2})", r"^[\w.+-]+@[\w-]+\.[\w.-]+$", r"product[-_/]?(\d+)", r".*", r"(?P<sku>[A-Z]{3}-\d+)",
    r"^(?:(?:[a-z]+)\.)+com$", r"(?<=sku=)\w+", r"^/(?:de|fr|en)/(?P<kind>[^/]+)/(?P<id>\d+)(?:[/?#]|$)",
    r"([0-9a-f]{8})-([0-9a-f]{4})", r"(?!x)\d", r"(a)?(?(1)b|c)", r"(?x) id = (\d+) # the id",
)  # fmt: skip


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_a_pattern_that_a_short_text_stalls_is_refused(pattern: str) -> None:
    with contextlib.suppress(TooComplex):
        assert backtracking_cost(pattern).degree is None
    with pytest.raises(ExpressionError, match=r"regex_extract\(\) expected a ") as caught:
        compiled(pattern)
    assert caught.value.code == "bad_argument"


@pytest.mark.parametrize("pattern", POWERS)
def test_a_pattern_that_a_long_text_stalls_is_refused(pattern: str) -> None:
    assert (backtracking_cost(pattern).degree or 2) >= 2
    with pytest.raises(ExpressionError, match="expected a pattern") as caught:
        compiled(pattern)
    assert caught.value.hint is not None


@pytest.mark.parametrize("pattern", SQUARES)
def test_a_pattern_whose_search_takes_the_square_searches_as_many_characters_as_the_steps_allow(pattern: str) -> None:
    degree, ways = backtracking_cost(pattern)
    assert degree == 1
    longest = next(length for length in count(1) if ways * (length + 1) ** 2 / 2 > MAX_SEARCH)
    expression = compiled(pattern)
    expression.evaluate({"value": "c" * longest})
    with pytest.raises(EvaluationError, match=f"at most {longest} characters for its pattern"):
        expression.evaluate({"value": "c" * (longest + 1)})


def test_a_pattern_of_many_ways_searches_fewer_characters() -> None:
    degree, ways = backtracking_cost("a?" * 9 + "a")
    assert degree == 0
    assert ways * MAX_SEARCHED > MAX_SEARCH
    with pytest.raises(EvaluationError, match=f"at most {MAX_SEARCH // ways} characters for its pattern"):
        compiled("a?" * 9 + "a").evaluate({"value": "b" * (MAX_SEARCH // ways + 1)})


@pytest.mark.parametrize(
    ("pattern", "text"), [("[^/]+$", "a" * 446 + "/"), (r"\s+$", " " * 446 + "x"), (r"[^\W\d]+\d", "\u0101" * 447)]
)
def test_a_record_that_searches_once_for_each_of_its_elements_is_refused_soon(pattern: str, text: str) -> None:
    """Once: the loop stood still for 41 minutes."""
    assert len(text) == isqrt(2 * MAX_SEARCH // backtracking_cost(pattern).ways)  # as long as it may be
    rule = {
        "name": "r",
        "for_each": "value",
        "put_events": {
            "sessionId": f"regex_extract(item, '{pattern}') || 's'",
            "eventType": {"const": "View"},
            "sentAt": "timestamp",
        },
    }
    mapping = compile_pipeline(PipelineSpec.model_validate({"name": "p", "topics": ["t"], "rules": [rule]}))
    assert isinstance(mapping, CompiledRules)
    root = dict.fromkeys(RECORD_NAMES) | {
        "value": [text] * MAX_ELEMENTS,
        "topic": "t",
        "partition": 0,
        "offset": 0,
        "timestamp": 1_795_509_011_000,
    }
    began = time.thread_time()
    fate = mapping(root)
    assert time.thread_time() - began < 2
    assert isinstance(fate, Rejection)
    assert fate.reason is Reason.TOO_COMPLEX


@pytest.mark.parametrize("pattern", QUICK)
def test_a_pattern_of_everyday_use_is_accepted_at_full_length(pattern: str) -> None:
    assert backtracking_cost(pattern).degree == 0
    compiled(pattern).evaluate({"value": "a" * MAX_SEARCHED})


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a?" * 12 + "a" * 12, "fewer optional parts"),
        ("(a?){30}b", "may be empty, again and again"),
        ("a" * (MAX_POSITIONS + 1), "characters and classes"),
        (f"(?:{'ab' * MAX_TOGETHER})*c", "characters and classes"),
    ],
)
def test_a_pattern_of_which_nothing_can_be_said_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        compiled(pattern)


def test_two_loops_that_work_together_in_too_many_ways_are_refused_soon() -> None:
    long = "".join(f"[^{chr(200 + number)}]" for number in range(100))
    began = time.thread_time()
    with pytest.raises(ExpressionError):
        compiled(f"(?:{long})*(?:{long}a)*(?:{long})*b")
    assert time.thread_time() - began < 10


def test_what_the_parser_may_come_to_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.core.expressions.regex_automaton._PARTS", {})
    with pytest.raises(TooComplex, match="subpattern is not known here"):
        backtracking_cost("(a)")
    with pytest.raises(TooComplex, match="difference is not known here"):
        automaton._class("IN", [("DIFFERENCE", None)], 0)


def test_a_python_that_has_moved_its_parser_refuses_patterns_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("re._parser")
    monkeypatch.setitem(sys.modules, "re._parser", None)
    with pytest.raises(ExpressionError, match="this version of Python does not show how it reads patterns") as caught:
        compile_expression(r"regex_extract(value, 'moved/(\d+)')")
    assert caught.value.code == "bad_argument"
    assert compile_expression("upper(value)").evaluate({"value": "a"}) == "A"
    program = "import re, sys; del re._parser; sys.modules['re._parser'] = None; import connector.cli"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_ways_are_counted_and_bounded() -> None:
    assert backtracking_cost("^a?a?aab").ways == 4
    assert backtracking_cost("a?" * 9 + "a").ways <= MAX_WAYS < backtracking_cost("a?" * 12 + "a").ways


@cache
def compiled(pattern: str):  # type: ignore[no-untyped-def]  # noqa: ANN201  the expression's type is its own matter
    quoted = pattern.replace("'", r"\'")
    return compile_expression(f"regex_extract(value, '{quoted}')")


# -- the law ----------------------------------------------------------------------------------------------------

_ATOMS = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", ".", r"\w", "aa", "ab", "", "^", "$", r"\b", "a*", "b+", "a*+", "[ab]*?"]
)
_REPEATS = st.sampled_from(
    ["*", "+", "?", "*?", "+?", "??", "*+", "++", "{2}", "{2,3}", "{0,4}", "{1,}", "{3,}?", "{2,}+"]
)
_AROUND = st.sampled_from(["({})", "(?:{})", "(?>{})", "(?={})", "(?!{})", "(?i:{})", "(?s:{})"])
PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("(?:{0[0]}|{0[1]})".format)
        | st.tuples(inner, _REPEATS).map("(?:{0[0]}){0[1]}".format)
        | st.tuples(_AROUND, inner).map(lambda pair: pair[0].format(pair[1]))
    ),
    max_leaves=8,
)
_WORDS = ("a", "b", "ab", "aab", "abb", "ba", "aba")
_LENGTHS = (20, 30, 60, 150, 400)
SECONDS_A_STEP = 5e-7  # several times what it takes


@settings(deadline=None, max_examples=examples(300), suppress_health_check=list(HealthCheck))
@given(PATTERNS, st.sampled_from(["", "c", "\n"]), st.sampled_from(["", "b", "a"]))
def test_no_pattern_that_is_accepted_takes_longer_than_it_was_said_to(pattern: str, end: str, start: str) -> None:
    check(pattern, start, end)


def check(pattern: str, start: str, end: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            engine = re.compile(pattern)
        degree, ways = backtracking_cost(pattern)
    except (re.error, TooComplex):
        assume(False)
        raise AssertionError from None
    assume(degree is not None and degree <= 1)
    assert degree is not None
    for length in _LENGTHS:
        allowed = 0.05 + SECONDS_A_STEP * max(1, len(pattern)) * ways * length ** (degree + 1)
        for word in _WORDS:
            text = start + word * (length // len(word)) + end
            began = time.thread_time()
            engine.search(text)
            spent = time.thread_time() - began
            assert spent < allowed, f"{pattern!r}: {spent:.2f} s for {length} characters"
