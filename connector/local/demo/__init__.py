"""``putevents demo``: sends a shop's clickstream through the real connector and checks every record's outcome.

| module | what it holds |
|---|---|
| command.py | the options, and the demo from start to end |
| clickstream.py | the clicks, each with the outcome that it must have |
| catalogue.py | changes of products and profiles, and the newest version of each |
| breakages.py | the ways in which records are broken |
| processes.py | the broker, the endpoint and the connector as processes |
| traffic.py | writes records; reads events, dead letters, offsets and metrics |
| judge.py | compares what was read with what was expected |
| report.py | the progress line and the final page |
| paths.py | where the demo's files are, and how paths are shown |
"""
