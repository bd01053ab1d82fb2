"""What editors and readers get: the effective file, and the JSON Schema."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.config import Config, json_schema, print_config
from connector.config.models import DeliveryConfig
from connector.config.schema import DESCRIPTIONS, NEVER_EMPTY
from connector.config.yaml_tree import parse
from tests.support.config_files import EXAMPLE, build, loaded

FULL_SPEC = build(
    pipelines="""\
    pipelines:
      - name: web
        topics: [clicks, ^more.*]
        key: {format: json}
        unmatched: dead_letter
        rules:
          - {name: bots, when: value.bot, skip: bots}
          - name: rest
            put_events:
              sessionId: {from: value.s, default: null, as: string}
              eventType: {case: [{when: value.a, then: {const: null}}, {else: {template: 'x{{ value.t }}'}}]}
              eventId: {from: value.e, lookup: {1: a, true: b, 'no': c}, otherwise: {const: null}}
              impression: [value.a, {const: "0o17"}]
              properties: {env: value.x, size: {const: 1e3}}
              sentAt: {from: value.t, format: epoch_ms, timezone: Europe/Berlin}""",
    tests="tests:\n  - {name: t, pipeline: web, input: {value: {a: 1e3, b: '1e3', c: '0o7', d: 'yes'}}, output: []}",
)


REGISTRY = build(
    schema_registry="schema_registry: {url: [https://a, https://b/c], auth: {type: bearer, token: t, "
    "extensions: {logicalCluster: lsrc-1}}}"
)
GLUE = build(schema_registry="schema_registry: {type: glue, region: eu-west-1}")


@pytest.mark.parametrize("text", [EXAMPLE, build(), FULL_SPEC, GLUE], ids=["example", "small", "full", "glue"])
def test_what_is_printed_loads_again_to_the_same(text: str) -> None:
    first = loaded(text)
    printed = print_config(first.config)
    again = loaded(printed, {})
    assert again.config == first.config
    assert print_config(again.config) == printed
    assert again.hash == first.hash


def test_a_printed_registry_loads_again_but_for_its_secrets() -> None:
    first = loaded(REGISTRY).config
    printed = print_config(first)
    again = loaded(printed, {}).config
    assert again.schema_registry is not None
    assert first.schema_registry is not None
    assert again.schema_registry.model_dump() == first.schema_registry.model_dump()
    assert print_config(again) == printed


def test_print_fills_defaults_in_and_resolves_references() -> None:
    printed = yaml.safe_load(print_config(loaded(EXAMPLE).config))
    assert printed["personalize"]["tracking_id"] == "tracker-1"
    assert printed["delivery"]["retry"] == {"initial": "100ms", "maximum": "20s"}
    printed = yaml.safe_load(print_config(loaded(build()).config))
    assert printed["delivery"]["shutdown_timeout"] == "25s"
    assert list(printed) == list(Config.model_fields)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
    | st.sampled_from(
        [
            "no",
            "1e3",
            "0o17",
            "1:30",
            "~",
            "null",
            "true",
            "-",
            "a: b",
            "#",
            "'",
            "<<",
            "=",
            "2026-11-24",
            " a",
            "&a",
            "*a",
            "!a",
            "\ufeff",
        ]
    )
)
def test_any_text_is_printed_so_that_it_stays_text(text: str) -> None:
    config = loaded(build()).config
    kafka = config.kafka.model_copy(update={"group_id": text})
    printed = print_config(config.model_copy(update={"kafka": kafka}))
    assert parse(printed).data["kafka"]["group_id"] == text


# The schema


def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object in the schema."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield path, node
        for key, item in node.items():
            # Under `properties` the keys are settings, one of which is called properties.
            inside = item.values() if key == "properties" else [item]
            for each in inside:
                yield from objects(each, f"{path}/{key}")
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from objects(item, f"{path}/{number}")


def test_every_setting_is_described_and_required_or_has_a_default() -> None:
    schema = json_schema()
    seen = 0
    for path, node in objects(schema):
        for name, setting in node["properties"].items():
            seen += 1
            # A description that a section and the setting have in common stands at the section.
            section = schema["$defs"].get(setting.get("$ref", "").removeprefix("#/$defs/"), {})
            text = setting.get("description") or section.get("description", "")
            assert text.endswith("."), f"{path}/{name}"
            reference = path.endswith(("/Env", "/File"))
            collection = setting.get("type") in ("array", "object") or "librdkafka" in name
            spec = path.rpartition("/")[2] in NEVER_EMPTY  # whose keys are there with a value, or not there
            said = "default" in setting or reference or collection or spec
            assert name in node.get("required", ()) or said, f"{path}/{name}"
            if name in node.get("required", ()) and name != "type" and not reference:
                assert "equired" in text, f"{path}/{name}"
    assert seen > 80


def test_an_editor_marks_a_key_of_a_rule_with_nothing_after_it() -> None:
    definitions = json_schema()["$defs"]
    for name, key in (("Rule", "when"), ("PutEventsSpec", "itemId"), ("PutEventsSpec", "impression"), ("From", "as")):
        assert "'type': 'null'" not in str(definitions[name]["properties"][key]), key


def test_every_description_of_the_core_s_settings_is_of_a_setting() -> None:
    definitions = json_schema()["$defs"]
    for name, texts in DESCRIPTIONS.items():
        assert set(texts) == set(definitions[name]["properties"]), name


def test_durations_say_their_unit_and_their_default_as_the_file_does() -> None:
    settings = json_schema()["$defs"]["DeliveryConfig"]["properties"]
    defaults = {name: settings[name]["default"] for name in ("linger", "request_timeout", "shutdown_timeout")}
    assert defaults == {"linger": "1s", "request_timeout": "10s", "shutdown_timeout": "25s"}
    assert "duration" in settings["linger"]["description"]
    assert settings["retry"]["default"] == {"initial": "100ms", "maximum": "20s"}


def test_descriptions_name_the_unit_of_every_number() -> None:
    numbers = {name for name, field in DeliveryConfig.model_fields.items() if field.annotation in (int, float)}
    words = ("duration", "calls", "Calls", "Events")
    for name in numbers:
        assert any(word in (DeliveryConfig.model_fields[name].description or "") for word in words), name


def test_scalars_of_the_sections_may_be_references_and_those_of_pipelines_not() -> None:
    definitions = json_schema()["$defs"]
    references = [{"$ref": "#/$defs/Env"}, {"$ref": "#/$defs/File"}]
    sections = ["PersonalizeConfig", "DeliveryConfig", "RatesConfig", "DeadLetterConfig", "FloodConfig", "ServerConfig"]
    for section in [*sections, "LogConfig"]:
        for name, setting in definitions[section]["properties"].items():
            if name not in ("assume_role", "retry", "flood", "rates"):
                assert setting["anyOf"][-2:] == references, f"{section}.{name}"
    assert "Env" not in str(definitions["PutEventsSpec"])
    assert "Env" not in str(definitions["PipelineSpec"])


def test_secrets_are_text_in_the_schema() -> None:
    password = json_schema()["$defs"]["PlainAuth"]["properties"]["password"]
    assert password["anyOf"][0]["type"] == "string"


def test_references_inside_the_schema_lead_somewhere() -> None:
    schema = json_schema()
    text = str(schema)
    for name in {part.split("'")[0] for part in text.split("#/$defs/")[1:]}:
        assert name in schema["$defs"], name


def test_unknown_keys_are_red_in_an_editor() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["kafka", "dead_letter", "pipelines"]
    assert all(node["additionalProperties"] is False for _, node in objects(schema))
