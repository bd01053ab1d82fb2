"""Checks of how values and keys are decoded.

The keys must fit the format, there must be a schema where one is needed, and the packages must be installed.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from connector.config import protoc
from connector.config.located import Located
from connector.config.problems import Problem, printable
from connector.config.yaml_tree import Path
from connector.core.mapping.specs import KeyFormat, PipelineSpec, ValueFormat

Pipelines = Mapping[int, PipelineSpec]
Format = ValueFormat | KeyFormat

# The formats that each key is for.
_FITS: Mapping[str, tuple[str, ...]] = {
    "root": ("json",),
    "columns": ("delimited",),
    "delimiter": ("delimited",),
    "schema_file": ("avro", "protobuf", "json_schema"),
    "message": ("protobuf",),
    "validate": ("json_schema",),
}
_ENVELOPES: Mapping[str, tuple[str, ...]] = {
    "connect": ("json",),
    "debezium": ("json", "avro", "protobuf", "json_schema"),
}


class Package(NamedTuple):
    """What comes with an extra: the module to look for, its name for people, and the extra.

    ``module`` is None where it is a program: protoc, which the system may have as well.
    """

    module: str | None
    name: str
    extra: str


PROTOBUF = Package("google.protobuf", "protobuf", "protobuf")
COMMON_TYPES = Package("google.type", "googleapis-common-protos", "protobuf")
PROTOC = Package(None, protoc.PACKAGE, "protobuf")
JSON_SCHEMA = Package("jsonschema_rs", "jsonschema-rs", "json-schema")
ZSTD = Package("zstandard", "zstandard", "zstd")


def check_formats(pipelines: Pipelines, located: Located, *, registry: bool) -> Iterator[Problem]:
    """``registry``: whether the file has a schema_registry, valid or not."""
    for index, pipeline in pipelines.items():
        for part, spec in (("value", pipeline.value), ("key", pipeline.key)):
            path: Path = ("pipelines", index, part)
            yield from _keys(path, spec, located)
            yield from _schema(path, spec, located, registry=registry)
            yield from _packages(path, spec, located)
        yield from _columns(("pipelines", index, "value"), pipeline.value, located)
        yield from _envelope(("pipelines", index, "value"), pipeline.value, located)


def missing_packages(spec: Format) -> dict[str, Package]:
    """The first package that is not installed, by the key that asks for it."""
    needed: list[tuple[str, Package]] = []
    if spec.format == "protobuf":  # Avro needs none: its decoder is the connector's own
        needed += [("format", PROTOBUF), ("format", COMMON_TYPES)]
        # Only a schema of .proto text needs it, but which registry gives that is known too late: with its records.
        needed += [("format", PROTOC)] if needs_registry(spec) else []
    if validates(spec):
        needed.append(("validate", JSON_SCHEMA))
    if isinstance(spec, ValueFormat) and spec.compression == "zstd":
        needed.append(("compression", ZSTD))
    return {key: package for key, package in reversed(needed) if not _installed(package)}


def validates(spec: Format) -> bool:
    """Whether values are held against their JSON Schema."""
    return spec.format == "json_schema" and bool(_given(spec).get("validate"))


def needs_registry(spec: Format) -> bool:
    """Whether there is no reading without a registry."""
    return spec.schema_file is None and (spec.format in {"avro", "protobuf"} or validates(spec))


def uses_registry(pipelines: Iterable[PipelineSpec]) -> bool:
    """Whether some value or key can only be read with a registry."""
    return any(needs_registry(spec) for pipeline in pipelines for spec in (pipeline.value, pipeline.key))


def not_text(spec: ValueFormat) -> str | None:
    """Why no line of text can be such a value, in a word; None where one can."""
    if spec.compression != "none":
        return f"packed by {spec.compression}"
    return spec.format if spec.format in {"avro", "protobuf"} else None


def _given(spec: Format) -> dict[str, object]:
    """What the file sets, by its own keys."""
    set_here = spec.model_dump(by_alias=True, exclude_unset=True)
    return {key: value for key, value in set_here.items() if value is not None and value is not False}


def _installed(package: Package) -> bool:
    """Whether it can be imported or run, without doing so."""
    if package.module is None:
        return protoc.find_protoc() is not None
    try:
        return importlib.util.find_spec(package.module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def _keys(path: Path, spec: Format, located: Located) -> Iterator[Problem]:
    """No key that another format reads."""
    for key in _given(spec):
        formats = _FITS.get(key, (spec.format,))
        if key == "schema_file" and isinstance(spec, KeyFormat):
            formats = ("avro", "protobuf")  # keys are not validated
        if spec.format not in formats:
            message = f"expected {key} only with format {_either(formats)}, not {spec.format}"
            yield located.at_key((*path, key), "inconsistent", message, f"remove {key}, or set another format")
    if spec.message is not None and spec.format == "protobuf" and spec.schema_file is None:
        message = "expected schema_file beside message: with a registry each record names its message type"
        yield located.at_key((*path, "message"), "inconsistent", message, "remove message, or set schema_file")
    if isinstance(spec, ValueFormat) and spec.format == "json_schema" and spec.schema_file and not validates(spec):
        message = "expected validate: true beside schema_file: without it the schema is not used"
        yield located.at_key((*path, "schema_file"), "inconsistent", message, "add validate: true, or remove it")


def _schema(path: Path, spec: Format, located: Located, *, registry: bool) -> Iterator[Problem]:
    """A schema to decode with."""
    said = spec.message is not None or "schema_file" in spec.model_fields_set  # another check has its own words
    if needs_registry(spec) and not registry and not said:
        message = f"expected a schema for format {spec.format}: there is neither schema_registry nor schema_file"
        hint = "add the section schema_registry to the file, or name a local schema with schema_file beside format"
        yield located.at_value((*path, "format"), "missing-schema", message, hint)


def _packages(path: Path, spec: Format, located: Located) -> Iterator[Problem]:
    for key, package in missing_packages(spec).items():
        message = f"expected the package {package.name}, which is not installed"
        hint = f"pip install 'putevents-connector[{package.extra}]'"
        yield located.at_value((*path, key), "missing-package", message, hint)


def _columns(path: Path, spec: ValueFormat, located: Located) -> Iterator[Problem]:
    """Columns that a mapping can tell apart, and one character between them."""
    if spec.format != "delimited":
        return
    if not spec.columns and (spec.columns == [] or "columns" not in spec.model_fields_set):
        message = "expected columns with format delimited: the name of each column, in order"
        yield located.at_value((*path, "columns"), "missing-key", message, "columns: [session, item, time]")
    named: set[str] = set()
    for number, column in enumerate(spec.columns or ()):
        if not column:
            message = "expected the name of a column, not empty text"
            yield located.at_value((*path, "columns", number), "bad-length", message)
        elif column in named:
            message = f"expected each column once: {printable(column)} is named above"
            yield located.at_value((*path, "columns", number), "duplicate-name", message, "rename one of the two")
        named.add(column)
    if spec.delimiter is not None and (len(spec.delimiter) != 1 or spec.delimiter in '"\r\n'):
        message = "expected one character between columns, which is no quotation mark and no line break"
        yield located.at_value((*path, "delimiter"), "bad-delimiter", message, r'a tab is "\t", and needs no setting')


def _envelope(path: Path, spec: ValueFormat, located: Located) -> Iterator[Problem]:
    formats = _ENVELOPES.get(spec.envelope, (spec.format,))
    if spec.format not in formats:
        message = f"expected format {_either(formats)} with envelope {spec.envelope}, not {spec.format}"
        hint = "remove envelope, or set another format"
        if spec.envelope == "connect" and spec.format in {"avro", "protobuf", "json_schema"}:
            hint = "remove envelope: only Connect's JSON converter wraps its values"
        yield located.at_value((*path, "envelope"), "inconsistent", message, hint)


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
