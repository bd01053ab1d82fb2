"""A page for each code that a user may see: what it means, what causes it, and what mends it.

``putevents explain CODE`` prints it, and docs/reference/errors.md has all of them. A code of ``validate`` that has no
page fails a test, and so does a page whose example does not give its code. Nothing imports this but ``explain``.

| module | what it holds |
|---|---|
| book.py, page.py | all pages, and how a word finds them; what a page says |
| shown.py | pages for a terminal, and as Markdown |
| of_yaml.py, of_settings.py, of_connections.py, of_mapping.py | codes of `validate` |
| of_checks.py | findings of `check` |
| of_records.py, of_exits.py | reasons of dead letters and skips; exit codes |
"""
