"""Which letters are meant: by reason, rule, member, topic or key, between two offsets. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from connector.dlq.letters import Letter

NAMES = ("reason", "rule", "member", "topic", "key")


def digest(key: bytes) -> str:
    """What stands for a key in a commit, which anybody who may describe the group can read."""
    return hashlib.sha256(key).hexdigest()[:32]


class Selection(NamedTuple):
    """What a letter must be like; None: any. ``key`` is a digest."""

    reason: str | None = None
    rule: str | None = None
    member: str | None = None
    topic: str | None = None
    key: str | None = None

    @property
    def everything(self) -> bool:
        """Whether every letter is meant."""
        return all(each is None for each in self)

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant. A letter without a key has no digest, and is not meant by any key."""
        found = (letter.reason, letter.rule, letter.member, letter.topic)
        if any(wanted is not None and wanted != has for wanted, has in zip(self, found, strict=False)):
            return False
        return self.key is None or (letter.key is not None and digest(letter.key) == self.key)

    def as_json(self) -> dict[str, str]:
        """What is set, by short names."""
        return {name: value for name, value in zip(NAMES, self, strict=True) if value is not None}

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> Self:
        """The same again."""
        return cls(*(given.get(name) for name in NAMES))
