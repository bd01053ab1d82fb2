"""A whole environment on one machine, for trials and tests.

| module | what it holds |
|---|---|
| broker.py | `putevents broker`: an in-memory Kafka broker as a process |
| mock_cluster.py | librdkafka's mock cluster, which that broker is made of |
| dropped.py | reports messages that the broker drops |
| endpoint/ | `putevents endpoint`: a local PutEvents that enforces the service's limits and injects faults |
| demo/ | `putevents demo`: the connector between that broker and that endpoint, and a check of the result |
"""
