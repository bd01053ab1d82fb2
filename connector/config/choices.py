"""Which keys could have stood somewhere, read off the models, for ``did you mean …?``."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from connector.config.yaml_tree import Path


def keys_at(model: type[BaseModel], path: Path, data: Any) -> list[str]:
    """The file's own names of the keys of the mapping at ``path``; empty where any name is right.

    ``data`` is that mapping: where the models are told apart by a ``type``, only the one it names counts.
    """
    models = list(_models(_annotation(model, path)))
    named = [candidate for candidate in models if _says(candidate, data)]
    fields = [item for each in named or models for item in each.model_fields.items()]
    return list(dict.fromkeys(field.alias or name for name, field in fields))


def _says(model: type[BaseModel], data: Any) -> bool:
    kind = model.model_fields.get("type")
    if kind is None or not isinstance(data, dict):
        return False
    return data.get("type", kind.default) in get_args(kind.annotation)


def _annotation(model: type[BaseModel], path: Path) -> list[Any]:
    """The types that a value at ``path`` may have."""
    types: list[Any] = [model]
    for part in path:
        types = [child for kind in _flat(types) for child in _children(kind, part)]
    return types


def _children(kind: Any, part: str | int) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        names = {field.alias or name: name for name, field in kind.model_fields.items()}
        if part in names:
            yield get_type_hints(kind)[names[str(part)]]  # hints have their forward references resolved
    elif get_origin(kind) is list and isinstance(part, int):
        yield get_args(kind)[0]
    elif get_origin(kind) is dict and isinstance(part, str):
        yield get_args(kind)[1]


def _flat(types: Iterable[Any]) -> Iterator[Any]:
    """Unions and annotations opened up."""
    for kind in types:
        if get_origin(kind) in (list, dict, Literal) or isinstance(kind, type):
            yield kind
        else:
            yield from _flat(get_args(kind))


def _models(types: Iterable[Any]) -> Iterator[type[BaseModel]]:
    return (kind for kind in _flat(types) if isinstance(kind, type) and issubclass(kind, BaseModel))
