"""An Avro schema's text becomes a graph of types with all references resolved; a recursive type makes a cycle in it.

Only what reading needs is checked, because a registry has accepted the schema and a writer has used it: aliases,
defaults and documentation are left alone. Names may be defined after they are referred to, and in any of the texts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.formats.decoded import SchemaError
from connector.core.words import suggest, type_word

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_RECORDS = frozenset({"record", "error"})
_NAMED = frozenset({"enum", "fixed"}) | _RECORDS
_KINDS = PRIMITIVES | _NAMED | {"array", "map"}


@dataclass(slots=True, eq=False)
class Type:
    """One type of a schema.

    Attributes:
        kind: a primitive's name, or ``record``, ``enum``, ``fixed``, ``array``, ``map`` or ``union``; "" for a name
            that was referred to and not defined yet.
        name: of a record, enum or fixed, with its namespace.
        parts: fields of a record by name, branches of a union by number, the item of an array, the value of a map.
        symbols: of an enum.
        size: of a fixed, in bytes.
        properties: what the schema says of the type, such as ``logicalType``.
    """

    kind: str
    name: str = ""
    parts: list[tuple[str, "Type"]] = field(default_factory=list)
    symbols: tuple[str, ...] = ()
    size: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)


def read_schema(schema: str, references: Sequence[str] = ()) -> Type:
    """The type of a schema's text; ``references`` are the texts of schemas that define names it uses.

    Raises:
        SchemaError: it is no schema of Avro, or refers to a type that none of the texts defines.
    """
    parser = _Parser()
    try:
        for text in references:
            parser.read(_document(text), "", "a referenced schema")
        root = parser.read(_document(schema), "", "the schema")
    except RecursionError:
        raise SchemaError("expected an Avro schema nested less deep") from None
    parser.require_all()
    return root


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # A schema of one primitive may be written without quotes.
        if text.strip() in PRIMITIVES:
            return text.strip()
        raise SchemaError("expected an Avro schema, which is JSON, found other text") from None


class _Parser:
    def __init__(self) -> None:
        self._named: dict[str, Type] = {}
        self._definitions: dict[str, tuple[Any, str]] = {}

    def require_all(self) -> None:
        for name, found in self._named.items():
            if not found.kind:
                hint = suggest(name, [other for other in self._named if self._named[other].kind])
                also = f"; {hint}" if hint else ": is a reference missing?"
                raise SchemaError(f"expected a type named {name}, found none{also}")

    def read(self, node: Any, namespace: str, at: str) -> Type:
        if isinstance(node, str):
            return Type(node) if node in PRIMITIVES else self._reference(_full(node, namespace))
        if isinstance(node, list):
            return self._union(node, namespace, at)
        if not isinstance(node, dict) or "type" not in node:
            raise SchemaError(f"{at}: expected a type of Avro, found {type_word(node)}")
        kind = node["type"]
        if not isinstance(kind, str):
            return self.read(kind, namespace, at)
        if kind not in _KINDS:
            return self._reference(_full(kind, namespace))
        if kind in _NAMED:
            return self._named_type(node, kind, namespace, at)
        found = Type(kind, properties=node)
        if kind in _INNER:
            found.parts.append(("", self.read(node.get(_INNER[kind]), namespace, f"{at}, {_INNER[kind]}")))
        return found

    def _reference(self, name: str) -> Type:
        return self._named.setdefault(name, Type("", name))

    def _union(self, branches: list[Any], namespace: str, at: str) -> Type:
        if not branches:
            raise SchemaError(f"{at}: expected a union of one type or more, found none")
        found = Type("union")
        for number, branch in enumerate(branches):
            if isinstance(branch, list):
                raise SchemaError(f"{at}: expected a type in a union, found another union")
            found.parts.append((str(number), self.read(branch, namespace, at)))
        return found

    def _named_type(self, node: dict[str, Any], kind: str, namespace: str, at: str) -> Type:
        name = node.get("name")
        if not isinstance(name, str) or not name:
            raise SchemaError(f"{at}: expected a name of the {kind}, found {type_word(name)}")
        within = node.get("namespace", namespace)
        name = _full(name, within if isinstance(within, str) else namespace)
        found = self._reference(name)
        if found.kind:
            # Schemas that are referenced twice, and their copies, define the same.
            if self._definitions[name] == (node, namespace):
                return found
            raise SchemaError(f"{at}: expected one definition of {name}, found two that differ")
        self._definitions[name] = (node, namespace)
        found.kind, found.properties = "record" if kind in _RECORDS else kind, node
        self._fill(found, node, f"{kind} {name}")
        return found

    def _fill(self, found: Type, node: dict[str, Any], at: str) -> None:
        if found.kind == "enum":
            found.symbols = _symbols(node.get("symbols"), at)
        elif found.kind == "fixed":
            found.size = _size(node.get("size"), at)
        else:
            self._fields(found, node.get("fields"), at)

    def _fields(self, record: Type, fields: Any, at: str) -> None:
        if not isinstance(fields, list):
            raise SchemaError(f"{at}: expected a list of fields, found {type_word(fields)}")
        namespace = record.name.rpartition(".")[0]
        seen = set()
        for one in fields:
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(name, str) or "type" not in one:
                raise SchemaError(f"{at}: expected fields with a name and a type, found another")
            if name in seen:
                raise SchemaError(f"{at}: expected one field {name}, found two")
            seen.add(name)
            record.parts.append((name, self.read(one["type"], namespace, f"{at}, field {name}")))


_INNER: Mapping[str, str] = {"array": "items", "map": "values"}


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _symbols(symbols: Any, at: str) -> tuple[str, ...]:
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise SchemaError(f"{at}: expected a list of symbols, found {type_word(symbols)}")
    return tuple(symbols)


def _size(size: Any, at: str) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise SchemaError(f"{at}: expected a size in bytes, found {type_word(size)}")
    return size
