"""Schemas beside the configuration: ``schema_file`` is read and compiled when the file is loaded.

The libraries of a format are imported only for a file that asks for it, because they are optional.
"""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

from connector.config.formats import Format, missing_packages, validates
from connector.config.located import Located
from connector.config.problems import Problem
from connector.config.yaml_tree import Path
from connector.core.formats.decoded import Decode, SchemaError
from connector.core.mapping.reading import Formats
from connector.core.mapping.specs import PipelineSpec

MAX_BYTES = 16 * 1024 * 1024  # descriptors hold all that they import


def compile_formats(number: int, spec: PipelineSpec, located: Located) -> tuple[Formats, list[Problem]]:
    """What the schema files of a pipeline decode; ``number`` is its place in the file."""
    problems: list[Problem] = []
    decoders: dict[str, Decode | None] = {}
    for part, form in (("value", spec.value), ("key", spec.key)):
        found = _compiled(("pipelines", number, part), form, located)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            decoders[part] = found
    return Formats(None, decoders.get("value"), decoders.get("key")), problems


def _compiled(path: Path, spec: Format, located: Located) -> Decode | Problem | None:
    compile_schema = _COMPILERS.get(spec.format)
    if spec.schema_file is None or compile_schema is None or missing_packages(spec):
        return None
    if spec.format == "json_schema" and not validates(spec):
        return None
    here = (*path, "schema_file")
    try:
        with FilePath(spec.schema_file).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        return located.at_value(here, "unreadable-file", f"expected a readable file: {why}")
    if len(raw) > MAX_BYTES:
        return located.at_value(here, "too-large", "expected a file of at most 16 MiB")
    try:
        return compile_schema(raw, spec.message)
    except SchemaError as error:
        return located.at_value(here, "bad-schema", str(error))


_Compile = Callable[[bytes, str | None], Decode]


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SchemaError("expected a schema of UTF-8 text") from None


def _avro(raw: bytes, _: str | None) -> Decode:
    from connector.core.formats.avro import compile_avro_file  # noqa: PLC0415  see above

    return compile_avro_file(_text(raw))


def _protobuf(raw: bytes, message: str | None) -> Decode:
    from connector.core.formats.protobuf import compile_protobuf  # noqa: PLC0415  see above

    return compile_protobuf(raw, message)


def _json_schema(raw: bytes, _: str | None) -> Decode:
    from connector.core.formats.json_schema import compile_json_schema  # noqa: PLC0415  see above

    return compile_json_schema(_text(raw))


_COMPILERS: Mapping[str, _Compile] = {"avro": _avro, "protobuf": _protobuf, "json_schema": _json_schema}


def compile_registered(form: str, raw: bytes, *, glue: bool) -> Decode:
    """The decoder of payloads after a registry's frame, of a schema that the registry would have given.

    ``glue`` is AWS Glue, whose payloads of Protobuf begin in another way.

    Raises:
        SchemaError: it cannot be used.
    """
    if form == "protobuf":
        from connector.core.formats.protobuf import compile_protobuf  # noqa: PLC0415  see above

        return compile_protobuf(raw, indexed=True, glue=glue)
    if form == "avro":
        from connector.core.formats.avro import compile_avro  # noqa: PLC0415  see above

        return compile_avro(_text(raw))
    return _json_schema(raw, None)
