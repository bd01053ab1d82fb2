"""What holds for all tests: the shared fixtures, and which tests run in one process."""

import os
import signal
from collections.abc import Iterator

import pytest

pytest_plugins = ("tests.support.fixtures",)

# Where tests run side by side, those of one of these folders run in one process: they share a broker or an image.
TOGETHER = ("integration", "chaos", "image")
# Files with brokers of their own, which need not wait for the others.
APART = ("test_auth", "test_broker")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent.name
        if folder == "integration" and item.path.stem in APART:
            item.add_marker(pytest.mark.xdist_group(f"integration-{item.path.stem}"))
        elif folder in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(folder))
        elif item.get_closest_marker("integration") or "kafka" in getattr(item, "fixturenames", ()):  # the same broker
            item.add_marker(pytest.mark.xdist_group("integration"))


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, for `-n auto`
def pytest_xdist_auto_num_workers() -> int:
    """Half again as many as there are cores: a third of the time of the tests is waiting."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2


@pytest.fixture(scope="session", autouse=True)
def _hangups_are_not_ignored() -> Iterator[None]:
    """Under nohup a process ignores SIGHUP, and so would all that the tests start; some are told to stop by it."""
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)  # a handler is not inherited, as an ignored one is
    yield
    signal.signal(signal.SIGHUP, before)
