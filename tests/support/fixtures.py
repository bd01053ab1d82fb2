"""Fixtures of more than one folder; ``tests/conftest.py`` registers them for all.

Where no Apache Kafka is to be had, tests on a real one are skipped and say what is missing. Under ``CI`` they fail,
since tests that quietly do not run are worse than none.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import pytest
import structlog
from botocore.loaders import create_loader

from connector import logs
from connector.local.endpoint.server import Endpoint, running_endpoint
from connector.local.mock_cluster import MockCluster
from tests.support.forked.starting import SWITCH
from tests.support.kafka.admin import Kafka
from tests.support.kafka.find import find_broker
from tests.support.kafka.jars import MissingError, fetch_jars
from tests.support.kafka.rehearsal import rehearse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI"


@pytest.fixture(scope="session", autouse=True)
def _descriptions_of_aws_are_read_once() -> Iterator[None]:
    """The sessions of all tests share botocore's loader: for each its JSON files take a tenth of a second to read."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def _processes_are_forked() -> Iterator[None]:
    """Those of the tests of which nobody has asked for a start from the beginning, with FORKS=0."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(SWITCH, os.environ.get(SWITCH, "1"))
        yield


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


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    """A mock cluster with two partitions of clicks and one of its dead letters."""
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 2)
        cluster.create_topic("clicks.dead", 1)
        yield cluster


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The local endpoint, in this process."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The shared broker: make topics of your own, and leave the broker as it is."""
    try:
        broker = find_broker()
    except MissingError as missing:
        _do_without(missing)
    try:
        handle = Kafka(broker.bootstrap_servers, broker.admin_servers)
        yield handle
        handle.delete_topics()
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kafka_jars() -> Path:
    """Where Apache Kafka's jars are, with a Java to run them: for tests that start brokers of their own."""
    try:
        rehearse()
        return fetch_jars()
    except MissingError as missing:
        _do_without(missing)


def _do_without(missing: MissingError) -> NoReturn:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))
