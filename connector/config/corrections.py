"""A misspelt key at an outer level must not hide the mistakes below it.

``personalise:`` is reported, and then its content is read as that of ``personalize:``. So every other
mistake is found in the same run. A file with such a slip is never valid.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from pydantic import ValidationError

from connector.config.models import Config
from connector.config.paths import at
from connector.config.wording import Mistake, mistakes_of
from connector.config.yaml_tree import MAX_DEPTH, Path, Tree

# Stricter than "did you mean": reading one key as another needs more certainty than a suggestion.
_ALIKE = 0.75


class Checked(NamedTuple):
    """Data, validated: what the models refuse, and by its name each section or setting that is valid and ``Kept``."""

    config: Config | None
    error: ValidationError | None
    kept: dict[str, Any]


def corrected(tree: Tree, check: Callable[[Any], Checked]) -> tuple[Tree, list[Mistake], Checked]:
    """The tree with its slips corrected, the slips at their paths in that tree, and the result of ``check``."""
    slips: list[Mistake] = []
    checked = check(tree.data)
    for _ in range(MAX_DEPTH):
        mistakes = mistakes_of(checked.error, Config, tree.data) if checked.error else []
        found = [mistake for mistake in mistakes if _is_slip(mistake, tree.data)]
        if not found:
            break
        data = deepcopy(tree.data)
        # Where two slips mean the same key, the first becomes that key and the second stays unknown.
        mended = [(mistake.path, _mended(data, mistake)) for mistake in found if _is_slip(mistake, data)]
        slips += [slip for _, slip in mended]
        tree = _moved({old: slip.path for old, slip in mended if old != slip.path}, tree._replace(data=data))
        checked = check(tree.data)
    return tree, slips, checked


def _is_slip(mistake: Mistake, data: Any) -> bool:
    if mistake.meant is None or not mistake.path:
        return False
    parent = at(data, mistake.path[:-1])
    written = str(mistake.path[-1] if mistake.code == "unknown-key" else at(data, mistake.path))
    if SequenceMatcher(None, written, mistake.meant).ratio() < _ALIKE or not isinstance(parent, dict):
        return False
    return mistake.code != "unknown-key" or (mistake.path[-1] in parent and mistake.meant not in parent)


def _mended(data: Any, mistake: Mistake) -> Mistake:
    """The slip at its path in the data, in which it is corrected in place."""
    parent, last = at(data, mistake.path[:-1]), mistake.path[-1]
    if mistake.code != "unknown-key":  # a value: replaced by the known one that it comes close to
        parent[last] = mistake.meant
        return mistake
    items = [(mistake.meant if key == last else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)
    return mistake._replace(path=(*mistake.path[:-1], str(mistake.meant)))


def _moved(names: Mapping[Path, Path], tree: Tree) -> Tree:
    """The tree with renamed paths. No renamed path lies inside another."""

    def moved(path: Path) -> Path:
        depth = next((depth for depth in range(len(path) + 1) if path[:depth] in names), None)
        return path if depth is None else (*names[path[:depth]], *path[depth:])

    places = {moved(path): place for path, place in tree.places.items()}
    return Tree(tree.data, places, [fault._replace(path=moved(fault.path)) for fault in tree.faults])
