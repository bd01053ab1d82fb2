"""Other tools' words for formats, envelopes and compression, for ``did you mean …?``."""

from collections.abc import Mapping

from connector.config.problems import suggest_or_list

# A word may stand for several; the one that is a choice at that place counts.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "avro": ("avro_confluent", "confluent_avro", "avro_registry", "avsc"),
    "protobuf": ("proto", "proto3", "protobuf_confluent", "pb"),
    "json_schema": ("jsonschema", "json_sr", "json_confluent", "json_registry"),
    "json_lines": ("jsonl", "ndjson", "jsonlines", "lines", "json_stream"),
    "delimited": ("csv", "tsv", "separated"),
    "text": ("string", "raw", "plain", "utf8", "str"),
    "string": ("text", "raw", "plain", "utf8", "str"),
    "bytes": ("hex", "binary", "base64", "bytearray"),
    "long": ("int64", "bigint", "biginteger", "int8"),
    "int": ("int32", "integer", "int4"),
    "uuid": ("guid",),
    "debezium": ("debezium_json", "cdc", "debezium_avro"),
    "cloudevents": ("cloudevent", "cloud_events", "ce"),
    "connect": ("kafka_connect", "schemas_enable"),
    "plain": ("sasl_plain", "sasl_ssl", "password"),
    "scram": ("scram_sha_256", "scram_sha_512", "sasl_scram"),
    "oidc": ("oauth", "oauth2", "oauthbearer", "sasl_oauthbearer"),
    "msk_iam": ("iam", "aws_iam", "aws_msk_iam"),
    "gzip": ("gz",),
    "zlib": ("deflate",),
    "skip": ("drop", "ignore", "discard", "omit"),
    "dead_letter": ("dlq", "deadletter", "reject", "fail", "raise"),
    "earliest": ("beginning", "smallest", "start", "oldest"),
    "latest": ("end", "largest", "newest"),
    "debug": ("trace", "verbose"),
    "warning": ("warn",),
    "error": ("critical", "fatal"),
    "zstd": ("zstandard", "zst"),
}
_KAFKAS_OWN = ("snappy", "lz4")


def meant_choice(word: str, choices: list[str]) -> str | None:
    """The choice in other letters or under another name, else one that looks like it, else the choices."""
    plain = word.lower().replace("-", "_").strip()
    if plain in _KAFKAS_OWN and "gzip" in choices:
        return "what Kafka itself compressed needs no setting: remove compression"
    named = next((choice for choice in choices if plain in (choice, *_SYNONYMS.get(choice, ()))), None)
    return f"did you mean {named}?" if named else suggest_or_list(word, choices, "known")
