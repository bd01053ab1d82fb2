"""What the tests of the wire share."""

from collections.abc import Iterator

import pytest

from tests.wire.web import Web, running_web
from tests.wire.wires import OPENED


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as web:
        yield web


@pytest.fixture(autouse=True)
def _close_wires() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()
