"""Fixtures of the tests that talk to a server."""

from collections.abc import Iterator

import pytest

from tests.support.http_server import HttpServer, running_http_server
from tests.wire.clients import OPENED


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with running_http_server() as web:
        yield web


@pytest.fixture(autouse=True)
def _close_wires() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()
