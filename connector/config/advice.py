"""Hints for people who know other tools: keys by other names, keys of other sections, values of other shapes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from connector.config.choices import keys_at
from connector.config.problems import suggest_or_list
from connector.config.yaml_tree import Path
from connector.core import words
from connector.core.mapping.specs import PUT_KEYS, SPEC_KINDS
from connector.core.operations import BY_ACTION, PUT_EVENTS

# Letters and digits of other names, by the key that is meant; the one that is free at that place counts.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "dead_letter": ("dlq", "deadletters", "deadletterqueue", "deadlettertopic", "errors"),
    "personalize": ("aws", "sink", "destination"),
    "kafka": ("source", "consumer"),
    "pipelines": ("mappings", "routes", "streams"),
    "bootstrap_servers": ("brokers", "brokerlist", "servers", "hosts", "metadatabrokerlist"),
    "group_id": ("group", "consumergroup", "groupname"),
    "auth": ("sasl", "security", "securityprotocol", "authentication", "saslmechanism"),
    "tls": ("ssl",),
    "librdkafka": ("properties", "config", "options", "consumerconfig"),
    "tracking_id": ("trackerarn", "eventtrackerarn", "tracker", "trackerid", "eventtracker", "eventtrackerid"),
    "put_events": ("event", "events", "action", "map", "mapping", "output", "fields", "members"),
    "put_users": ("user", "users", "profile", "profiles", "putuser"),
    "put_items": ("item", "items", "product", "products", "catalogue", "putitem"),
    "put_actions": ("actions", "putaction"),
    "put_action_interactions": ("actioninteraction", "actioninteractions", "interactions", "putactioninteraction"),
    "users_dataset_arn": ("usersarn", "userdataset", "usersdataset", "userdatasetarn"),
    "items_dataset_arn": ("itemsarn", "itemdataset", "itemsdataset", "itemdatasetarn"),
    "actions_dataset_arn": ("actionsarn", "actiondataset", "actionsdataset", "actiondatasetarn"),
    "datasetArn": ("dataset", "arn"),
    "actionId": ("action", "offer", "offerid"),
    "when": ("if", "condition", "filter", "match", "where", "predicate"),
    "for_each": ("foreach", "loop", "each", "items", "explode", "flatmap"),
    "skip": ("ignore", "drop", "discard"),
    "sessionId": ("session", "sid", "visitorid", "anonymousid"),
    "eventType": ("type", "event", "name", "eventname"),
    "timestamp": ("sentat", "time", "ts", "date", "eventtime", "createdat"),
    "sentAt": ("timestamp", "time", "ts", "date", "eventtime", "createdat"),
    "itemId": ("product", "productid", "sku"),
    "userId": ("customer", "customerid", "uid"),
    "eventValue": ("price", "amount", "revenue"),
    "properties": ("context", "metadata", "attributes", "columns"),
    "impression": ("impressions", "shown"),
    "from": ("expr", "expression", "path", "value", "field", "source", "jmespath"),
    "lookup": ("map", "table", "values", "mapping", "dictionary"),
    "default": ("else", "fallback", "ifnull"),
    "input": ("record", "records", "given", "message"),
    "output": ("expect", "expected", "want"),
    "const": ("constant", "literal", "static", "fixed", "text", "string"),
    "template": ("format", "concat", "jinja"),
    "then": ("value", "do", "result"),
}
_REASON = "write the reason as a word, as in skip: bot"
_AWS = "AWS credentials come from the environment, a profile or the pod's role, not from this file"
_CREDENTIALS = ("accesskey", "secretkey", "sessiontoken", "profile", "credentials")
# Where keys live, and what the place is called.
_HOMES: Mapping[str, Path] = {
    "kafka": ("kafka",),
    "personalize": ("personalize",),
    "delivery": ("delivery",),
    "dead_letter": ("dead_letter",),
    **{key: ("pipelines", 0, "rules", 0, key) for key in PUT_KEYS},
    "a rule": ("pipelines", 0, "rules", 0),
    "a pipeline": ("pipelines", 0),
    "value": ("pipelines", 0, "value"),
    "server": ("server",),
    "log": ("log",),
}
# What a key that is missing could look like.
_EXAMPLES: Mapping[str, str] = {
    "kafka": 'kafka: {bootstrap_servers: "broker-1:9092", group_id: personalize}',
    "bootstrap_servers": 'bootstrap_servers: "broker-1:9092"',
    "group_id": "group_id: personalize",
    "dead_letter": "dead_letter: {topic: clicks.dead-letter}",
    "pipelines": "pipelines: [{name: web, topics: [clicks], rules: [...]}]",
    "topics": "topics: [clicks]",
    "rules": "rules: [{name: view, put_events: {...}}]",
    "sessionId": "sessionId: value.session",
    "eventType": "eventType: {const: View}",
    "userId": "userId: value.id",
    "itemId": "itemId: value.sku",
    "actionId": "actionId: value.action",
    "when": "when: value.type == 'view'",
    "then": "then: {const: View}",
}
_LEFT_EMPTY: Mapping[str, str] = {
    "skip": "write a reason, as in skip: bot",
    "put_events": "write its members below it, further to the right, as in sessionId: value.session",
    "put_users": "write its members below it, further to the right, as in userId: value.id",
    "put_items": "write its members below it, further to the right, as in itemId: value.sku",
    "put_actions": "write its members below it, further to the right, as in actionId: value.id",
    "put_action_interactions": "write its members below it, further to the right, as in actionId: value.action",
}
# The key to begin with, where it is not the model's first.
_FIRST: Mapping[str, str] = {
    "put_events": "sessionId",
    "put_users": "userId",
    "put_items": "itemId",
    "put_actions": "actionId",
    "put_action_interactions": "actionId",
}
_SHAPES: Mapping[str, str] = {
    "when": "write an expression, as in value.type == 'view'",
    "bootstrap_servers": "name each broker with its port, as in broker-1:9092",
}
_BESIDE_FROM = frozenset({"lookup", "otherwise", "default", "format", "timezone", "as"})
_REFERENCE = frozenset({"env", "file", "default"})


def key_hint(key: str, path: Path, free: Sequence[str], keys: Sequence[str], model: type[BaseModel]) -> str | None:
    """What to write in place of a key that the mapping at ``path`` does not have, where ``free`` are not taken yet."""
    plain = _plain(key)
    if path == ("personalize",) and any(word in plain.replace("id", "") for word in _CREDENTIALS):
        return _AWS
    if not path and plain == "aws" and "personalize" not in free:
        return f"{_AWS}; its other settings stand under personalize"
    if path == ("kafka",) and plain.startswith("sasl") and "auth" in free:
        return "write it inside of auth, as in auth: {type: scram, username: ..., password: ...}"
    close = words.suggest(key, free) or other_name(key, free)
    if close:
        return close
    return _elsewhere(key, path, model) or suggest_or_list(key, keys, "keys")


def _elsewhere(key: str, path: Path, model: type[BaseModel]) -> str | None:
    """Where a key belongs that is none of the mapping at ``path``."""
    if path == ("delivery", "rates") and key == PUT_EVENTS.action:
        return "the rate of put_events is delivery.requests_per_second"
    homes = [name for name, at in _HOMES.items() if at != path and key in keys_at(model, at, None)]
    action = str(path[-1]) if path[:1] == ("pipelines",) else ""
    if action in PUT_KEYS:
        homes = [name for name in homes if name in PUT_KEYS] or homes
        if not homes and BY_ACTION[action].identity is not None:
            return f"columns stand in properties, as in properties: {{{key}: …}}"
    shown = homes if action in PUT_KEYS else homes[:1]
    return f"{key} is a key of {' and '.join(shown)}" if shown else None


def other_name(key: str, free: Sequence[str]) -> str | None:
    """``did you mean sentAt?`` for ``timestamp``; None for what is no name of another tool."""
    plain = _plain(key)
    meant = next((name for name in free if plain in _NAMES.get(name, ())), None)
    return f"did you mean {meant}?" if meant else None


def spec_hint(keys: Sequence[str]) -> str | None:
    """What to write for a field spec that has none of the keys that say what it is."""
    if not _BESIDE_FROM.isdisjoint(keys):
        return "add the expression, as in {from: value.name, …}"
    return next(filter(None, (other_name(key, SPEC_KINDS) for key in keys)), None)


def example_of(key: str) -> str | None:
    """How to write a key that is missing."""
    example = _EXAMPLES.get(key)
    return None if example is None else f"write {example}"


def left_empty(key: str) -> tuple[str, str]:
    """Message and hint for a key with nothing after its colon."""
    return f"expected a value after {key}, not nothing", _LEFT_EMPTY.get(key, "write a value, or remove the line")


def nested_property_hint(path: Path, found: Any) -> str | None:
    """What to write for a property that is a mapping of expressions."""
    if len(path) < 2 or path[-2] != "properties" or not isinstance(found, dict) or not found:
        return None
    name, (inner, spec) = path[-1], next(iter(found.items()))
    written = spec if isinstance(spec, str) else "..."
    return f"a property is one value: name each, as in {name}_{inner}: {written}"


def _of_an_expression(found: Any) -> str | None:
    """What to write where one expression is expected, and several stand in a list, or a value by itself."""
    if isinstance(found, list) and len(found) > 1 and all(isinstance(each, str) and "." in each for each in found):
        return f"for the first that has a value write not_null({', '.join(found)})"
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return f"for a fixed value write {{const: {found}}}"


def shape_hint(what: str, path: Path, found: Any, model: type[BaseModel]) -> str | None:
    """How to write what is expected, where something of another shape stands."""
    key = str(path[-1]) if path else ""
    if isinstance(found, dict) and found and _REFERENCE.issuperset(found) and path[:1] == ("pipelines",):
        return "pipelines take no references: write the value itself"
    if key == "skip" and what == "text" and isinstance(found, dict | list):
        return _REASON
    if key in _SHAPES and what in {"a list", "text"}:
        return _SHAPES[key]
    if key == "otherwise":  # what stands there is a word most often
        return None
    if what.startswith("an expression") or (what == "text" and key == "from"):
        return _of_an_expression(found)
    if what == "a whole number" and isinstance(found, str):
        return "write digits alone, as in 10000"
    if what == "a list":
        return "write it in brackets, as in [a, b]" if isinstance(found, str) else _of_items(found)
    return _of_a_mapping(path, found, model) if what == "a mapping" else None


def _of_a_mapping(path: Path, found: Any, model: type[BaseModel]) -> str | None:
    if isinstance(found, dict) or found is None:
        return None
    if isinstance(found, list) and found and all(isinstance(each, dict) for each in found):
        return "it is one mapping: remove the dashes"
    first = _FIRST.get(str(path[-1]) if path else "") or next(iter(keys_at(model, path, None)), "name")
    return f"write it with its key, as in {{{first}: …}}"


def _of_items(found: Any) -> str | None:
    return "begin each item with a dash" if isinstance(found, dict) and found else None


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())
