"""What every section of the file is: strict, frozen, and able to keep what was valid in an invalid file."""

from typing import Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)


class Section(BaseModel):
    """Strict base: an unknown key is an error, a loaded section does not change, errors carry no input."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def _empty(value: Any) -> Any:
    """A section whose lines are all commented out is empty: its defaults apply."""
    return {} if value is None else value


Blank = BeforeValidator(_empty)
BlankList = BeforeValidator(lambda value: [] if value is None else value)


def _keep(data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    value = handler(data)
    if info.context is not None and info.field_name is not None:
        info.context.get("kept", {})[info.field_name] = value
    return value


# The valid value of a field goes into the validation context's ``kept``, by the field's name. So the checks over
# several sections can use a valid section of a file that is invalid elsewhere, and nothing is validated twice.
Kept = WrapValidator(_keep)


class _Source:
    """What a section was read from. It is no part of its meaning, so any two are equal."""

    def __init__(self, data: Any = None, env: Any = None) -> None:
        self.data, self.env = data, env

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source)

    __hash__ = None  # type: ignore[assignment]  # nothing is looked up by it


class Rereadable(Section):
    """A section whose ``{file: …}`` may have other content later: mounted secrets are replaced in place."""

    _source: _Source = PrivateAttr(default_factory=_Source)

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        section = handler(data)
        section._source = _Source(data, (info.context or {}).get("env"))  # noqa: SLF001  its own
        return section

    @property
    def references(self) -> dict[str, str]:
        """The paths of ``{file: …}``, by the key that has one."""
        found = self._source.data.items() if isinstance(self._source.data, dict) else ()
        return {key: value["file"] for key, value in found if isinstance(value, dict) and "file" in value}

    def shown(self, key: str) -> str | None:
        """A value as the file names it: the value itself, or `env NAME` or `file PATH` in place of what that holds."""
        given = self._source.data.get(key) if isinstance(self._source.data, dict) else None
        if not isinstance(given, dict):
            return None if given is None else str(given)
        return next(f"{kind} {given[kind]}" for kind in ("env", "file") if kind in given)

    def reread(self) -> Self | None:
        """The section as it would be loaded now; None where it would be refused, as in the middle of a change."""
        try:
            # Without the context's ``files``: the content of the files is read again.
            context = {"env": self._source.env or {}}
            return type(self).model_validate(self._source.data, context=context, by_name=False)
        except ValidationError:
            return None
