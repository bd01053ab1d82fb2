"""What the loop counts on of ``ports.SchemaFetcher``, whoever implements it."""

import pytest

from connector.core.formats.decoded import SchemaPending
from tests.contract.fetchers import KIND, REFUSAL, FetcherBackend


def wants(backend: FetcherBackend, schema: int) -> int:
    """Ask for a schema that is not here; the answers before that."""
    before = backend.fetcher.answers()
    with pytest.raises(SchemaPending, match=f"schema {schema}"):
        backend.schemas.reader(schema, KIND)
    return before


def test_nothing_is_answered_or_refused_while_nothing_is_asked_for(registry: FetcherBackend) -> None:
    assert registry.fetcher.answers() == 0
    assert registry.fetcher.refused() is None
    assert registry.fetcher.reach() == (None, "", ())


def test_a_schema_is_there_by_the_time_its_answer_counts(registry: FetcherBackend) -> None:
    for schema in range(1, 50):
        registry.add(schema)
        before = wants(registry, schema)
        registry.until(lambda before=before: registry.fetcher.answers() > before)  # type: ignore[misc]
        assert registry.schemas.reader(schema, KIND)(b"{}") == {}


def test_an_outage_is_told_answers_nothing_and_ends_with_the_schema(registry: FetcherBackend) -> None:
    registry.add(7)
    registry.go(away=True)
    before = wants(registry, 7)
    registry.until(lambda: registry.fetcher.reach().away_since is not None)
    reach = registry.fetcher.reach()
    assert (reach.trouble, reach.awaited) == ("no connection", ("schema 7",))
    assert registry.fetcher.answers() == before
    with pytest.raises(SchemaPending):
        registry.schemas.reader(7, KIND)
    registry.go(away=False)
    registry.until(lambda: registry.fetcher.answers() > before)
    assert registry.schemas.reader(7, KIND)(b"[]") == []
    registry.until(lambda: registry.fetcher.reach().away_since is None)


def test_a_refusal_is_told_and_counts_as_no_answer(registry: FetcherBackend) -> None:
    registry.refuse()
    before = wants(registry, 7)
    registry.until(lambda: registry.fetcher.refused() is not None)
    assert registry.fetcher.refused() == REFUSAL
    assert registry.fetcher.answers() == before
