"""What is left of a pipeline without its invalid parts, so that a mistake in one part hides no mistake in another.

Required parts are replaced by stand-ins that cause no problems.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from connector.config.paths import at, file_path
from connector.config.yaml_tree import Path
from connector.core.mapping.specs import PUT_KEYS, PUT_SPECS, PipelineSpec, Rule

_ROUNDS = 3  # validators that run after the fields report in the second
_StandIns = Mapping[Path, Any]

# Stands in where no rule is usable, so that the topics are looked at all the same.
_NO_RULE = {"name": "-", "skip": "-"}


class Partial(NamedTuple):
    """A pipeline without what is invalid in it; ``rules`` has the place in the file of those that are left."""

    number: int
    spec: PipelineSpec
    rules: list[int]


def whole(pipelines: Sequence[PipelineSpec]) -> list[Partial]:
    """Pipelines without a mistake, of which nothing is left out."""
    return [Partial(number, spec, list(range(len(spec.rules)))) for number, spec in enumerate(pipelines)]


def usable(data: Any, is_bare: Callable[[Path], bool]) -> list[Partial]:
    """The pipelines of a file; ``is_bare`` says of a key whether it is a piece of a text with a comma in it."""
    items = at(data, ("pipelines",))
    found = (_pipeline(index, item, is_bare) for index, item in enumerate(items if isinstance(items, list) else ()))
    return [partial for partial in found if partial is not None]


def _pipeline(index: int, item: Any, is_bare: Callable[[Path], bool]) -> Partial | None:
    rules = at(item, ("rules",))
    if not isinstance(rules, list):
        return None
    if _mended(PipelineSpec, item, {}, lambda _: None) is item:  # nothing is invalid
        return Partial(index, PipelineSpec.model_validate(item, by_name=False), list(range(len(rules))))
    left: dict[int, Any] = {}
    for number, rule in enumerate(rules):
        usable_rule = _rule(("pipelines", index, "rules", number), rule, is_bare)
        if usable_rule is not None:
            left[number] = usable_rule
    stand_ins: _StandIns = {("name",): f"-{index}", ("topics",): [f"stand-in-{index}"]}
    given = {**item, "rules": list(left.values()) or [_NO_RULE]}
    mended = _mended(PipelineSpec, given, stand_ins, lambda path: path[:1])
    return None if mended is None else Partial(index, PipelineSpec.model_validate(mended, by_name=False), list(left))


def _puts() -> dict[Path, Any]:
    """For each operation its required members, and where its entries go."""
    found: dict[Path, Any] = {}
    for operation, model in PUT_SPECS.items():
        required = {name: "value" for name, field in model.model_fields.items() if field.is_required()}
        found[operation.action,] = required
        found |= {(operation.action, name): "value" for name in (operation.target, *required)}
    return found


def _rule(place: Path, rule: Any, is_bare: Callable[[Path], bool]) -> dict[str, Any] | None:
    """The data of a valid rule."""
    number = place[-1]
    condition = f'value."-{number}"'
    stand_ins: _StandIns = {
        ("name",): f"-{number}",
        ("when",): condition,
        ("for_each",): ["value", "item"] if isinstance(at(rule, ("for_each",)), list) else "value",
        ("skip",): "-",
        **_puts(),
    }

    def part(path: Path) -> Path | None:
        if is_bare((*place, *path)):  # what is cut in two is no use, neither half
            return None
        deep = path[0] in PUT_KEYS
        return path[: 3 if deep and path[1:2] == ("properties",) else 2 if deep else 1]

    mended = _mended(Rule, rule, stand_ins, part)
    if mended is not None and mended is not rule:
        mended.setdefault("when", condition)  # or it would take every record, and no rule after it be reached
    return mended


def _mended(
    model: type[BaseModel], data: Any, stand_ins: _StandIns, part: Callable[[Path], Path | None]
) -> dict[str, Any] | None:
    """The data without the parts that are invalid; unchanged where all is valid, None where nothing is left."""
    for _ in range(_ROUNDS):
        if not isinstance(data, dict):
            return None
        try:
            model.model_validate(data, by_name=False)
        except ValidationError as error:
            paths = _deepest(_invalid(error, data))
            parts = [part(path) if path else None for path in paths]
            if None in parts:
                return None
            data = deepcopy(data)
            for path in parts:
                _replace(data, path or (), stand_ins)
        else:
            return data
    return None


def _invalid(error: ValidationError, data: Any) -> Iterator[Path]:
    last = {"missing": "missing", "extra_forbidden": "present"}
    for details in error.errors(include_url=False, include_input=False):
        yield file_path(details["loc"], data, last.get(details["type"], "any"))


def _deepest(paths: Iterable[Path]) -> list[Path]:
    """The deepest paths: each member of a union has its own errors, and the deepest is what the user meant."""
    found = set(paths)
    above = {path[:depth] for path in found for depth in range(len(path))}
    return sorted(found - above, key=str)


def _replace(data: dict[str, Any], path: Path, stand_ins: _StandIns) -> None:
    parent = at(data, path[:-1])
    if not isinstance(parent, dict):  # it was a part of what has been replaced
        return
    if path in stand_ins:
        parent[path[-1]] = deepcopy(stand_ins[path])
    else:
        parent.pop(path[-1], None)
