"""A slip of the pen at an outer level must not hide the mistakes below it.

``personalise:`` is reported, and then its content is read as that of ``personalize:``. So the file is loaded as it was
meant, and every other mistake is found in the same go; a file with a slip is never valid.
"""

from collections.abc import Mapping
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, ValidationError

from connector.config.wording import Mistake, at, mistakes_of
from connector.config.yaml_tree import MAX_DEPTH, Path, Tree

# Closer than what "did you mean" suggests: what is read in the place of another has to be meant.
_ALIKE = 0.75


def corrected(tree: Tree, model: type[BaseModel], context: Mapping[str, Any]) -> tuple[Tree, list[Mistake]]:
    """The tree as it was meant, and the slips, at their paths in that tree."""
    slips: list[Mistake] = []
    for _ in range(MAX_DEPTH):
        found = [mistake for mistake in _mistakes(tree.data, model, context) if _is_slip(mistake, tree.data)]
        if not found:
            break
        data = deepcopy(tree.data)
        # Of two slips that mean one key the first is taken for it, and the second stays unknown.
        mended = [(mistake.path, _mended(data, mistake)) for mistake in found if _is_slip(mistake, data)]
        slips += [slip for _, slip in mended]
        tree = _moved({old: slip.path for old, slip in mended if old != slip.path}, tree._replace(data=data))
    return tree, slips


def _mistakes(data: Any, model: type[BaseModel], context: Mapping[str, Any]) -> list[Mistake]:
    try:
        model.model_validate(data, context=dict(context), by_name=False)
    except ValidationError as error:
        return mistakes_of(error, model, data)
    return []


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
    if mistake.code != "unknown-key":  # a value: which of the known ones was meant
        parent[last] = mistake.meant
        return mistake
    items = [(mistake.meant if key == last else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)
    return mistake._replace(path=(*mistake.path[:-1], str(mistake.meant)))


def _moved(names: Mapping[Path, Path], tree: Tree) -> Tree:
    """The tree with other paths; of those that change none is inside another."""

    def moved(path: Path) -> Path:
        depth = next((depth for depth in range(len(path) + 1) if path[:depth] in names), None)
        return path if depth is None else (*names[path[:depth]], *path[depth:])

    places = {moved(path): place for path, place in tree.places.items()}
    return Tree(tree.data, places, [fault._replace(path=moved(fault.path)) for fault in tree.faults])
