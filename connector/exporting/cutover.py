"""``cutover.json``: the offsets up to which an export has read, where the group of ``run`` is to begin.

It names what it belongs to: the cluster and the group. So it cannot be applied to another by mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from connector.core.records import TopicPartition


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: int
    cluster: str
    group: str
    config: str
    dataset: str
    offsets: dict[str, dict[str, NonNegativeInt]]


class NotACutover(ValueError):
    """The file is none; the message says what was expected."""


@dataclass(frozen=True)
class Cutover:
    """What is in the file. ``config`` is the hash of the configuration that the export used."""

    cluster: str
    group: str
    config: str
    dataset: str
    offsets: Mapping[TopicPartition, int]

    def document(self) -> dict[str, Any]:
        """As it is written."""
        offsets: dict[str, dict[str, int]] = {}
        for place, offset in sorted(self.offsets.items()):
            offsets.setdefault(place.topic, {})[str(place.partition)] = offset
        return {
            "version": 1,
            "cluster": self.cluster,
            "group": self.group,
            "config": self.config,
            "dataset": self.dataset,
            "offsets": offsets,
        }


def read_cutover(path: str) -> Cutover:
    """The file that an export has written.

    Raises:
        NotACutover: it cannot be read, or is something else.
    """
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        raise NotACutover(f"{path}: expected the cutover.json of an export: {why}") from None
    try:
        found = _Document.model_validate(orjson.loads(raw))
        offsets = {
            TopicPartition(topic, int(number)): offset
            for topic, each in found.offsets.items()
            for number, offset in each.items()
        }
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the whole file"
        raise NotACutover(
            f"{path}: expected the cutover.json of an export: {where}: {problem['msg'].lower()}"
        ) from None
    except ValueError:
        raise NotACutover(f"{path}: expected the cutover.json of an export, not other text") from None
    if found.version != 1:
        raise NotACutover(f"{path}: expected version 1, not {found.version}: it is of a newer putevents")
    return Cutover(found.cluster, found.group, found.config, found.dataset, offsets)
