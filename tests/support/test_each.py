"""What a test of many values tells."""

import pytest

from tests.support.each import for_each


def test_all_values_are_judged_and_those_that_fail_are_named() -> None:
    judged = []

    @for_each([1, 2, 3, 4], lambda number: f"number {number}")
    def is_odd(number: int) -> None:
        judged.append(number)
        assert number % 2

    with pytest.raises(ExceptionGroup, match="it fails for 2 of 4") as failed:
        is_odd()
    assert [error.__notes__ for error in failed.value.exceptions] == [["of number 2"], ["of number 4"]]
    assert judged == [1, 2, 3, 4]


def test_a_test_without_a_value_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no value"):
        for_each([])


@for_each(["a value"])
def test_it_is_a_test_by_the_name_of_its_function(value: str) -> None:
    """With its words."""
    assert value == "a value"


def test_words_and_name_stay() -> None:
    ours = test_it_is_a_test_by_the_name_of_its_function
    assert (ours.__name__, ours.__doc__) == ("test_it_is_a_test_by_the_name_of_its_function", "With its words.")
