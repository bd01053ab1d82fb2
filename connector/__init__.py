"""Kafka to Amazon Personalize: read, map, validate, batch, call PutEvents, commit.

A record passes kafka/source, loop, core/mapping, core/sending, aws, delivery, and kafka/source again (the commit).
Imports go one way: a room imports its own row, the rows of the rooms named beside it, and core/records.

| room | what it holds | may import |
|---|---|---|
| exits.py, streams.py, interrupt.py, replacing.py, listening.py, styles.py | exit codes, streams, sockets | nothing |
| core/records.py, core/rejections.py, core/operations.py, core/words.py, core/urls.py | records | nothing |
| core/positions.py | which offsets: `-o` | nothing |
| core/expressions/ | JMESPath: checked, compiled to closures, bounded in work | nothing |
| core/formats/ | bytes become documents: formats, compression, registry frames, envelopes | nothing |
| core/mapping/ | a record becomes entries: rules, members, times, limits | core/expressions, core/formats |
| core/sending/ | entries become calls: lanes, rate, backpressure, offsets | nothing |
| config/ | the YAML file: models, positions, located errors, secrets | core/mapping, core/formats |
| explained/ | a page for each code that a user may see | exits |
| logs.py, counters.py, metrics.py, server.py | what an operator sees | core/sending, streams, listening |
| ports.py | what the loop needs of Kafka and AWS, as Protocols | core/sending |
| loop.py, pacing.py, waiting.py, holding.py, beginnings.py, delivery.py | the loop | ports, logs, core/sending |
| watch.py, troubles.py | what the loop does as gauges and log lines | loop, ports, logs, core/sending |
| aws/ | credentials, signatures, HTTP, the call | ports, core/sending |
| kafka/ | reads, commits, dead letters | ports, logs, aws, config, core/mapping, core/sending, core/positions |
| registry/ | schemas: asking for them, the cache, AWS Glue | ports, logs, aws, config, core/formats, core/sending |
| tracing/ | OpenTelemetry: one span for each call, if switched on | ports, core/sending |
| status/ | the status page and its JSON | ports, logs, loop, watch, kafka, core/sending |
| given_records.py, given_dumps.py, schema_wait.py | records as people hand them over; their schemas | exits, ports |
| showing/ | a record's fate as text for people | config, styles, core/mapping |
| starting/ | `putevents init` | config, given_dumps.py, trials, core/formats, core/mapping |
| dry_run.py, looking/ | map, tap, lag | config, exits, given_dumps, showing, core/formats, core/mapping, core/sending |
| trials/ | `putevents test` | config, styles, given_records.py, core/formats, core/mapping |
| exporting/ | `export`, `offsets` | anything below exporting |
| planning/ | `putevents plan` | looking, config, styles, schema_wait.py, core/formats, core/mapping, core/sending |
| playground/ | `play` | config, logs, exits, schema_wait.py, dry_run.py, showing, starting, trials, core/mapping |
| signals.py | signals to stop, and restarting in place | exits |
| ending.py, life.py | how the process ends; its probes | signals, exits, aws, ports, logs, loop, status, core/sending |
| local/ | embedded broker, local endpoint, demo | config, exits |
| assembly.py, app.py | puts the rooms together; start and end of the process | anything below assembly |
| checks/ | `putevents check` | assembly, kafka, registry, aws, ports, logs, config, exits, core/mapping, core/sending |
| dlq/ | `putevents dlq`: dead letters read, tried, replayed | anything below dlq |
| cli/, __main__.py | arguments to calls, results to exit codes | everything |

``core/`` is pure: no I/O, clock, randomness, threads or logging; time and chance are arguments. ruff holds that
(``banned-api`` in pyproject.toml), and ``tests/test_architecture.py`` holds this table.
"""

__version__ = "0.1.0"
