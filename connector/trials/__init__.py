"""``putevents test``: the tests of a file, run through the full path, without Kafka, AWS and a schema registry.

| module | what it holds |
|---|---|
| encoding, inputs, clocks | a test's input becomes records, and the time that its clock shows |
| cases | the tests of a configuration and of the files beside it, ready to run |
| outcomes, comparing | what became of a record, as the file says it; the differences from what was expected |
| running | the whole walk |
| coverage | the parts of a mapping, and which of them the tests used |
| values, layout, updating | expectations are written back, and nothing else changes |
| text, programs | reports for people; JSON and JUnit for programs |
"""
