"""A URL is shown without its secrets: the user and password before its host, the values of its query.

A URL stands in configuration files, in the errors of libraries and in logs, and any of them may carry a key.
"""

import re
from collections.abc import Iterator

MASK = "********"

# In JSON and in YAML's double quotes a slash may be escaped. A URL ends at a blank or a quote, wherever it stands.
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}:\\?/\\?/[^\s\"'<>`|]+")
_START = re.compile(r":\\?/\\?/")
_VALUES = re.compile(r"[?&;#]([^=&;#]*=)?+([^&;#]+)")


def secrets_of_urls(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a text that must not be shown, in order: their start, and their end (exclusive)."""
    for url in _URL.finditer(text):
        begin = _START.search(text, url.start()).end()  # type: ignore[union-attr]  # it is a part of the URL
        query = next((at for at in range(begin, url.end()) if text[at] in "?#"), url.end())
        # A password may hold any sign, so the last @ counts, even one that follows a slash or a question mark.
        ends = text.rfind("@", begin, url.end())
        if ends > begin:
            yield begin, ends
            query = max(query, ends)
        for value in _VALUES.finditer(text, query, url.end()):
            yield value.span(2)


def without_secrets_of_urls(text: str) -> str:
    """The text with a mask in place of them."""
    if "://" not in text and ":\\/" not in text:
        return text
    parts, at = [], 0
    for start, stop in secrets_of_urls(text):
        parts += [text[at:start], MASK]
        at = stop
    return "".join([*parts, text[at:]])
