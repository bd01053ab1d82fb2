"""Entries become calls: in order within a session, within the rate limit; and offsets become committable.

| module | what it holds |
|---|---|
| destinations.py, destination.py | whose turn it is; the lanes, rate and held rejections of one target |
| lanes.py | the queues of sessions: which events share a call |
| mixed.py, versions.py | calls that mix lanes; of users, items and actions only the newest of an id goes |
| rate.py | rate limiter, circuit breaker, backoff |
| outcomes.py, answers.py | what an answer of the service means, and whether it is the service's |
| backpressure.py, reserve.py | when reading stops, which partitions pause |
| offsets.py | open records, and what may be committed |
| flood.py, flood_notes.py | when a pipeline's records turn invalid all at once; what the next process is told |
| backlog.py, needed.py | how many calls a backlog takes; and a stream, a second |
| lag.py | how far a group is behind, in words |
"""
