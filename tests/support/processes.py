"""The real connector and the local endpoint as processes, for tests that must see them from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support import forked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}


def environment(**extra: str) -> dict[str, str]:
    """This process's, without anything of AWS or of proxies that the developer may have set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **CREDENTIALS, **extra}


def wait_until(
    condition: Callable[[], bool], seconds: float, what: str, alive: Callable[[], bool] | None = None
) -> None:
    """Wait for something outside of this process, of which no event tells.

    Raises:
        AssertionError: it did not come true in time, or what it depends on is not alive any more.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert alive is None or alive(), f"ended while waiting for: {what}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Program(NamedTuple):
    """What is started: its first words, and the folder it starts in, the one of this process unless given."""

    words: tuple[str, ...]
    folder: Path | None = None


MODULE = Program((sys.executable, "-m"))
PUTEVENTS = Program((sys.executable, "-m", "connector"))


class Process:
    """A process that is ended by its id, however the test ends."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], log: Path, program: Program = MODULE) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.popen = forked.Popen(
                [*program.words, *arguments], cwd=program.folder, env=env, stdout=subprocess.PIPE, stderr=stderr
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def running(self) -> bool:
        return self.popen.poll() is None

    def stop(self, seconds: float) -> int:
        """SIGTERM, then the exit code; AssertionError where it takes longer."""
        self.popen.send_signal(signal.SIGTERM)
        return self.exit_code(seconds)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def exit_code(self, seconds: float) -> int:
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.logged()[-3000:]}") from None

    def logged(self) -> str:
        return self.log.read_text()


class Endpoint(Process):
    """``putevents endpoint`` with these options."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        arguments = ["connector", "endpoint", "--port", str(port), *options]
        super().__init__(arguments, environment(), folder / "endpoint.log")
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, self.logged()
        self.url: str = json.loads(line)["url"]

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}/_local/{path}", timeout=60) as answer:
            body: bytes = answer.read()
        return body

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._get("stats"))
        return found

    def accepted(self) -> list[dict[str, Any]]:
        """Every accepted event, in the order of acceptance."""
        return [json.loads(line) for line in self._get("accepted").splitlines()]

    def control(self, **orders: Any) -> None:
        """Change faults while it runs; None ends one."""
        request = urllib.request.Request(f"{self.url}/_local/control", json.dumps(orders).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()


class Connector(Process):
    """``putevents run`` with this configuration; its server takes a free port, and ends at once when refused.

    ``program`` is the ``putevents`` that runs, this checkout's unless given.
    """

    SERVER: ClassVar = {"host": "127.0.0.1", "port": 0, "linger_after_refusal": "0s"}

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        name: str = "connector",
        program: Program = PUTEVENTS,
        /,
        **env: str,
    ) -> None:
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**config, "server": {**self.SERVER, **config.get("server", {})}}))
        super().__init__(["run", str(path)], environment(**env), folder / f"{name}.log", program)

    @property
    def port(self) -> int:
        """Of its server, from the log; 0 until it has started."""
        return self._port("started")

    @property
    def listening(self) -> int:
        """Of its server, which answers from the first moment on; 0 before that."""
        return self._port("listening")

    def _port(self, message: str) -> int:
        for line in self.logged().splitlines():
            if line.startswith("{") and (entry := json.loads(line)).get("message") == message:
                return int(entry["port"])
        return 0

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port or self.listening}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_until_ready(self, seconds: float = 30) -> None:
        def ready() -> bool:
            assert self.running(), f"ended before it was ready:\n{self.logged()[-3000:]}"
            return self.port > 0 and self.get("/readyz")[0] == 200

        wait_until(ready, seconds, "ready")

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Sample name and labels to value."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all label sets that include these."""
        wanted = set(labels.items())
        return sum(value for (sample, found), value in self.metrics().items() if sample == name and wanted <= found)
