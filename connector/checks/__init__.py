"""`putevents check`: everything that a run needs, tried for real, with a remedy for what is not so.

A check is a function from the world to findings. It writes nothing, joins no group and commits nothing; the one
exception is the test event, which is sent only if the user names its type.

| module | what it holds |
|---|---|
| finding.py | what a check says: a mark, a code, what was found, what to do |
| inspection.py | the categories in their order; what is skipped because something else failed; the exit code |
| report.py | findings as text, as short text, as JSON; what has changed since the last look |
| waiting.py | looking again until all is well |
| world.py | what the checks share: the file, the clients, and what earlier checks have learned |
| everything.py | which categories there are, and what each needs |
| of_network.py, of_login.py, of_topics.py | names, connections and TLS; the login and advertised names; the topics |
| of_group.py, of_dead_letters.py | the consumer group; the dead-letter topic |
| of_registry.py, of_quota.py | the schema registry; calls a second |
| of_aws.py, of_datasets.py, targets.py | credentials, each operation, the tracker; datasets; where the calls go |
"""
