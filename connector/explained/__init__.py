"""A page for each code that a user may see: what it means, what causes it, and what mends it.

``putevents explain CODE`` prints it, and docs/reference/errors.md has all of them. A code of ``validate`` that has no
page fails a test, and so does a page whose example does not give its code. Nothing imports this but ``explain``.
"""
