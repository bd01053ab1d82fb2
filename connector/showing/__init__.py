"""What became of a record, shown to a person: `putevents map --output text`.

| module | what it does |
|---|---|
| calls.py | what is in a call, of whichever operation |
| limits.py | how much of the service's limits a member and an event use |
| columns.py | cells in columns that fit a width; a row that does not fit has its cells below each other |
| members.py | a member of an event as cells: what it says, reads, gives, and its limit |
| text.py | a record: its fate, the rules, the members, the calls |
"""
