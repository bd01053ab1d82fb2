"""What tests of several rooms need."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connector import logs

# Where tests run side by side, those of one of these folders run in one process: they share a broker or an image.
TOGETHER = ("integration", "chaos", "image")
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent.name
        if folder in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(folder))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which boto3's chain finds one pair of keys, a region, and nothing of this machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in {"http_proxy", "https_proxy", "no_proxy", "all_proxy"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return monkeypatch


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """What ``logs.configure`` changes is changed back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logs.CLIENT.filters.clear()
    structlog.reset_defaults()
