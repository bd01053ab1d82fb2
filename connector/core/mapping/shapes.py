"""Which members of a document came and went: names only, and only such as a program gives, never a person's.

A key can be data, as in a table of users by name. So a name is shown only if a rule names it, if it is one that a rule
names in another spelling, or if it appeared beside one that went.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

DEEPEST = 6
MOST = 500  # names of a document that are looked at
SHOWN = 3  # of each kind
# Keys can be data: a map from user ids, or from e-mail addresses. What has digits in a row is taken for such.
_NAME = re.compile(r"(?!.*\d{3})[A-Za-z_$][A-Za-z0-9_$-]{0,39}")


class Changes(NamedTuple):
    """Names that one document has and the other has not."""

    gone: tuple[str, ...] = ()
    came: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{name} is gone" for name in self.gone] + [f"{name} appeared" for name in self.came]
        return ", ".join(parts)


def changes(before: object, now: object, known: Collection[str]) -> Changes:
    """What is different in the members of two documents, those first that look like a name written in another way.

    Args:
        before: a document.
        now: another one.
        known: the names that the rules name.
    """
    was, is_now = set(_names(before, "value", 0)), set(_names(now, "value", 0))
    gone = [name for name in _outermost(was - is_now) if _last(name) in known]
    places, spellings = {_parent(name) for name in gone}, {_plain(name) for name in known}
    came = [
        name
        for name in _outermost(is_now - was)
        if _parent(name) in places or _last(name) in known or _plain(_last(name)) in spellings
    ]
    alike = {_plain(name) for name in gone} & {_plain(name) for name in came}

    def shown(names: list[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=lambda name: (_plain(name) not in alike, name))[:SHOWN])

    return Changes(shown(gone), shown(came))


def _names(value: Any, path: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for name, member in list(value.items())[:MOST]:
            if isinstance(name, str) and _NAME.fullmatch(name):
                yield f"{path}.{name}"
                yield from _names(member, f"{path}.{name}", depth + 1)
    elif isinstance(value, list) and value:
        yield from _names(value[0], f"{path}[]", depth + 1)


def _outermost(names: set[str]) -> list[str]:
    """Without those inside of another: an object that is gone has taken its members along."""
    return [name for name in names if not any(name.startswith((f"{other}.", f"{other}[]")) for other in names)]


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _last(name: str) -> str:
    return name.rpartition(".")[2].removesuffix("[]")


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
