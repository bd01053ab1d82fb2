"""What holds for all tests: the shared fixtures, and which tests run in one process."""

import gc
import os
import re
import signal
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

import hypothesis
import pytest

from tests.support.examples import IN_FULL, examples, left_out

pytest_plugins = ("tests.support.fixtures",)

# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("untimed", deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("untimed")

# Where tests run side by side, those of one of these folders run in one process: they share a broker or an image.
TOGETHER = ("integration", "chaos", "image")
# Of the integration tests, those with a broker of their own beside the others': one after the other they take longest.
SECOND_BROKER = tuple(
    f"tests/integration/test_{name}.py" for name in ("dlq", "dlq_versions", "export", "export_shop", "look", "mending")
)
# Files of which the same is true, and which need not wait for others: with a broker or a registry of their own.
APART = (
    "tests/integration/test_auth.py",
    "tests/integration/test_check.py",
    "tests/registry/test_apicurio.py",
    # What their tests share takes longer to make than any of them: a browser, the syntax trees of all the code, what is
    # printed about each broken file.
    "tests/cli/test_same_clickstream.py",
    "tests/config/test_messages.py",
    "tests/local/test_examples.py",
    "tests/playground/test_browser.py",
    "tests/security/test_hostile.py",
    "tests/status/test_browser.py",
)
# Folders and files of thousands of short tests, handed out a function at a time: each handing over takes a millisecond.
SHORT = ("tests/core/", "tests/config/", "tests/test_architecture.py", "tests/test_docs_links.py")


@cache  # the scheduler asks three times a test
def group_of(nodeid: str) -> str:
    """The name of the tests with which this one shares a process; its own where it may run anywhere."""
    file = nodeid.partition("::")[0]
    if file in APART:
        return file
    if file in SECOND_BROKER:
        return "integration, second broker"
    folder = PurePosixPath(file).parent.name
    if folder in TOGETHER:
        return folder
    of_contract = re.search(r"[\[-]kafka[\]-]", nodeid)  # on the same broker
    if of_contract:
        return "integration"
    return nodeid.partition("[")[0] if nodeid.startswith(SHORT) else nodeid


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Nothing that is made while tests are collected is garbage, then or later: no walk through it finds any."""
    gc.disable()
    try:
        _import_a_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # as `run` does: a tenth of the time of the tests, otherwise
        gc.enable()


def _import_a_share(config: pytest.Config) -> None:
    """Import every nth file of tests, where this is one of n processes that are to run all of them.

    pytest rewrites the assertions of a file when it is imported for the first time, which takes 15 seconds for all of
    them, and keeps the result on disk. Each process would do that for each file, since all go through them in one
    order; so each takes others first, and finds done what it comes to afterwards.
    """
    number = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    if number is None or config.args_source is not config.ArgsSource.TESTPATHS:
        return
    files = sorted(config.rootpath.glob("tests/**/test_*.py"))
    for file in files[int(number[1]) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]:
        # What is wrong with a file is for pytest to tell, once it comes to it.
        with suppress(Exception):
            import_module(".".join(file.relative_to(config.rootpath).with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not IN_FULL and config.args_source is config.ArgsSource.TESTPATHS:  # who names a file is to get all of it
        _leave_out_of_grids(config, items)
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        own = "kafka_jars" in fixtures and "kafka" not in fixtures  # starts one for itself
        shares = item.get_closest_marker("integration") or "kafka" in fixtures
        if shares and not own and group_of(item.nodeid).startswith(item.nodeid.partition("[")[0]):
            raise pytest.UsageError(f"{item.nodeid} uses the shared broker, but group_of does not know it")


def _leave_out_of_grids(config: pytest.Config, items: list[pytest.Item]) -> None:
    grids = defaultdict[str, list[str]](list)
    for item in items:
        if item.get_closest_marker("grid"):
            grids[item.nodeid.partition("[")[0]].append(item.nodeid)
    without = left_out(grids.values())
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in without])
    items[:] = [item for item in items if item.nodeid not in without]


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

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            super().mark_test_complete(node, item_index, duration)
            # Forgotten once it is done: for each test that ends, the scheduler counts what is left of all units.
            units = self.assigned_work[node]
            unit = self._split_scope(self.registered_collections[node][item_index])
            if all(units[unit].values()):
                del units[unit]

    return InGroups(config, log)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, for `-n auto`
def pytest_xdist_auto_num_workers() -> int:
    """Six more than there are cores: so many wait for a broker or a time at any moment."""
    return 6 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def _signals_are_not_ignored() -> Iterator[None]:
    """Under nohup a process ignores SIGHUP, in the background of a script SIGINT; and so would all that it starts."""
    # A handler is not inherited, as an ignored one is.
    handlers = {signal.SIGHUP: lambda _number, _frame: None, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if before[number] is signal.SIG_IGN:
            signal.signal(number, handler)
    yield
    for number, former in before.items():
        signal.signal(number, former)
