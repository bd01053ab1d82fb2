"""What `putevents tap` and `putevents lag` show: of records without what identifies people, and of a group's position.

| module | what it holds |
|---|---|
| session.py | one tap: records in, text out |
| tapping.py | a record through the compiled pipeline: its document, its fate, the members that were made |
| masking.py | values as types and lengths |
| programs.py | a record and its fate as JSON, masked |
| columns.py, text.py | the two side by side, as text |
| counting.py, window.py | what happened to all records, and in which time |
| table.py | the counts as text |
| standing.py, holds.py | lag as text and as JSON; pipelines that are held |
"""
