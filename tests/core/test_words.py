"""Every message calls a type by the same word, and suggests in the same form."""

from typing import Any

import pytest

from connector.core.expressions.calling import EvaluationError
from connector.core.expressions.expression import compile_expression
from connector.core.mapping.reading import compile_reader
from connector.core.mapping.specs import ValueFormat
from connector.core.mapping.values import to_text
from connector.core.records import DataError, Record, Rejection
from connector.core.words import closest, plural, suggest, type_word


@pytest.mark.parametrize(
    ("value", "word", "several"),
    [
        (None, "null", "null"),
        (True, "a boolean", "booleans"),
        (1, "a number", "numbers"),
        (1.5, "a number", "numbers"),
        ("x", "text", "text"),
        ([], "a list", "lists"),
        ({}, "an object", "objects"),
        (b"", "bytes", "bytes"),
    ],
)
def test_a_type_has_one_word_and_one_for_several(value: Any, word: str, several: str) -> None:
    assert type_word(value) == word
    assert plural(word) == several


def test_a_list_is_a_list_to_the_decoder_to_a_member_and_to_a_function() -> None:
    decoded = compile_reader(ValueFormat())(Record("t", 0, 0, 0, None, b"[]"))
    assert isinstance(decoded, Rejection)
    assert ", not a list" in decoded.message
    with pytest.raises(DataError, match="not a list"):
        to_text([])
    with pytest.raises(EvaluationError, match="not a list"):
        compile_expression("lower(value)").evaluate({"value": []})


def test_a_suggestion_is_the_most_alike_choice() -> None:
    assert closest("lingr", ["ringer", "linger"]) == "linger"
    assert suggest("lingr", ["ringer", "linger"]) == "did you mean linger?"
    assert suggest("xyz", ["linger"]) is None
