"""In a real browser the page fits, can be read, is reached by the keyboard, and renews itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.metrics import Metrics
from connector.server import Health, Server
from connector.status import Answers
from connector.status.model import Condition, Kind, View
from tests.status.test_page import hostile
from tests.support.browser import CONTRAST, OVERFLOW, Browser, a_browser
from tests.support.views import NOW, busy

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTHS = (1280, 320)
SCHEMES = ("light", "dark")
STATE = "document.getElementById('state-title').textContent"
FOCUSED = """
(() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  return [element.textContent, element.getAttribute("role"), style.outlineStyle, parseFloat(style.outlineWidth)];
})()
"""
CHANGED = """
new Promise((done) => new MutationObserver((_, watcher) => { watcher.disconnect(); done(true); })
  .observe(document.getElementById(%r), { childList: true, subtree: true, attributes: true }))
"""


class Site:
    """A server whose page can be changed."""

    def __init__(self) -> None:
        self.view: View = busy()
        well = Health(True, "well")
        self.server = Server("127.0.0.1", 0, Metrics().registry, lambda: well, lambda: well, Answers(lambda: self.view))
        self.url = f"http://127.0.0.1:{self.server.port}/"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from a_browser(tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["busy", "hostile"])
def test_the_page_fits_is_readable_and_asks_nobody_else(
    site: Site, browser: Browser, width: int, scheme: str, kind: str
) -> None:
    site.view = busy(100) if kind == "busy" else hostile()
    browser.open(site.url, width, scheme)
    assert browser.value(OVERFLOW) == 0
    assert browser.said == []
    fetched = [url for url in browser.requests if not url.startswith("data:image/svg+xml")]
    assert fetched == [site.url]
    ratio, text = browser.value(CONTRAST)
    assert ratio >= 4.5, text
    background = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(13, 19, 32)") == (scheme == "dark")


def test_a_hostile_name_runs_nothing(site: Site, browser: Browser) -> None:
    site.view = hostile()
    browser.open(site.url, 1280, "light")
    assert browser.value("document.scripts.length") == 1
    assert browser.value("document.images.length") == 0


def test_the_keyboard_reaches_every_link_and_every_table_and_shows_where_it_is(site: Site, browser: Browser) -> None:
    browser.open(site.url, 320, "light")
    reached = []
    for _ in range(9):
        browser.press("Tab", 9)
        text, role, style, width = browser.value(FOCUSED)
        assert style == "solid"
        assert width >= 2
        reached.append(role or text)
    assert reached[:5] == ["Skip to the state", "Metrics", "JSON", "Liveness", "Readiness"]
    assert reached[5:] == ["region"] * 4


def test_links_lead_where_they_say(site: Site, browser: Browser) -> None:
    browser.open(site.url, 1280, "light")
    links = browser.value("[...document.querySelectorAll('nav a')].map((link) => link.href)")
    assert links == [site.url + path for path in ("metrics", "?format=json", "livez", "readyz")]


def test_the_page_renews_itself_and_leaves_the_focus_alone(site: Site, browser: Browser) -> None:
    browser.open(site.url, 1280, "light")
    browser.value("document.querySelector('.scroll').focus()")
    site.view = busy()._replace(at=NOW + 5, conditions=(Condition(Kind.OUTAGE, NOW, "tracker-1"),))
    assert browser.value(CHANGED % "state-title")
    assert browser.value(STATE) == "Waiting: outage"
    assert browser.value("document.getElementById('state').dataset.tone") == "bad"
    assert browser.value("document.title").startswith("Waiting: outage")
    assert browser.value("document.activeElement.className") == "scroll"
    assert browser.said == []


def test_a_process_that_is_gone_is_told(site: Site, browser: Browser) -> None:
    browser.open(site.url, 1280, "light")
    assert browser.value("document.getElementById('lost').checkVisibility()") is False
    site.server.close()
    assert browser.value(CHANGED % "lost")
    assert browser.value("document.getElementById('lost').checkVisibility()") is True


def test_without_scripts_everything_is_there(site: Site, browser: Browser) -> None:
    browser.open(site.url, 320, "light", scripts=False)
    assert browser.value(STATE) == "Throttled"
    assert browser.value("document.querySelectorAll('svg path.line').length") == 5
    assert browser.value("document.querySelector('meta[http-equiv=refresh]').content") == "5"
    assert browser.value(OVERFLOW) == 0
