"""The image, built once for all tests of it."""

import pytest

from tests.image.engine import MissingError, find_image


@pytest.fixture(scope="session")
def image() -> str:
    """Its name; the test skips where there is none to be had."""
    try:
        return find_image()
    except MissingError as missing:
        pytest.skip(str(missing))
