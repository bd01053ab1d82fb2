"""A decoded record becomes entries for a call, by the rules of the file.

| module | what it holds |
|---|---|
| specs.py | pipelines, rules and members as the file has them |
| reading.py, roots.py | value, key and headers decoded; which decoder a format has; what a value must be |
| transform.py | a record becomes a fate: the entry to everything here |
| topics.py | which pipeline reads a topic |
| rules.py, scope.py, doubts.py | the first rule that matches; mistakes, collected; rules that nothing reaches |
| fields.py, templates.py, constants.py | a member's spec becomes a closure |
| members.py, values.py, written.py, times.py | the members of entries: ids, conversions, times |
| durations.py | `14d` becomes seconds |
| lists.py, elements.py, batches.py | `for_each`, lists within lists, batches, and the place of an element |
| events.py, plain_events.py, entries.py, targets.py, limits.py | within every limit of the service |
| made.py | what a rule made |
| shapes.py | which members came and went between two documents |
| explain.py | notes of every step, for `map --explain` |
"""
