"""A key is decoded where a rule that is evaluated asks for it, at most once a record, and fails that rule alone."""

from typing import Any

import orjson
import pytest

from connector.core.formats.decoded import DecodingError, SchemaPending
from connector.core.mapping.explain import Trace
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import CompiledRules, compile_pipeline
from connector.core.mapping.specs import PipelineSpec
from connector.core.mapping.transform import Pipeline
from connector.core.records import Pending, Reason, Record, Rejection, Stage, Transformed

NOW = 1_800_000_000.0
PLAIN = {"sessionId": "value.session", "eventType": {"const": "View"}}
BY_KEY = {**PLAIN, "sessionId": "key.session"}


class Decoder:
    """A decoder of keys that counts how often it is asked."""

    def __init__(self, *outcomes: Any) -> None:
        self.asked = 0
        self._outcomes = list(outcomes)

    def __call__(self, _: bytes) -> Any:
        self.asked += 1
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def pipeline(decoder: Decoder, *rules: dict[str, Any], trace: Trace | None = None) -> Pipeline:
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(rules)]
    given = {"name": "p", "topics": ["t"], "key": {"format": "avro"}, "rules": named}
    spec = PipelineSpec.model_validate(given)
    compiled = compile_pipeline(spec, trace)
    assert isinstance(compiled, CompiledRules), compiled
    return Pipeline(spec, compiled, "tracker", Formats(key=decoder))


def record(value: Any, key: bytes | None = b"k") -> Record:
    return Record("t", 0, 7, int(NOW) * 1000, key, orjson.dumps(value))


def pending() -> SchemaPending:
    return SchemaPending("schema 7")


def test_a_key_that_no_evaluated_rule_reads_is_not_decoded() -> None:
    decoder = Decoder()
    rules = pipeline(decoder, {"when": "value.kind == 'a'", "put_events": BY_KEY}, {"put_events": PLAIN})
    made = rules(record({"kind": "b", "session": "s1"}), NOW)
    assert isinstance(made, Transformed)
    assert (made.rule, decoder.asked) == ("r1", 0)


def test_a_key_is_decoded_once_for_all_rules_members_and_elements_of_a_record() -> None:
    decoder = Decoder({"session": "s1", "kind": "a"}, {"session": "s2", "kind": "a"})
    rules = pipeline(
        decoder,
        {"when": "key.kind == 'b'", "skip": "test"},
        {"when": "key.kind == 'a'", "for_each": "value.list", "put_events": {**BY_KEY, "userId": "key.session"}},
    )
    for number, session in enumerate(("s1", "s2"), 1):
        made = rules(record({"list": [1, 2, 3]}), NOW)
        assert isinstance(made, Transformed)
        assert [entry.lane for entry in made.entries] == [session] * 3
        assert decoder.asked == number


def test_a_record_without_a_key_asks_no_decoder() -> None:
    decoder = Decoder()
    made = pipeline(decoder, {"put_events": {**PLAIN, "userId": "key.user"}})(record({"session": "s"}, key=None), NOW)
    assert isinstance(made, Transformed)
    assert decoder.asked == 0


def test_an_undecodable_key_fails_what_reads_it_and_is_tried_once() -> None:
    decoder = Decoder(DecodingError(Reason.NOT_AVRO, "expected Avro"))
    rules = pipeline(decoder, {"when": "key.kind == 'a'", "skip": "test"}, {"put_events": BY_KEY})
    made = rules(record({}), NOW)
    assert isinstance(made, Rejection)
    assert (made.stage, made.reason, made.field) == (Stage.DECODE, Reason.NOT_AVRO, "key")
    assert (made.rule, made.failed, decoder.asked) == ("r1", (("p", "r0"),), 1)


READERS: list[Any] = [
    {"when": "key.kind == 'a'", "put_events": PLAIN},
    {"put_events": BY_KEY},
    {"put_events": {**PLAIN, "userId": {"template": "u-{{ key.user }}"}}},
    {"put_events": {**PLAIN, "userId": {"case": [{"when": "key.user", "then": "value.session"}]}}},
    {"put_events": {**PLAIN, "userId": {"from": "key.kind", "lookup": {"a": "b"}, "otherwise": "skip"}}},
    {"put_events": {**PLAIN, "properties": {"all": "to_string(map(&@, values(key)))"}}},
    {"put_events": {**PLAIN, "properties": "key"}},
    {"put_events": {**PLAIN, "impression": ["key.item", "value.item"]}},
    {"put_events": {**PLAIN, "eventId": "@ | key.id"}},
    {"for_each": "key.list", "put_events": PLAIN},
    {"for_each": "key.list[?a]", "put_events": PLAIN},
    {"for_each": {"from": "not_null(value.none, key.list)", "otherwise": "skip"}, "put_events": PLAIN},
    {"for_each": "value.list", "put_events": {**PLAIN, "userId": "item.none || sha256(to_string(key))"}},
    # The same for all elements, so its result is kept.
    {"for_each": "value.list", "put_events": {**PLAIN, "userId": "sha256(to_string(key))"}},
    {"for_each": ["value.list", "key.list && item.inner"], "put_events": PLAIN},
]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("rule", READERS)
def test_a_key_whose_schema_is_pending_makes_the_record_wait_whatever_reads_it(rule: Any, traced: bool) -> None:  # noqa: FBT001
    found = {"session": "k", "kind": "a", "user": "u", "item": "i", "id": "e", "list": [{"a": 1}, {"a": 2}]}
    decoder = Decoder(pending(), pending(), found)
    trace = Trace() if traced else None
    rules = pipeline(decoder, rule, trace=trace)
    waiting = record({"session": "s", "list": [{"inner": [1]}, {"inner": [2, 3]}]})
    for asked in (1, 2):
        if trace is not None:
            trace.begin()
        assert rules(waiting, NOW) == Pending("schema 7", "p")
        assert decoder.asked == asked
    made = rules(waiting, NOW)
    assert isinstance(made, Transformed)
    assert (made.rejection, made.failed, decoder.asked) == (None, (), 3)
