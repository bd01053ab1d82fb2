"""A headless Chromium, spoken to over a pipe in its DevTools protocol: just what looking at a page takes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")
GET_IT = ".ci/install-browser-prerequisites gets one"
ANSWERED = 1_000_000_000
PATIENCE = 60.0  # seconds for one answer; machines that run tests are busy
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # a container's root has no other way, and the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "about:blank",
)
# The browser expects its pipe at 3 and 4, which this process may need for something else.
LAUNCH = """
import os, sys
asks, answers, *command = sys.argv[1:]
high = [os.dup(os.dup(os.dup(int(each)))) for each in (asks, answers)]
for number, each in zip((3, 4), high):
    os.dup2(each, number)
os.execv(command[0], command)
"""


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# The worst ratio of any text to what is behind it, by WCAG 2's formula, with the text itself.
CONTRAST = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    throw new Error("no background");
  };
  let worst = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, script") || !element.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, walker.currentNode.data];
  }
  return worst;
})()
"""


def find_chromium() -> str | None:
    """Where one is on this machine; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one page, from ``__enter__`` to ``__exit__``.

    Attributes:
        said: whatever the page wrote to its console, and errors, as the browser words them.
        requests: the URL of each request.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.said: list[str] = []
        self.requests: list[str] = []
        self._events: list[str] = []
        self._number = 0
        self._session: str | None = None
        self._buffer = b""
        asks, self._out = os.pipe()
        self._in, answers = os.pipe()
        command = [path, f"--user-data-dir={folder / 'profile'}", *FLAGS]
        with (folder / "browser.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, str(asks), str(answers), *command],
                pass_fds=(asks, answers),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        os.close(asks)
        os.close(answers)

    def __enter__(self) -> Self:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)

    # -- the protocol -----------------------------------------------------------------------------------------

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its answer; events that come before it are noted."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            heard = self._hear(deadline, method)
            if heard.get("id") == self._number:
                assert "error" not in heard, f"{method}: {heard.get('error')}"
                result: dict[str, Any] = heard["result"]
                return result
            self._note(heard)

    def _hear(self, deadline: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the browser did not answer in time: {what}"
            piece = os.read(self._in, 1 << 16)
            assert piece, f"the browser ended: {what}"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        self._events.append(method)
        if method == "Log.entryAdded":
            self.said.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
            self.said.append(json.dumps(params)[:500])
        elif method == "Page.javascriptDialogOpening":
            # A page asks whether it may be left; yes. The answer to this has a number that nobody waits for.
            yes = {"id": ANSWERED, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            os.write(self._out, json.dumps({**yes, "sessionId": self._session}).encode() + b"\0")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def wait_for(self, event: str) -> None:
        """Until the browser has told of it, since the last call of this."""
        deadline = time.monotonic() + PATIENCE
        while event not in self._events:
            self._note(self._hear(deadline, event))
        self._events.clear()

    # -- a page -----------------------------------------------------------------------------------------------

    def open(self, url: str, width: int, scheme: str, *, scripts: bool = True) -> None:
        """Show a page in a window so wide, to somebody who likes it ``light`` or ``dark``."""
        # The page before may still ask its server, which is gone, and its errors are none of the next one.
        self._go("about:blank")
        self.said.clear()
        self.requests.clear()
        mobile = width < 600
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=mobile)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._go(url)

    def _go(self, url: str) -> None:
        self._events.clear()
        self.ask("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives; promises are awaited."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and let go of a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, scale: float = 1.0) -> bytes:
        """The whole page as PNG."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": scale}
        answer = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def until(self, condition: str) -> None:
        """Until a JavaScript expression holds, of which no event of the page tells."""
        deadline = time.monotonic() + PATIENCE
        while not self.value(condition):
            assert time.monotonic() < deadline, (condition, self.said, self.value("document.body.innerText"))
            time.sleep(0.05)


def a_browser(folder: Path) -> Iterator[Browser]:
    """What a fixture yields. Without a Chromium its tests are skipped, but in CI they fail."""
    path = find_chromium()
    if path is None:
        message = f"no Chromium to look at the page with: {GET_IT}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with Browser(path, folder) as browser:
        yield browser
