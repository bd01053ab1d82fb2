"""Markup is built of elements, so that text cannot become markup: whatever is not ``Html`` already is escaped."""

import html
from typing import TypeGuard

VOID = frozenset({"meta", "link"})  # elements without an end


class Html(str):
    """Text that is markup."""

    __slots__ = ()


Child = str | None
Attribute = str | int | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element.

    Args:
        name: of the element.
        children: text, which is escaped, or elements; None is nothing.
        attributes: ``class_`` is class, ``aria_label`` is aria-label; None and False leave one out, True has no value.
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Html(f"<{name}{head}>")
    return Html(f"<{name}{head}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Elements and text, one after the other."""
    return Html("".join(child if _is_markup(child) else html.escape(child) for child in children if child))


def _is_markup(child: str) -> TypeGuard[Html]:
    return isinstance(child, Html)


def _attribute(key: str, value: Attribute) -> str:
    if value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
