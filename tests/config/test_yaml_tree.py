import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config.yaml_scalars import scalar
from connector.config.yaml_tree import MAX_NODES, Span, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"),
        ("null", None), ("~", None), ("", None), ("none", "none"),
        ("12", 12), ("-7", -7), ("007", 7), ("0x1F", 31), ("0o17", 15), ("1_000", "1_000"), ("1:30", "1:30"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.", 1.0), ("2026-11-24", "2026-11-24"), ("=", "="), ("-", "-"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)
    if text != "-":  # alone it begins a list
        assert parse(f"a: {text}").data == {"a": value}


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 401])
def test_numbers_that_no_setting_takes_are_faults(text: str) -> None:
    tree = parse(f"a: {text}")
    assert [fault.code for fault in tree.faults] == ["bad-number"]
    with pytest.raises(ValueError, match=r"."):
        scalar(text)


def test_quoted_scalars_are_text() -> None:
    assert parse("a: \"1\"\nb: 'true'\nc: |\n  2\n").data == {"a": "1", "b": "true", "c": "2\n"}


def test_explicit_tags_of_the_core_are_taken_and_checked() -> None:
    assert parse("a: !!str 1\nb: !!int '2'").data == {"a": "1", "b": 2}
    assert [fault.code for fault in parse("a: !!int x").faults] == ["bad-number"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!binary", "!own", "!!set", "!!timestamp"])
def test_other_tags_are_faults(tag: str) -> None:
    assert [fault.code for fault in parse(f"a: {tag} x").faults] == ["unknown-tag"]


def test_keys_are_text_as_written() -> None:
    assert parse("1: a\ntrue: b\nnull: c\n0x1F: d").data == {"1": "a", "true": "b", "null": "c", "0x1F": "d"}


@pytest.mark.parametrize("text", ["? [a]\n: b", "? \n: b", "{a: b}: c", '"\\0": a'])
def test_keys_that_are_no_names_are_faults(text: str) -> None:
    assert [fault.code for fault in parse(text).faults] == ["bad-key"]


def test_every_duplicate_is_found_and_the_first_counts() -> None:
    tree = parse("a: 1\nb: {c: 1, c: 2}\na: 3")
    assert tree.data == {"a": 1, "b": {"c": 1}}
    assert [fault.span for fault in tree.faults] == [Span(1, 10, 1), Span(2, 0, 1)]


def test_places_are_those_of_key_and_value() -> None:
    places = parse("a:\n  - b: 'cd'\n").places
    assert places[("a",)].key == Span(0, 0, 1)
    assert places[("a", 0)].key is None
    assert places[("a", 0, "b")].key == Span(1, 4, 1)
    assert places[("a", 0, "b")].value == Span(1, 7, 4)


def test_aliases_are_copies_with_the_place_of_the_anchor() -> None:
    tree = parse("a: &x {k: 1}\nb: *x\n")
    assert tree.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert tree.places[("b", "k")].value == Span(0, 10, 1)


def test_merged_keys_give_way_to_own_ones() -> None:
    text = "a: &x {k: 1, l: 1}\nb: &y {l: 2, m: 2}\nc: {<<: *x, k: 3}\nd: {<<: [*x, *y]}\ne: {'<<': 1}"
    data = parse(text).data
    assert data["c"] == {"k": 3, "l": 1}
    assert data["d"] == {"k": 1, "l": 1, "m": 2}
    assert data["e"] == {"<<": 1}


@pytest.mark.parametrize(
    "text", ["a: {<<: 1}", "a: {<<: [1]}", "a: &x {<<: {b: 1}}\nc: {<<: *x}", "a: &a {<<: *a, b: 1}"]
)
def test_merges_of_anything_but_plain_mappings_are_faults(text: str) -> None:
    assert {fault.code for fault in parse(text).faults} == {"bad-merge"}


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: [1, *a]}", "&a {x: *a}"])
def test_an_alias_of_what_contains_it_is_a_fault(text: str) -> None:
    assert [fault.code for fault in parse(text).faults] == ["recursive-alias"]


def test_aliases_that_multiply_are_cut_off_soon() -> None:
    names = "abcdefghij"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(names)
    )
    started = time.process_time()
    tree = parse(bomb)
    assert [fault.code for fault in tree.faults] == ["too-large"]
    assert len(tree.places) <= MAX_NODES * 2
    assert time.process_time() - started < 20


def test_aliases_that_nest_are_cut_off_before_the_stack_ends() -> None:
    chain = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 500))
    assert {fault.code for fault in parse(chain).faults} == {"too-large"}


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n---\na", "\x00", "\ud800", "a: b\x85 c: d: e"]
)
def test_what_the_parser_trips_over_is_a_fault_too(text: str) -> None:
    tree = parse(text)
    assert [fault.code for fault in tree.faults] == ["bad-yaml"]
    assert tree.places == {}


_SOUP = st.lists(
    st.sampled_from([
        "a", "b", ": ", ":", "- ", "\n", "\n  ", "\n\t", "{", "}", "[", "]", ",", "'", '"',
        "&x ", "*x", "<<", "!!int ", "!t ",
        "|", ">", "#", "---\n", "...", "%", "? ", "\\", "\\U", "\\x", "~", "1", ".5", ".nan", "0x", "\r",
        "\x85", "\ufeff", "é",
    ]),
    max_size=30,
).map("".join)  # fmt: skip


@given(_SOUP | st.text())
def test_no_text_makes_the_reader_raise(text: str) -> None:
    tree = parse(text)
    assert tree.places or tree.faults
    for fault in tree.faults:
        assert fault.message.startswith("expected")


@given(_SOUP)
def test_every_value_has_a_place(text: str) -> None:
    tree = parse(text)

    def check(value: object, path: tuple[str | int, ...]) -> None:
        assert path in tree.places
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            check(item, (*path, key))

    if tree.places:
        check(tree.data, ())
