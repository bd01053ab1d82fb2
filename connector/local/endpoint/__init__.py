"""A local Personalize Events endpoint: it enforces every service limit, and faults can be injected.

| module | what it holds |
|---|---|
| command.py | `putevents endpoint`: options, start and stop |
| server.py | the endpoint as a server, in this thread or one of its own |
| connection.py | one HTTP connection: bytes to requests, reactions to bytes |
| exchange.py | a request, and the reactions to it: a reply, a reset, a hang |
| handler.py | a request becomes a reaction; the pages under `/_local/` |
| datasets.py | DescribeDataset, for `putevents check` |
| signatures.py | checks Signature Version 4 |
| operations.py | the five operations, read from botocore's model |
| validation.py | checks a call against the service's model |
| faults.py | the faults that are injected |
| ledger.py | the accepted events, and counters |
| errors.py | the errors and their statuses |
| rendering.py | a reply as HTTP |
"""
