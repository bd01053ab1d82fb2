"""The schema registry of a file, for the commands that map records; see cli/schemas.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.config import Loaded
from connector.config.formats import uses_registry

if TYPE_CHECKING:
    from connector.registry.schemas import Registry


@contextmanager
def registry_of(loaded: Loaded) -> Iterator["Registry | None"]:
    """The registry, where the file needs one. It is asked only for the schemas that records need.

    Raises:
        NoSchema: it cannot be asked, for lack of a region, of credentials or of certificates.
    """
    settings = loaded.config.schema_registry
    if settings is None or not uses_registry(loaded.config.pipelines):
        yield None
        return
    from connector.cli.schemas import started  # noqa: PLC0415  loads what most files do not need

    registry = started(settings)
    try:
        yield registry
    finally:
        registry.close(0)
