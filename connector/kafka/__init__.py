"""Everything that knows confluent_kafka: reading, committing, dead letters, logging in.

| module | what it holds |
|---|---|
| source.py | poll, pause, rebalance callbacks |
| commits.py, leaving.py | commits; leaving the group |
| following.py, missed.py, reach.py | topics that come and go; deleted records; whether Kafka answers |
| reading.py, outages.py | reading without a group, for commands that look; what they say of brokers that are away |
| dead_letters.py, letter.py | writing dead letters; their format |
| clients.py, certificates.py, msk_tokens.py | clients and what they log in with |
| standing.py | where a group stands, asked without joining it |
| startup.py, advertised.py | checks before the first record |
| asking.py, dialing.py | questions about rights, groups and settings; connections tried one by one |
| errors.py | what an error of Kafka means |
| messages.py, aside.py | types of the client; slow questions in a thread |
"""
