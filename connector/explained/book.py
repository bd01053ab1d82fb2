"""All pages, and how a word that somebody typed finds them."""

from collections.abc import Mapping, Sequence

from connector.core.words import closest
from connector.explained import of_checks, of_connections, of_exits, of_mapping, of_records, of_settings, of_yaml
from connector.explained.page import Page

GROUPS: Mapping[str, Sequence[Page]] = {
    "The file as YAML": of_yaml.PAGES,
    "Settings": of_settings.PAGES,
    "Kafka, AWS and the schema registry": of_connections.PAGES,
    "Rules and expressions": of_mapping.PAGES,
    "Reasons of dead letters": tuple(page for page in of_records.PAGES if page.kind == "reason"),
    "Reasons of skipped records": tuple(page for page in of_records.PAGES if page.kind == "skip"),
    "Findings of `putevents check`": of_checks.PAGES,
    "Exit codes": of_exits.PAGES,
}
PAGES = tuple(page for pages in GROUPS.values() for page in pages)


def pages_of(word: str) -> list[Page]:
    """The pages of a code as it is typed or copied: in brackets, with - or _, in any case. One code may have several.

    ``missing_list`` is a reason of dead letters and one of skipped records, ``wrong-type`` also a code of ``validate``.
    As it is written decides the order.
    """
    found = [page for page in PAGES if _plain(page.code) == _plain(word)]
    return sorted(found, key=lambda page: page.code != word.strip(" []"))


def near(word: str) -> str | None:
    """The code that looks most like the word."""
    by_plain = {_plain(page.code): page.code for page in PAGES if page.kind != "exit"}
    meant = closest(_plain(word), by_plain)
    return by_plain[meant] if meant else None


def _plain(word: str) -> str:
    return word.strip(" []").lower().replace("_", "-").removeprefix("exit-")
