"""The files of a Protobuf schema become a pool of their own: two schemas may use the same names.

Files that every registry takes for granted (google/protobuf/*.proto, google/type/*.proto and Confluent's own) come from
here where the schema does not bring them.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.type import (
    calendar_period_pb2,
    color_pb2,
    date_pb2,
    datetime_pb2,
    dayofweek_pb2,
    decimal_pb2,
    expr_pb2,
    fraction_pb2,
    interval_pb2,
    latlng_pb2,
    localized_text_pb2,
    money_pb2,
    month_pb2,
    phone_number_pb2,
    postal_address_pb2,
    quaternion_pb2,
    timeofday_pb2,
)

from connector.core.formats.decoded import SchemaError

_GOOGLES: tuple[ModuleType, ...] = (
    *(any_pb2, api_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, source_context_pb2, struct_pb2),
    *(timestamp_pb2, type_pb2, wrappers_pb2),
    *(calendar_period_pb2, color_pb2, date_pb2, datetime_pb2, dayofweek_pb2, decimal_pb2, expr_pb2, fraction_pb2),
    *(interval_pb2, latlng_pb2, localized_text_pb2, money_pb2, month_pb2, phone_number_pb2, postal_address_pb2),
    *(quaternion_pb2, timeofday_pb2),
)
_TYPES = {
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
}
_ONE, _MANY = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL, descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
_META = 1088  # the number of Confluent's options


def known_files() -> dict[str, Any]:
    """Files that a schema may import without bringing them, as FileDescriptorProto by name."""
    files = {}
    for module in _GOOGLES:
        file = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        files[file.name] = file
    for file in (_confluent_meta(), _confluent_decimal(), _confluent_decimal_before()):
        files[file.name] = file
    return files


def _confluent_meta() -> Any:
    # https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html
    file = descriptor_pb2.FileDescriptorProto(name="confluent/meta.proto", package="confluent", syntax="proto3")
    file.dependency.append("google/protobuf/descriptor.proto")
    meta = file.message_type.add(name="Meta")
    _field(meta, "doc", 1)
    meta.field.add(name="params", number=2, label=_MANY, type=_MESSAGE, type_name=".confluent.Meta.ParamsEntry")
    _field(meta, "tags", 3, label=_MANY)
    meta.field.add(name="rules", number=4, label=_MANY, type=_MESSAGE, type_name=".confluent.Rule")
    entry = meta.nested_type.add(name="ParamsEntry")
    entry.options.map_entry = True
    _field(entry, "key", 1)
    _field(entry, "value", 2)
    rule = file.message_type.add(name="Rule")
    for number, name in enumerate(("name", "doc", "expr", "sql"), 1):
        _field(rule, name, number)
    for name, options in (
        ("file_meta", "FileOptions"),
        ("message_meta", "MessageOptions"),
        ("field_meta", "FieldOptions"),
        ("enum_meta", "EnumOptions"),
        ("enum_value_meta", "EnumValueOptions"),
    ):
        extendee = f".google.protobuf.{options}"
        file.extension.add(
            name=name, extendee=extendee, number=_META, label=_ONE, type=_MESSAGE, type_name=".confluent.Meta"
        )
    return file


def _confluent_decimal() -> Any:
    name = "confluent/type/decimal.proto"
    file = descriptor_pb2.FileDescriptorProto(name=name, package="confluent.type", syntax="proto3")
    message = file.message_type.add(name="Decimal")
    _field(message, "value", 1, "bytes")
    _field(message, "precision", 2, "uint32")
    _field(message, "scale", 3, "int32")
    return file


def _confluent_decimal_before() -> Any:
    # Clients called the file so for a while; the type's name was the same.
    name = "confluent/types/decimal.proto"
    return descriptor_pb2.FileDescriptorProto(
        name=name, syntax="proto3", dependency=["confluent/type/decimal.proto"], public_dependency=[0]
    )


def _field(message: Any, name: str, number: int, kind: str = "string", label: int = _ONE) -> None:
    message.field.add(name=name, number=number, label=label, type=_TYPES[kind])


def load_files(serialized: bytes) -> tuple[Any, list[Any]]:
    """A new pool with all files of a FileDescriptorSet, and the files in the order of the set.

    Raises:
        SchemaError: it is no FileDescriptorSet, or one whose files do not fit together.
    """
    files = _parsed(serialized)
    adding = _Adding(DescriptorPool(), {**known_files(), **{file.name: file for file in files}})
    try:
        for file in files:
            adding.add(file.name, file.name)
    except RecursionError:
        raise SchemaError("expected imports that are nested less deep") from None
    return adding.pool, [adding.pool.FindFileByName(file.name) for file in files]


class _Adding:
    """Files go into a pool after those that they import."""

    def __init__(self, pool: Any, files: Mapping[str, Any]) -> None:
        self.pool = pool
        self._files = files
        self._added: dict[str, bool] = {}  # False while a file's imports are added

    def add(self, name: str, importer: str) -> None:
        if not self._added.get(name, True):
            raise SchemaError(f"expected imports without a circle: {importer} imports {name}")
        if name in self._added:
            return
        if name not in self._files:
            raise SchemaError(f"{importer} imports {name}, which is missing: {_ADVICE}")
        self._added[name] = False
        for dependency in self._files[name].dependency:
            self.add(dependency, name)
        try:
            self.pool.Add(self._files[name])
        except (TypeError, ValueError) as error:
            raise SchemaError(f"expected a valid Protobuf file {name}: {error}") from None
        self._added[name] = True


_ADVICE = "write the file with protoc --include_imports, or register the import as a reference of the schema"


def _parsed(serialized: bytes) -> list[Any]:
    try:
        files = list(descriptor_pb2.FileDescriptorSet.FromString(serialized).file)
    except DecodeError:
        files = []
    if not files or not all(file.name for file in files):
        raise SchemaError(
            "expected a FileDescriptorSet, as protoc --include_imports -o NAME.desc writes it, found other bytes"
        )
    return files
