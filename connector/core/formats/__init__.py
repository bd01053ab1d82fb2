"""Bytes become documents: formats, compression, registry frames and envelopes.

| module | what it holds |
|---|---|
| decoded.py | what decoding ends in: a document, an error, the wait for a schema |
| plain.py, lines.py | JSON, text, bytes; JSON lines, columns |
| keys.py | long, int, uuid |
| avro.py, avro_schema.py, avro_reading.py, avro_values.py | Avro: compiled schema, readers of types, logical types |
| protobuf.py, protobuf_files.py | Protobuf: the entry, and schemas as descriptors |
| protobuf_values.py, protobuf_walks.py | messages become documents |
| protobuf_converts.py, protobuf_known.py | single values and lists; well-known types |
| protobuf_weight.py | what a payload would cost, before it is parsed |
| json_schema.py, json_schema_work.py | validation by JSON Schema, and what it may cost |
| framing.py | the frames of schema registries |
| compression.py | gzip, zlib, zstd, up to a bound |
| envelopes.py | the table of envelopes: a new one is a row |
| connect.py, connect_schema.py, connect_types.py | Kafka Connect's schema and payload |
| debezium.py, cloudevents.py | change events; CloudEvents |
| moments.py, numbers.py | times as ISO 8601 text; exact numbers |
| recognition.py | names the format of a value that cannot be decoded |
"""
