"""Categories in their order, what a failure skips, the exit code, and looking again until all is well."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from connector.checks.finding import Finding, Mark, failed, ok, warning
from connector.checks.inspection import Category, Section, exit_of, inspected
from connector.checks.waiting import REFUSED, until_well
from connector.exits import Exit

Marked = dict[str, Finding]


def category(name: str, *needs: str) -> Category[Marked]:
    def check(world: Marked) -> Iterator[Finding]:
        yield world.get(name, ok("fine"))

    return Category(name, check, needs)


CATEGORIES = (category("names"), category("brokers", "names"), category("topics", "brokers"), category("AWS"))


def test_what_needs_a_failed_category_is_skipped_and_names_the_first_cause() -> None:
    found = list(inspected(CATEGORIES, {"names": failed("unresolved-name", "no", "do")}))
    assert [(each.name, each.findings[0].mark) for each in found] == [
        ("names", Mark.FAILED), ("brokers", Mark.SKIPPED), ("topics", Mark.SKIPPED), ("AWS", Mark.OK),
    ]  # fmt: skip
    assert {each.findings[0].what for each in found[1:3]} == {"skipped: needs names"}


def test_what_does_not_answer_is_waited_for_together_and_told_in_the_order_of_the_categories() -> None:
    asked, nothing, begun = threading.Event(), dict[str, Finding](), list[str]()

    def brokers(_: Marked) -> Iterator[Finding]:
        yield ok("answers") if asked.wait(30) else failed("no-answer", "the registry was not asked meanwhile", "do")

    def registry(_: Marked) -> Iterator[Finding]:
        asked.set()
        yield failed("registry-away", "no", "do")

    categories = (
        Category("brokers", brokers),
        Category("registry", registry, lane="registry"),
        Category("schemas", registry, ("registry",), "registry"),
        category("topics", "brokers"),
    )
    found = list(inspected(categories, nothing, begun.append))
    assert begun == [each.name for each in found] == ["brokers", "registry", "schemas", "topics"]
    assert [each.findings[0].mark for each in found] == [Mark.OK, Mark.FAILED, Mark.SKIPPED, Mark.OK]


def test_a_warning_skips_nothing() -> None:
    found = list(inspected(CATEGORIES, {"names": warning("unresolved-name", "one of two", "do")}))
    assert [each.findings[0].mark for each in found] == [Mark.WARNING, Mark.OK, Mark.OK, Mark.OK]
    assert exit_of(found) is Exit.OK


def test_a_check_that_breaks_is_a_finding_without_the_message_and_the_others_go_on() -> None:
    def breaks(_: Marked) -> Iterator[Finding]:
        yield ok("so far")
        raise ValueError("secret")

    nothing: Marked = {}
    found = list(inspected((Category("names", breaks), category("AWS")), nothing))
    assert [each.code for each in found[0].findings] == ["", "check-broken"]
    assert "secret" not in found[0].findings[1].what
    assert "ValueError" in found[0].findings[1].what
    assert found[1].findings[0].mark is Mark.OK
    assert exit_of(found) is Exit.BUG


@pytest.mark.parametrize(
    ("exits", "expected"),
    [
        ((), Exit.OK),
        ((Exit.UNAVAILABLE,), Exit.UNAVAILABLE),
        ((Exit.UNAVAILABLE, Exit.REFUSED), Exit.REFUSED),
        ((Exit.REFUSED, Exit.BAD_FILE, Exit.UNAVAILABLE), Exit.BAD_FILE),
    ],
)
def test_the_exit_code_is_that_of_what_passes_least_by_itself(exits: Sequence[Exit], expected: Exit) -> None:
    assert exit_of([Section("a", tuple(failed("c", "w", "d", each) for each in exits))]) is expected


# Looking again


class Looks:
    """Gives one exit code after the other, the last for ever, on a clock that only sleeping moves."""

    def __init__(self, *exits: Exit) -> None:
        self.exits = list(exits)
        self.now = 0.0
        self.slept: list[float] = []
        self.told = 0

    def look(self) -> list[Section]:
        code = self.exits.pop(0) if len(self.exits) > 1 else self.exits[0]
        return [Section("a", (ok("fine") if code is Exit.OK else failed("c", f"{code}", "d", code),))]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def changed(self, before: Sequence[Section], now: Sequence[Section]) -> None:
        assert before is not now
        self.told += 1

    def ends(self, seconds: float) -> Exit:
        return exit_of(until_well(self.look, seconds, self.changed, lambda: self.now, self.sleep))


def test_without_a_wait_there_is_one_look() -> None:
    looks = Looks(Exit.UNAVAILABLE)
    assert (looks.ends(0), looks.slept, looks.told) == (Exit.UNAVAILABLE, [], 0)


def test_looks_go_on_until_all_is_well_with_pauses_that_grow() -> None:
    looks = Looks(Exit.UNAVAILABLE, Exit.UNAVAILABLE, Exit.UNAVAILABLE, Exit.OK)
    assert (looks.ends(120), looks.told) == (Exit.OK, 3)
    assert looks.slept == sorted(looks.slept)
    assert min(looks.slept) >= 1


def test_the_wait_ends_when_its_time_is_up_with_a_last_look() -> None:
    looks = Looks(Exit.UNAVAILABLE)
    assert looks.ends(60) is Exit.UNAVAILABLE
    assert looks.now == 60
    assert looks.told == len(looks.slept)


def test_after_a_refused_login_the_next_try_comes_late() -> None:
    looks = Looks(Exit.REFUSED, Exit.OK)
    assert (looks.ends(120), looks.slept) == (Exit.OK, [REFUSED])


@pytest.mark.parametrize("code", [Exit.BAD_FILE, Exit.BUG])
def test_what_nobody_else_can_mend_is_not_waited_for(code: Exit) -> None:
    looks = Looks(code)
    assert (looks.ends(120), looks.slept) == (code, [])
