"""Schemas from a registry, fetched in a thread of its own while the records that need them wait.

| module | what it holds |
|---|---|
| schemas.py | the cache that the loop asks, and what becomes of each answer |
| fetching.py | when which schema is asked for: one request at a time, backoff, confirmation |
| answers.py | how asking for a schema can end |
| confluent.py | Confluent's API: a schema and those that it refers to |
| http.py | one request: time-outs, proxies |
| certificates.py | TLS files, read again when they change |
| logins.py | the Authorization header, and OAuth tokens |
| glue.py | AWS Glue |
| compiling.py | a schema becomes a decoder |
| proto_source.py | .proto text becomes descriptors |
| opening.py | from the section of the file to the registry |
"""
