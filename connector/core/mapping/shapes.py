"""Which members of a document came and went: names only, and only such as a program gives, never a person's."""

import re
from collections.abc import Iterator
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


def changes(before: object, now: object) -> Changes:
    """What is different in the members of two documents, those first that look like a name written in another way."""
    was, is_now = set(_names(before, "value", 0)), set(_names(now, "value", 0))
    gone, came = _outermost(was - is_now), _outermost(is_now - was)
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


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
