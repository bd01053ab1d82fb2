"""What holds for all tests: the shared fixtures, and which tests run in one process."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest

pytest_plugins = ("tests.support.fixtures",)

# Where tests run side by side, those of one of these folders run in one process: they share a broker or an image.
TOGETHER = ("integration", "chaos", "image")
# Files with a broker or a registry of their own, which need not wait for the others.
APART = (
    "tests/integration/test_auth.py",
    "tests/integration/test_broker.py",
    "tests/integration/test_check.py",
    "tests/registry/test_apicurio.py",
)


def group_of(nodeid: str) -> str:
    """The name of the tests with which this one shares a process; its own where it may run anywhere."""
    file = nodeid.partition("::")[0]
    if file in APART:
        return file
    folder = PurePosixPath(file).parent.name
    if folder in TOGETHER:
        return folder
    of_contract = re.search(r"[\[-]kafka[\]-]", nodeid)  # on the same broker
    return "integration" if of_contract else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        shares = item.get_closest_marker("integration") or "kafka" in getattr(item, "fixturenames", ())
        if shares and group_of(item.nodeid) == item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} uses the shared broker, but group_of does not know it")


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one group run in one process.

    pytest-xdist's own groups have no effect with pytest 9.2 (pytest-xdist's issue 1386): it writes them into the ids of
    the tests, which pytest no longer reads.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  pytest runs without it, too

    class InGroups(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return InGroups(config, log)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, for `-n auto`
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: more than half of the time of the tests is waiting."""
    return 2 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def _hangups_are_not_ignored() -> Iterator[None]:
    """Under nohup a process ignores SIGHUP, and so would all that the tests start; some are told to stop by it."""
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)  # a handler is not inherited, as an ignored one is
    yield
    signal.signal(signal.SIGHUP, before)
