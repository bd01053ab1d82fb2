"""What the connector knows, without the world: no I/O, clock, randomness, threads or logging.

Time and chance are arguments, data errors are values. A record's walk is ``transform`` (decoding, mapping, events),
then ``channels`` (channel, batching, pacing), ``outcomes`` on the way back, and ``offsets`` and ``flow`` around it all.
"""
