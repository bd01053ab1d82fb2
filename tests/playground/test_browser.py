"""In a real browser: typing shows its effect, saving writes the file, and the keyboard is enough."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.playground.site import Place, serve
from tests.support.browser import CONTRAST, OVERFLOW, Browser, a_browser
from tests.support.trials import EVENT, VIEW, config

if TYPE_CHECKING:
    from collections.abc import Iterator

CLICK = json.dumps({"value": {"session": "s1", "action": "view", "item": "p1", "time": 1795509011}})
BOT = json.dumps({"value": {"bot": True}})
REJECTED = json.dumps({"value": {"action": "buy"}})
TESTS = f"""\
- name: a view
  pipeline: web
  input: {{value: {VIEW}}}
  output: [{EVENT}]
- name: a wrong one
  pipeline: web
  input: {{value: {VIEW}}}
  output: {{skipped: bot}}
"""
CTRL = 2
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from serve(tmp_path_factory.mktemp("play"), config(TESTS), [CLICK, BOT, REJECTED])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from a_browser(tmp_path_factory.mktemp("browser"))


class Shown:
    """The page, as somebody sees and uses it."""

    def __init__(self, browser: Browser, place: Place, width: int = 1280, scheme: str = "light") -> None:
        self._browser = browser
        browser.open(place.site.url, width, scheme)
        self.says("status", "valid")

    def says(self, name: str, words: str) -> None:
        self._browser.until(f"document.getElementById({name!r}).innerText.includes({json.dumps(words)})")

    def text(self, name: str) -> str:
        return str(self._browser.value(f"document.getElementById({name!r}).innerText"))

    def visible(self, name: str) -> bool:
        return bool(self._browser.value(f"document.getElementById({name!r}).checkVisibility()"))

    def appears(self, name: str) -> None:
        self._browser.until(f"document.getElementById({name!r}).checkVisibility()")

    def disappears(self, name: str) -> None:
        self._browser.until(f"!document.getElementById({name!r}).checkVisibility()")

    def replace(self, before: str, after: str, name: str = "text") -> None:
        """Select a text in a field and type another over it, as a keyboard does."""
        found = self._browser.value(f"""(() => {{
            const field = document.getElementById({name!r});
            const start = field.value.indexOf({json.dumps(before)});
            field.focus();
            if (start >= 0) field.setSelectionRange(start, start + {len(before)});
            return start;
        }})()""")
        assert found >= 0, before
        self._browser.ask("Input.insertText", text=after)

    def value(self, expression: str) -> Any:
        return self._browser.value(expression)

    def click(self, name: str) -> None:
        self._browser.value(f"document.getElementById({name!r}).click()")

    def key(self, key: str, code: int, modifiers: int = 0) -> None:
        self._browser.ask("Page.bringToFront")
        for kind in ("rawKeyDown", "keyUp"):
            self._browser.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, modifiers=modifiers
            )

    @property
    def focused(self) -> str:
        return str(self._browser.value("document.activeElement.id || document.activeElement.tagName"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800, 320])
@pytest.mark.parametrize("broken", [False, True])
def test_the_page_fits_is_readable_and_asks_nobody_else(
    browser: Browser, place: Place, width: int, scheme: str, *, broken: bool
) -> None:
    shown = Shown(browser, place, width, scheme)
    if broken:
        shown.replace("value.session || value.action", "value.session ||")
        shown.says("status", "1 problem")
        shown.appears("bubble")
    assert browser.value(OVERFLOW) == 0
    ratio, text = browser.value(CONTRAST.replace('"svg, script"', '"svg, script, #under, noscript"'))
    assert ratio >= 4.5, text
    fetched = {url for url in browser.requests if not url.startswith("data:")}
    assert all(url.startswith(place.site.url) for url in fetched)
    assert browser.said == []
    background = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(13, 19, 32)") == (scheme == "dark")
    columns = browser.value("new Set([...document.querySelectorAll('section')].map((each) => each.offsetLeft)).size")
    assert columns == (3 if width > 800 else 1)


def test_a_sample_its_call_its_limits_and_its_explanation_are_shown(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    outcome = shown.text("outcome")
    assert "Mapped" in outcome
    assert '"itemId": "p1"' in outcome
    assert "1,024" not in outcome  # there are no properties
    assert "10,240" in outcome
    assert "value.session || value.action" in outcome
    items = browser.value(
        "[...document.querySelectorAll('#list button')].map((each) => each.innerText.replace(/\\s+/g, ' '))"
    )
    assert items == ["1 mapped · clicks", "2 skipped · bot", "3 dead letter · missing_member"]
    browser.value("document.querySelectorAll('#list button')[2].click()")
    assert "Dead letter: missing member" in shown.text("outcome")
    assert "sessionId" in shown.text("outcome")


def test_typing_shows_its_effect_and_writes_nothing(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace("itemId: value.item", "itemId: value.session")
    shown.says("outcome", '"itemId": "s1"')
    assert shown.text("dirty") == "not saved"
    assert place.file.read_text() == config(TESTS)


def test_an_error_is_shown_at_its_place_and_the_last_result_stays(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace("value.session || value.action", "value.session ||")
    shown.says("status", "1 problem")
    number = config(TESTS).splitlines().index("        when: value.session || value.action") + 1
    assert f"line {number}, column " in shown.text("problems")
    marked = browser.value("document.querySelectorAll('#under mark').length")
    assert marked == 1
    shown.appears("bubble")
    below = browser.value(
        "document.getElementById('bubble').getBoundingClientRect().top"
        " - document.querySelector('#under mark').getBoundingClientRect().bottom"
    )
    assert -4 <= below <= 20
    assert shown.visible("stale")
    assert "Mapped" in shown.text("outcome")
    line = browser.value("document.querySelector('#gutter .error').innerText").split()
    assert line == ["!", str(number)]
    shown.replace("value.session ||", "value.session")
    shown.says("status", "valid \N{MIDDLE DOT}")
    assert not shown.visible("stale")
    assert shown.text("problems") == ""


def test_a_problem_leads_to_its_place(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace("itemId: value.item", "itemIdd: value.item")
    shown.says("status", "1 problem")
    browser.value("document.querySelector('#problems button').click()")
    assert shown.focused == "text"
    assert (
        browser.value(
            "(() => { const t = document.getElementById('text');"
            " return t.value.slice(t.selectionStart, t.selectionEnd); })()"
        )
        == "itemIdd"
    )


def test_rules_are_marked_with_hits_and_gaps(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    marks = browser.value(
        "[...document.querySelectorAll('#gutter .hits, #gutter .miss')]"
        ".map((each) => each.innerText.split(/\\s+/).filter(Boolean))"
    )
    lines = config(TESTS).splitlines()
    found = {lines[int(number) - 1].strip(): sign for sign, number in marks}
    assert found["- name: bots"] == "1" + TIMES
    assert found["- name: clicks"] == "2" + TIMES
    assert "no test uses" in shown.text("rules")


def test_the_tests_of_the_file_run_as_it_is_typed(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    assert "2 tests: 1 passed, 1 failed" in shown.text("tests")
    assert "expected" in shown.text("tests")
    shown.replace("output: {skipped: bot}", f"output: [{EVENT}]")
    shown.says("tests", "2 tests passed")


def test_a_sample_is_edited_added_and_removed(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace('"p1"', '"p2"', "sample")
    shown.says("outcome", '"itemId": "p2"')
    shown.click("add")
    shown.says("status", "4 records")
    assert shown.focused == "sample"
    shown.replace('{"value"', '{"value', "sample")
    shown.says("outcome", "expected a record as a JSON object")
    for left in (3, 2, 1):
        shown.click("remove")
        shown.says("status", f"{left} record")
    shown.click("remove")
    shown.says("outcome", "Add a sample")
    assert browser.said == []


def test_what_a_record_holds_is_never_markup(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace('"p1"', '"<img src=x onerror=alert(1)><script>alert(1)</script>"', "sample")
    shown.says("outcome", "<img src=x")
    assert browser.value("document.images.length") == 0
    assert browser.value("document.scripts.length") == 1
    assert browser.said == []


def test_ctrl_s_saves(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace("itemId: value.item", "itemId: value.session")
    shown.key("s", 83, CTRL)
    shown.says("dirty", "saved")
    browser.until("document.getElementById('save').disabled")
    assert place.file.read_text() == config(TESTS).replace("itemId: value.item", "itemId: value.session")


def test_a_change_on_disk_is_told_and_never_written_over_unasked(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    others = config(TESTS) + "# somebody else's\n"
    place.file.write_text(others)
    shown.replace("itemId: value.item", "itemId: value.session")
    shown.appears("changed")
    shown.click("save")
    shown.says("changed", "clicks.yaml has changed on disk since it was read here")
    browser.until("document.activeElement.id === 'reload'")
    assert place.file.read_text() == others
    shown.click("overwrite")
    shown.disappears("changed")
    assert "value.session" in place.file.read_text()
    assert "somebody" not in place.file.read_text()


def test_reloading_takes_the_file_of_the_disk(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    place.file.write_text(config(TESTS) + "# somebody else's\n")
    shown.replace("itemId: value.item", "itemId: value.session")
    shown.appears("changed")
    shown.click("reload")
    browser.until("document.getElementById('text').value.endsWith(\"# somebody else's\\n\")")
    shown.disappears("changed")
    assert shown.value("document.getElementById('save').disabled") is True


def test_the_keyboard_is_enough_and_shows_where_it_is(browser: Browser, place: Place) -> None:
    """Tab leaves the editor, too."""
    shown = Shown(browser, place, 320)
    reached = []
    for _ in range(12):
        shown.key("Tab", 9)
        reached.append(shown.focused)
        outline = browser.value("""(() => {
            const shown = [document.activeElement, document.activeElement.closest("#editor")];
            return shown.some((each) => each && getComputedStyle(each).outlineStyle === "solid");
        })()""")
        assert outline, reached
    # The skip link, the list, three samples, and what follows; saving is off while nothing is typed.
    assert [each for each in reached if each not in {"A", "BUTTON", "list"}][:4] == ["add", "remove", "sample", "text"]
    assert reached.index("text") < len(reached) - 1
    assert "valid" in shown.text("status")


def test_every_field_has_a_name(browser: Browser, place: Place) -> None:
    Shown(browser, place)
    nameless = browser.value("""
        [...document.querySelectorAll("textarea, button, input, select")]
          .filter((each) => !(each.labels && each.labels.length) && !each.textContent.trim() && !each.ariaLabel)
          .map((each) => each.outerHTML)
    """)
    assert nameless == []


def test_a_new_line_begins_where_the_one_before_did(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    shown.replace("itemId: value.item", "itemId: value.item")
    browser.ask(
        "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
    )
    browser.ask("Input.insertText", text="# x")
    assert "    itemId: value.item\n          # x\n" in shown.value("document.getElementById('text').value")


def test_an_end_of_the_command_is_told_and_what_was_typed_stays(browser: Browser, place: Place) -> None:
    shown = Shown(browser, place)
    assert not shown.visible("lost")
    place.site.close()
    shown.replace("itemId: value.item", "itemId: value.session")
    shown.appears("lost")
    assert "itemId: value.session" in shown.value("document.getElementById('text').value")
