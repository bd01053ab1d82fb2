"""Chaos: the real connector in processes, on three real brokers, against an endpoint that misbehaves on order.

Every scenario ends before the same judge. Its rooms, each to be borrowed alone:

- `sizes`: how large the scenarios are, and their seed. ``CHAOS_SEED=n`` gives the same orders at the same distances
  again; how the processes interleave stays the machine's. ``CHAOS_SIZE`` is 0 for the short suite, 1 for the whole.
- `streams`: traffic whose every record has a known end; `feed` writes it, at a rate, while the scenario runs.
- `watcher`: reads the committed offsets from the broker, and then what was accepted, again and again.
- `judgement`: what must hold of all that, as pure functions; `test_judgement` proves that they can say no.
- `world`: topic, dead letters, endpoint, members and watcher, and the way to the judge.
"""
