"""`putevents plan`: what a change of a file changes, found on real records that go through both versions of it.

Each record goes through two compiled pipelines, those that `run` would use; only what comes out of them is compared.

| module | what it holds |
|---|---|
| revisions | a file as git has it at a revision, with the files that it refers to |
| sides | one version of the file: its pipelines, its calls, its counts |
| outcomes | what became of a record on one side, in a form that can be compared |
| comparing | two outcomes: which events belong together, which members differ |
| masks | values in words that do not show them |
| findings | all differences together, counted, with an example each |
| settings | what differs outside of the rules, and what follows from it |
| consequences | what `--fail-on` can name |
| sections, wording | the report as tables, and its sentences |
| shown | those tables as text and as Markdown |
| programs | the report as JSON |
"""
