"""What differs outside of the rules, and what follows from it. Secrets are masked, as in `print-config`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from connector.config import Config, print_config

_DOT = "\u2024"  # in place of a dot within a name, which must not look like a level
_REREAD = "this group has no committed offsets: reading starts at kafka.auto_offset_reset, and records are sent again"
# The first pattern that matches the path decides; what follows where the setting changes.
_FOLLOWS: tuple[tuple[str, str], ...] = (
    (r"personalize\.tracking_id", "events go to another event tracker: a dataset group learns from those it gets"),
    (r"personalize\.(users|items|actions)_dataset_arn", "another dataset: what the old one got stays there"),
    (r"personalize\.(region|endpoint_url)", "events go to another endpoint"),
    (r"personalize\.assume_role.*", "calls are made as another identity"),
    (r"kafka\.group_id", _REREAD),
    (r"kafka\.bootstrap_servers.*", "if it is another cluster, its offsets and default event ids are others"),
    (r"kafka\.auto_offset_reset", "only where the group has no committed offset"),
    (r"dead_letter\.topic", "invalid records go to another topic, which must exist"),
    (r"dead_letter\.flood.*", "when dead letters hold a pipeline"),
    (r"delivery\.requests_per_second|delivery\.rates.*", "how much of the service's quota this process takes"),
    (r"delivery\.max_buffered_events", "how far it reads ahead, and so how full calls get"),
    (r"pipelines\.[^.]*\.topics", "records of a topic that is left out are not read; those of a new one are"),
    (r"pipelines\.[^.]*\.exclude", "which topics a pattern takes"),
    (r"pipelines\.[^.]*\.(value|key)\..*", "how records are decoded"),
    (r"pipelines\.[^.]*\.(max_age|late)", "what becomes of events that come late"),
    (r"pipelines\.[^.]*\.unmatched", "what becomes of records that no rule takes"),
    (r"pipelines\.[^.]*", "its topics are read only where the pipeline is"),
    (r"schema_registry.*", "where schemas are asked for"),
)


class Setting(NamedTuple):
    """A setting that differs; None on the side that does not have it. ``follows`` is what comes of it, if known."""

    path: str
    old: Any
    new: Any
    follows: str = ""


def settings(old: Config, new: Config) -> list[Setting]:
    """The settings that differ, in the order of the file; rules and tests are not among them."""
    left, right = dict(_flat(_plain(old))), dict(_flat(_plain(new)))
    whole = {path for path in {*left, *right} if path.count(".") == 1 and path.startswith("pipelines.")}
    alone = tuple(f"{path}." for path in whole if (path in left) != (path in right))
    return [
        Setting(path.replace(_DOT, "."), left.get(path), right.get(path), _follows(path))
        for path in dict.fromkeys([*left, *right])
        if left.get(path) != right.get(path) and not path.startswith(alone or ("\0",))
    ]


def _plain(config: Config) -> Mapping[str, Any]:
    """The file without its rules; pipelines by their names."""
    document = yaml.safe_load(print_config(config))
    pipelines = {
        each["name"]: {key: value for key, value in each.items() if key not in {"name", "rules"}}
        for each in document["pipelines"]
    }
    return {**{key: value for key, value in document.items() if key != "tests"}, "pipelines": pipelines}


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves by their paths. A list is a leaf, and so is an empty section; a pipeline is there as a whole, too."""
    if not isinstance(node, dict) or not node:
        yield path, node
        return
    if path.startswith("pipelines.") and path.count(".") == 1:
        yield path, "there"
    for key, value in node.items():
        yield from _flat(value, f"{path}.{str(key).replace('.', _DOT)}" if path else str(key))


def _follows(path: str) -> str:
    return next((words for pattern, words in _FOLLOWS if re.fullmatch(pattern, path)), "")


def is_tracking_id(path: str) -> bool:
    """Whether this setting decides which event tracker gets events."""
    return path == "personalize.tracking_id"


def is_dataset(path: str) -> bool:
    """Whether this setting decides which dataset gets users, items or actions."""
    return re.fullmatch(r"personalize\.(users|items|actions)_dataset_arn", path) is not None


def written(value: Any) -> str:
    """A value as a message has it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return "unset" if value is None or value == {} else str(value)
