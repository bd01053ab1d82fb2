"""Kafka to Amazon Personalize: read, map, validate, batch, call PutEvents, commit.

Data flows one way, and so do imports: core <- config <- loop <- app <- cli.

| room | what it holds | may import |
|---|---|---|
| core/ | pure functions and state: no I/O, clock, randomness, threads or logging | pydantic, jmespath, orjson |
| config/ | the YAML file: models, positions, located errors, secrets | core |
| streams.py | standard streams that are closed, full, or read by nobody | nothing |
| metrics.py, server.py, listening.py, logs.py | what an operator sees | core, streams |
| ports.py | what the loop needs of the outside, as Protocols | core |
| loop.py, delivery.py, watch.py | the loop that owns all state, in one thread | core, ports, metrics, logs |
| aside.py, addresses.py | questions beside the loop | nothing |
| refusals.py, reach.py, messages.py | Kafka's words | core, ports, addresses |
| readiness.py, retention.py, following.py | Kafka is asked | core, ports, metrics, logs, aside, addresses, refusals |
| source.py | Kafka in | core, ports, metrics, logs, refusals, reach, messages, readiness, retention, following |
| credentials.py, failures.py | who we are to AWS, as its own chain finds it; how a failed call is named | nothing |
| personalize.py, wire.py, calls.py | AWS out | core, credentials, failures, ports, metrics, logs |
| auth.py, msk.py, certificates.py | logging in to Kafka | config, credentials, failures, ports, metrics, logs |
| dead_letters.py | dead letters out | core, ports, metrics, logs, aside, refusals |
| tracing.py, spans.py | a span for each call, where OpenTelemetry is asked for | core, ports, logs |
| status/ | the status page: what it shows, and how | core, ports, metrics, server, loop, watch, dead_letters |
| ending.py | why the process ends, and that it does | core, credentials, exits, ports, loop, signals |
| life.py | what probes and page are told, first to last | ending, ports, metrics, server, loop, status |
| dry_run.py | records from a file through a mapping, without Kafka and AWS | core, config |
| exits.py | exit codes, a contract | nothing |
| signals.py | signals to stop, and beginning anew | exits |
| local/ | embedded broker, local PutEvents endpoint, demo clickstream | anything below app |
| app.py | puts the rooms together; the life of the process | anything below cli |
| cli/, __main__.py | arguments to calls, results to exit codes | everything |

Files of one row may import each other, and all may import ``connector`` itself, for the version.
ruff holds the first row (see ``banned-api`` in pyproject.toml), ``tests/test_architecture.py`` all of them.
"""

__version__ = "0.1.0"
