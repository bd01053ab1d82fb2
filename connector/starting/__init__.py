"""``putevents init``: a first mapping, from a preset or from sample records.

| module | what it does |
|---|---|
| presets.py | the files of examples/, by the name of their source |
| samples.py | lines become records: JSON, dumps of kcat and of Kafka's console consumer, CSV |
| fields.py | what the records have: members, how often, how many different values |
| roles.py | which member is the session, the user, the item, the time |
| choosing.py | members that the user names, and hints where none is found |
| kinds.py | names of events become event types |
| envelopes.py, sources.py | what is around the records, and whose they are |
| planning.py, plans.py, members.py | members and names become rules, with the evidence |
| people.py | people's values are replaced |
| trying.py | records become tests, with what the mapping makes of them |
| writing.py, drafting.py | the file as text |

All but presets.py is pure: the same lines give the same file.
"""
