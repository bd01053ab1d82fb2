"""JSON Schema of the configuration file, for editors: completion, descriptions, red lines.

It says what the models say. ``putevents validate`` also checks expressions, and settings against each other.
"""

from collections.abc import Iterator
from typing import Any

from connector.config.models import Config
from connector.config.references import ENV_SCHEMA, FILE_SCHEMA
from connector.core.mapping.durations import PATTERN, format_duration
from connector.core.mapping.specs import PUT_SPECS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

NEVER_EMPTY = (*(spec.__name__ for spec in PUT_SPECS.values()), "Rule", "From", "ValueFormat", "KeyFormat")
# The mapping language lives in the core, which knows nothing of editors; its settings are described here.
DESCRIPTIONS: dict[str, dict[str, str]] = {
    "PipelineSpec": {
        "name": "Name of the pipeline, in metrics, messages and dead letters. Required, unique.",
        "topics": "Topics to read: names, or regular expressions that start with ^ and match the whole name. Required, "
        "at least one.",
        "exclude": "Topics that no pattern of `topics` takes: names, or such expressions. Default: none.",
        "max_age": "How long ago an event may have happened, by its `sentAt`, counted from now; a duration above 0. "
        "No bound unless set.",
        "late": "What to do with an event that is older than `max_age`: `skip` it or `dead_letter`; `skip` unless set.",
        "value": "How a record's value is decoded.",
        "key": "How a record's key is decoded, only for rules whose expressions use it.",
        "unmatched": "What to do with a record that no rule matches: `skip` or `dead_letter`.",
        "rules": "What is made of a record; the first rule that matches decides. Required, at least one.",
    },
    "ValueFormat": {
        "format": "What a value is: `json`, `json_lines`, `text`, `delimited`, `avro`, `protobuf` or `json_schema`.",
        "root": "What a JSON value must be: `object`, `array` or `any`. `object` unless set, and also a list where a "
        "rule's `for_each` takes `value` itself.",
        "columns": "Names of the columns of `delimited`, in their order. Required with it.",
        "delimiter": "Character between the columns of `delimited`; a tab unless set.",
        "compression": "How a value is packed beside what Kafka does itself: `none`, `gzip`, `zlib` or `zstd`.",
        "envelope": "What the row or data is wrapped in: `none`, `connect`, `debezium` or `cloudevents`; what is in it "
        "becomes `value`, and its own fields `envelope`.",
        "schema_file": "Path of the schema, from the working directory, for `avro` (.avsc) and `protobuf` (.desc) "
        "without a schema registry, and for `json_schema` (.json) with `validate`. None unless set.",
        "message": "Full name of the Protobuf message type in `schema_file`. None unless set.",
        "validate": "Whether a value of `json_schema` is checked against its schema, that of the registry or of "
        "`schema_file` (.json). Without it the schema is not fetched.",
    },
    "KeyFormat": {
        "format": "What a key is: `string`, `json`, `bytes` (hexadecimal), `long`, `int`, `uuid`, `avro`, `protobuf` "
        "or `json_schema`.",
        "schema_file": "Path of the schema, for `avro` and `protobuf` without a schema registry. None unless set.",
        "message": "Full name of the key's Protobuf message type in `schema_file`. None unless set.",
    },
    "Rule": {
        "name": "Name of the rule, in metrics, messages and dead letters. Required.",
        "when": "Condition, a JMESPath expression, false where it fails; the rule matches every record unless set.",
        "for_each": "Expression for a list, or {from, otherwise}: one event an element, seen as `item` and `index`. A "
        "list of these is for lists within lists: each after the first is a list in the `item` of the one before; in "
        "the rule `item` is the innermost element, and `parent` the element around it.",
        "put_events": "Makes a PutEvents event. Exactly one of the put_ keys and skip is required.",
        "put_users": "Makes a user of PutUsers, which replaces all that the dataset has of it.",
        "put_items": "Makes an item of PutItems, which replaces all that the dataset has of it.",
        "put_actions": "Makes an action of PutActions, which replaces all that the dataset has of it.",
        "put_action_interactions": "Makes an entry of PutActionInteractions.",
        "skip": "Drops the record on purpose; the text is its reason in the metrics. None unless set.",
    },
    "ForEach": {
        "from": "Expression for the list. Required.",
        "otherwise": "What to do with a record whose list is absent or null: `dead_letter` or `skip`.",
    },
    "PutEventsSpec": {
        "trackingId": "Tracking id, 1 to 256 characters; where not set or null, personalize.tracking_id.",
        "sessionId": "Session id, 1 to 256 characters. Required.",
        "userId": "User id, 1 to 256 characters; left out where null or empty, as before a login.",
        "eventType": "Event type, 1 to 256 characters, such as View or Purchase. Required.",
        "eventId": "Id by which the service knows a repeat; unless set, topic-partition-offset-time (and -index).",
        "eventValue": "Number that the event type gives a meaning to, such as a price; left out where null or empty.",
        "itemId": "Item id, 1 to 256 characters; left out where null or empty.",
        "impression": "Items that were shown, 1 to 25 ids: a field spec, or a list of them.",
        "properties": "Further columns: a mapping of name to field spec, or an expression for an object.",
        "recommendationId": "Id of the recommendation that led here, 1 to 40 characters; absent where null or empty.",
        "sentAt": "When it happened, to whole seconds; unless set, the Kafka record's timestamp.",
        "eventAttributionSource": "What led to the event, up to 1024 printable ASCII characters.",
    },
    "PutUsersSpec": {
        "datasetArn": "ARN of the users dataset; where not set or null, personalize.users_dataset_arn.",
        "userId": "User id, 1 to 256 characters. Required.",
        "properties": "Columns: a mapping of name to field spec, or an expression for an object; | joins a list.",
    },
    "PutItemsSpec": {
        "datasetArn": "ARN of the items dataset; where not set or null, personalize.items_dataset_arn.",
        "itemId": "Item id, 1 to 256 characters. Required.",
        "properties": "Columns: a mapping of name to field spec, or an expression for an object; | joins a list.",
    },
    "PutActionsSpec": {
        "datasetArn": "ARN of the actions dataset; where not set or null, personalize.actions_dataset_arn.",
        "actionId": "Action id, 1 to 256 characters. Required.",
        "properties": "Columns: a mapping of name to field spec, or an expression for an object; | joins a list.",
    },
    "PutActionInteractionsSpec": {
        "trackingId": "Tracking id, 1 to 256 characters; where not set or null, personalize.tracking_id.",
        "actionId": "Action id, 1 to 256 characters. Required.",
        "sessionId": "Session id, 1 to 256 characters. Required.",
        "eventType": "Event type, such as Taken, Not Taken or Viewed. Required.",
        "timestamp": "When it happened, to whole seconds; unless set, the Kafka record's timestamp.",
        "userId": "User id, 1 to 256 characters; left out where null or empty, as before a login.",
        "eventId": "Id by which the service knows a repeat; unless set, topic-partition-offset-time (and -index).",
        "recommendationId": "Id of the recommendation that led here, 1 to 40 characters; absent where null or empty.",
        "impression": "Actions that were shown, 1 to 25 ids: a field spec, or a list of them.",
        "properties": "Further columns: a mapping of name to field spec, or an expression for an object.",
    },
    "Const": {"const": "The same value for every record. Required."},
    "Template": {"template": 'Text around expressions, "{{ expression }}"; null as soon as one is. Required.'},
    "Case": {"case": "Arms in order; the first whose `when` is true gives the value, null without one. Required."},
    "Arm": {
        "when": "Condition, a JMESPath expression. Required.",
        "then": "Field spec of the value where the condition is true. Required.",
    },
    "Else": {"else": "Field spec of the value where no condition is true; the last arm. Required."},
    "From": {
        "from": "Expression for the value that the other keys work on. Required.",
        "lookup": "Table from the value, as text, to what it becomes. None unless set.",
        "otherwise": "For a value not in the table or, without lookup, for null: `skip`, `dead_letter`, {const: x}.",
        "default": "Value in place of null or an empty text. None unless set.",
        "format": "Format of a time: auto, iso8601, epoch_s, _ms, _us or _ns, array (a list of year, month, day and so "
        "on), or a strptime pattern.",
        "timezone": "Zone of times that name none, such as Europe/Berlin; UTC unless set.",
        "as": "Type of the value: `string`, `int`, `float` or `bool`. As it is unless set.",
    },
}


def json_schema() -> dict[str, Any]:
    """The schema, by the 2020-12 dialect; every setting has a description."""
    schema = _tidy(Config.model_json_schema(by_alias=True))
    definitions = schema["$defs"]
    for name, texts in DESCRIPTIONS.items():
        for key, text in texts.items():
            definitions[name]["properties"][key]["description"] = text
    for name in NEVER_EMPTY:
        definitions[name]["properties"] = {k: _not_empty(v) for k, v in definitions[name]["properties"].items()}
    definitions |= {"Env": ENV_SCHEMA, "File": FILE_SCHEMA}
    return {"$schema": DIALECT, **schema, "title": "Kafka to Amazon Personalize connector"}


def _tidy(node: Any) -> Any:
    """The same schema: what repeats in one place, defaults as the file spells them, no made-up titles."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    for name, definition in (("Env", ENV_SCHEMA), ("File", FILE_SCHEMA)):
        if node == definition:
            return {"$ref": f"#/$defs/{name}"}
    tidy: dict[str, Any] = {
        # Under `properties` keys are settings, one of which may be called title.
        key: {name: _tidy(value) for name, value in item.items()} if key == "properties" else _tidy(item)
        for key, item in node.items()
        if key not in ("title", "discriminator")
    }
    default = tidy.get("default")
    if isinstance(default, float) and any(option.get("pattern") == PATTERN for option in _options(tidy)):
        tidy["default"] = format_duration(default)
    return tidy


def _not_empty(setting: dict[str, Any]) -> dict[str, Any]:
    """A key that is there has a value: `when:` with nothing after it is refused, see ``checks.check_left_empty``."""
    if "anyOf" not in setting:
        return setting
    options = [option for option in setting["anyOf"] if option != {"type": "null"}]
    others = {key: value for key, value in setting.items() if key not in ("anyOf", "default")}
    return {**(options[0] if len(options) == 1 else {"anyOf": options}), **others}


def _options(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (option for option in node.get("anyOf", ()) if isinstance(option, dict))
