"""People's values are replaced by others of the same shape: the same value by the same, in the order of appearance.

Numbers are counted rather than derived from the values, since what is derived can be searched for.
"""

import re
from typing import Any

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}")
_LONGEST = 128


class People:
    """The replacements of one file."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, Any], Any] = {}
        self._used: set[Any] = set()

    def replaced(self, value: Any) -> Any:
        """What stands for an id, an e-mail or an IP address; true, false and null are no person's."""
        if type(value) not in {str, int, float}:
            return value
        if value in {"", -1}:  # these say that there is none
            return value
        key = (type(value), value)
        if key not in self._known:
            count = len(self._known) + 1
            found = _counted(value, count)
            self._known[key] = f"{found}-{count}" if found in self._used else found
            self._used.add(self._known[key])
        return self._known[key]

    def kept(self, value: Any) -> Any:
        """A value that is no person's, unless it looks like one that is."""
        if isinstance(value, str) and (_EMAIL.search(value) or _ADDRESS.search(value)):
            return self.replaced(value)
        return value[:_LONGEST] if isinstance(value, str) else value


def _counted(value: Any, count: int) -> Any:
    if isinstance(value, str):
        return _text(value[:_LONGEST], count)
    digits = len(str(abs(int(value)))) if abs(value) < 1e18 else 18
    return 10 ** max(digits - 1, len(str(count))) + count


def _text(value: str, count: int) -> str:
    if _EMAIL.fullmatch(value):
        return f"person{count}@example.com"
    if _ADDRESS.fullmatch(value):
        return f"192.0.2.{count % 254 + 1}" if ":" not in value else f"2001:db8:0:0:0:0:0:{count:x}"
    letters = "abcdef" if re.fullmatch(r"[0-9a-fA-F-]+", value) and re.search("[a-fA-F]", value) else _ALL
    filled = []
    rest = count
    for character in reversed(value):
        wheel = _wheel(character, letters)
        filled.append(wheel[rest % len(wheel)] if wheel else character if character in "-_.:|/" else "x")
        rest //= len(wheel) if wheel else 1
    text = "".join(reversed(filled))
    return text if not rest else f"{text}{rest}"


_ALL = "abcdefghijklmnopqrstuvwxyz"


def _wheel(character: str, letters: str) -> str:
    """What a character is counted with; none stands still."""
    if character.isdecimal():
        return "0123456789"
    if character.isalpha():
        return letters.upper() if character.isupper() else letters
    return ""
