"""A playground for tests: a file in a folder of its own, served."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from connector.playground.desk import Desk
from connector.playground.evaluating import Evaluation
from connector.playground.samples import Samples
from connector.playground.sheet import Sheet
from connector.playground.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Place(NamedTuple):
    """Where the page is, and the file that it is of."""

    site: Site
    file: Path

    @property
    def path(self) -> str:
        """The token, between slashes."""
        return urlsplit(self.site.url).path


def serve(folder: Path, text: str, samples: Sequence[str]) -> Iterator[Place]:
    """What a fixture yields."""
    file = folder / "clicks.yaml"
    file.write_text(text)
    site = Site(Desk(Sheet(file), Samples(samples, "of the test"), Evaluation(file, {})), 0)
    yield Place(site, file)
    site.close()
