"""What holds for all tests: the shared fixtures, and which tests run in one process."""

import pytest

pytest_plugins = ("tests.support.fixtures",)

# Where tests run side by side, those of one of these folders run in one process: they share a broker or an image.
TOGETHER = ("integration", "chaos", "image")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent.name
        if folder in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(folder))
        elif item.get_closest_marker("integration") or "kafka" in getattr(item, "fixturenames", ()):  # the same broker
            item.add_marker(pytest.mark.xdist_group("integration"))
