"""``{env: NAME}`` and ``{file: /path}`` in place of a scalar.

Only a field that carries ``Reference`` reads them, so that a property called ``env`` in a mapping stays one.
There is no substitution inside text: it breaks quoting, and it leaks.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# A secret is a line, a key file a few kilobytes; /dev/zero has no end.
MAX_FILE_BYTES = 1024 * 1024
_NEARLY: Mapping[str, str] = {"env": "env", "var": "env", "secret": "env", "file": "file", "path": "file"}

ENV_SCHEMA: JsonSchemaValue = {
    "type": "object",
    "description": "The value of an environment variable without one line break at its end, or the default where it is "
    "not set.",
    "properties": {
        "env": {"type": "string", "minLength": 1, "description": "Name of the environment variable."},
        "default": {
            "type": ["string", "number", "boolean", "null"],
            "description": "Taken where the variable is not set; without it the variable is required.",
        },
    },
    "required": ["env"],
    "additionalProperties": False,
}
FILE_SCHEMA: JsonSchemaValue = {
    "type": "object",
    "description": "The content of a UTF-8 text file, without one line break at its end.",
    "properties": {"file": {"type": "string", "minLength": 1, "description": "Path of the file."}},
    "required": ["file"],
    "additionalProperties": False,
}


def as_text(text: str) -> str:
    """For fields that are text: 007 stays 007."""
    return text


def without_line_break(text: str) -> str:
    """Without one line break at the end: `echo` writes it, and nobody means it."""
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


class Reference:
    """Annotation of a scalar that may be a reference. It is the outermost annotation, so that it runs first.

    ``read`` turns the text found into what the file could have said: text, or a YAML scalar. A variable may be empty
    only where ``empty`` says so. The validation context has the environment in ``env``, and in ``files`` what has been
    read during this load; nothing here looks at the process.
    """

    def __init__(self, read: Callable[[str], Any] = as_text, *, empty: bool = False) -> None:
        self.read = read
        self.empty = empty

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Resolves before the field's own validation."""
        return core_schema.with_info_before_validator_function(self._resolve, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The scalar, or one of the two references."""
        return {"anyOf": [handler(schema), ENV_SCHEMA, FILE_SCHEMA]}

    def _resolve(self, value: Any, info: ValidationInfo) -> Any:
        match value:
            case {"env": str(name)} if name and value.keys() <= {"env", "default"}:
                return self._variable(name, value, (info.context or {}).get("env", {}))
            case {"file": str(path)} if path and len(value) == 1:
                return self._parse(_once(path, (info.context or {}).get("files", {})))
            case dict():
                raise PydanticCustomError(
                    "bad_reference",
                    "expected a value, or {env: NAME} (with a default), or {file: PATH}",
                    _meant(value),
                )
            case _:
                return value

    def _variable(self, name: str, reference: dict[str, Any], env: Mapping[str, str]) -> Any:
        if name in env:
            return self._set(name, without_line_break(env[name]), reference)
        if "default" in reference:
            return reference["default"]
        hint = f"set {name}, or give a default: {{env: {name}, default: …}}"
        raise PydanticCustomError(
            "missing_variable",
            "expected the environment variable {name} to be set",
            {"name": name, "hint": hint},
        )

    def _set(self, name: str, text: str, reference: dict[str, Any]) -> Any:
        if text or self.empty:
            return self._parse(text)
        hint = "unset it to use the default" if "default" in reference else f"set {name}"
        raise PydanticCustomError(
            "empty_variable",
            "expected the environment variable {name} to hold a value, but it is empty",
            {"name": name, "hint": hint},
        )

    def _parse(self, text: str) -> Any:
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise PydanticCustomError("not_utf8", "expected UTF-8 text in the variable")
        try:
            return self.read(text)
        except ValueError:
            return text


def _once(path: str, files: dict[str, str]) -> str:
    """The content of a file, which ``files`` has where the same load has read it already."""
    if path not in files:
        files[path] = _content(path)
    return files[path]


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        raise PydanticCustomError("unreadable_file", "expected a readable file: {why}", {"why": why}) from error
    if len(raw) > MAX_FILE_BYTES:
        raise PydanticCustomError("unreadable_file", "expected a file of at most 1 MiB")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # From None: the cause would carry the bytes, and they may be a secret.
        raise PydanticCustomError("not_utf8", "expected a file of UTF-8 text") from None
    return without_line_break(text)


def _meant(reference: dict[Any, Any]) -> dict[str, Any] | None:
    """The hint for a reference whose key is nearly right."""
    names = [str(key).lower() for key in reference if key not in _NEARLY.values()]
    meant = next((key for name in names for start, key in _NEARLY.items() if name.startswith(start)), None)
    return {"hint": f"did you mean {meant}?"} if meant else None
