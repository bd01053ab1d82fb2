"""Which places of a file hold secrets, and its lines without them.

A message can show the line it speaks of, so the line must be safe before there is a message. If unsure, a value
is masked: under ``auth`` and ``tls`` of Kafka and the schema registry everything is, except what is known to be public.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from connector.config.yaml_tree import Path, Place
from connector.core.urls import MASK, secrets_of_urls

__all__ = ["MASK", "Cut", "ShownLine", "cuts_of", "cuts_of_text", "is_secret", "show"]

_SECRET = re.compile(
    r"passw|passphrase|secret|access[._-]?key|jaas|key[._-]?pem|private|credential|token(?![._-]?endpoint)",
    re.IGNORECASE,
)
# Slips of the pen are found by closeness: an unknown key's value is shown, and this one should not be.
_SECRET_NAMES = ("password", "passphrase", "client_secret", "key_password", "token")
_PUBLIC = {
    "type", "mechanism", "username", "token_endpoint_url", "client_id", "scope", "region", "role_arn",
    "enabled", "ca_file", "cert_file", "key_file",
}  # fmt: skip
_WITH_LOGINS = ("kafka", "schema_registry")
_HOLDERS = ("auth", "tls")
# Only from the start of a word on: tried from each of its letters, a long line would take a square of its length.
_KEY = re.compile(r"(?<![\w.-])([\w.-]+)[\"']?\s*:\s*")
_PUBLIC_LINE = re.compile(rf"\s*({'|'.join(sorted(_PUBLIC))}):[^:{{}}\[\],]*")
_NEVER_SECRET = ("pipelines", "tests")
_SCHEME = re.compile(r":\\?/\\?/")
# Before a host, where there is no scheme. Only from the start of a word on, and possessive: see _KEY.
_USER = re.compile(r"(?<![^\s\"'\[{,:])[^\s\"'\[{,:]++:[^\s:]")


class Cut(NamedTuple):
    """A stretch of one line that must not be shown: 0-based, ``stop`` exclusive."""

    line: int
    start: int
    stop: int


class ShownLine(NamedTuple):
    """A line with its secrets masked, and what was cut out of it."""

    text: str
    cuts: tuple[Cut, ...] = ()

    def offset(self, column: int) -> int:
        """Where a column of the line in the file stands in the line as shown."""
        shift = 0
        for cut in self.cuts:
            if column < cut.stop:
                return min(column, cut.start) + shift
            shift += len(MASK) - (cut.stop - cut.start)
        return column + shift


@lru_cache(4096)  # a file has few names, and each is asked about often
def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret, by its looks."""
    return bool(_SECRET.search(name) or get_close_matches(name.lower(), _SECRET_NAMES, 1, 0.8))


def show(lines: Sequence[str], cuts: Iterable[Cut]) -> list[ShownLine]:
    """Every line, masked where there is a cut."""
    shown = [ShownLine(line) for line in lines]
    for number, group in groupby(sorted(cuts), key=itemgetter(0)):
        if number < len(lines):
            merged = tuple(_merge(group))
            shown[number] = ShownLine(_masked(lines[number], merged), merged)
    return shown


def cuts_of(places: dict[Path, Place], lines: Sequence[str]) -> Iterator[Cut]:
    """The secrets of a file that YAML can read."""
    children: dict[Path, set[str]] = {}
    for path in places:
        if path:
            children.setdefault(path[:-1], set()).add(str(path[-1]))
    for path, place in places.items():
        if place.key and _lost_its_colon(path):
            yield Cut(place.key.line, place.key.column, place.key.column + place.key.length)
        if _holds_secret(path, place, children.get(path, set())):
            yield from _lines_between(place, lines)
        elif place.kind == "scalar" and path and path[0] not in _NEVER_SECRET:
            yield from _logins(path, place, lines)
    yield from _urls(lines)


def _urls(lines: Sequence[str]) -> Iterator[Cut]:
    """What is secret in the URLs of any line, also in comments."""
    for number, line in enumerate(lines):
        if _SCHEME.search(line):
            yield from (Cut(number, start, stop) for start, stop in secrets_of_urls(line))


def _logins(path: Path, place: Place, lines: Sequence[str]) -> Iterator[Cut]:
    """The user and password of an address, with blanks in them or without a scheme before them."""
    cuts = list(_lines_between(place, lines))
    text = "".join(lines[cut.line][cut.start : cut.stop] for cut in cuts)
    is_address = any(word in str(part).lower() for part in path for word in ("server", "broker"))
    if "@" not in text or not (is_address or _SCHEME.search(text)):
        return
    for cut in cuts:
        line = lines[cut.line]
        scheme = _SCHEME.search(line, cut.start, cut.stop)
        start = scheme.end() if scheme else cut.start + (line[cut.start] in "\"'")
        stop = line.rfind("@", start, cut.stop) if len(cuts) == 1 else cut.stop
        if start < stop:
            yield Cut(cut.line, start, stop)


def cuts_of_text(lines: Sequence[str]) -> Iterator[Cut]:
    """The secrets of a text that YAML cannot read: what follows a secret name, and deeper lines below it.

    Nothing is sure about such a text, so all of ``auth`` and ``tls`` counts, and the line after a secret; only
    plain lines of public keys are shown.
    """
    depth: int | None = None  # of the key whose deeper lines are its value
    after = False  # a line with a secret: a line break too many is a mistake like any other
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        inside = depth is not None and indent > depth
        found = next((key for key in _KEY.finditer(line) if key[1] in _HOLDERS or is_secret(key[1])), None)
        if (inside or after) and not _PUBLIC_LINE.fullmatch(line):
            yield Cut(number, indent, len(line))
        elif found and found.end() < len(line):
            yield Cut(number, found.end(), len(line))
        else:
            last = line.rfind("@")
            login = _USER.search(line, 0, last) if last >= 0 else None
            yield from [Cut(number, login.start(), last)] if login else ()
        if not inside:
            depth = indent if found or after else None
        after = found is not None
    yield from _urls(lines)


def _lost_its_colon(path: Path) -> bool:
    """A key such as ``password hunter2``: the value is a part of it."""
    name = str(path[-1])
    return path[0] not in _NEVER_SECRET and is_secret(name) and not re.fullmatch(r"[\w.-]+", name)


def _holds_secret(path: Path, place: Place, children: set[str]) -> bool:
    names = [str(part) for part in path]
    if not names or names[0] in _NEVER_SECRET:
        return False
    if place.kind != "scalar":  # its scalars are asked one by one, unless it is an odd value of a secret setting
        return is_secret(names[-1]) and not children <= {"env", "file", "default"}
    if names[-1] in ("env", "file") and len(names) > 1:
        return False  # where a secret comes from is none
    if any(map(is_secret, names)):
        return True
    if names[:2] == ["kafka", "librdkafka"]:
        return names[-1].startswith(("sasl.", "ssl."))
    public = names[-1] in _PUBLIC or "extensions" in names[:-1]
    return names[0] in _WITH_LOGINS and names[1:2] in (["auth"], ["tls"]) and not public


def _lines_between(place: Place, lines: Sequence[str]) -> Iterator[Cut]:
    last, stop = place.end
    for number in range(place.value.line, min(last + 1, len(lines))):
        begin = place.value.column if number == place.value.line else 0
        end = stop if number == last else len(lines[number])
        if begin < end:
            yield Cut(number, begin, end)


def _merge(cuts: Iterable[Cut]) -> Iterator[Cut]:
    """Cuts of one line, in order and apart."""
    open_cut: Cut | None = None
    for cut in cuts:
        if open_cut and cut.start <= open_cut.stop:
            open_cut = open_cut._replace(stop=max(open_cut.stop, cut.stop))
            continue
        if open_cut:
            yield open_cut
        open_cut = cut
    if open_cut:
        yield open_cut


def _masked(line: str, cuts: tuple[Cut, ...]) -> str:
    parts, at = [], 0
    for cut in cuts:
        parts += [line[at : cut.start], MASK]
        at = cut.stop
    return "".join([*parts, line[at:]])
