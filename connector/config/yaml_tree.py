"""YAML text to plain data, with the place of every key and value.

Keys are always text, as they stand in the file; every key stands once. What YAML allows beyond mappings,
lists and scalars (tags, several documents, keys that are lists) is a fault, for no setting means it.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from connector.config.problems import key_word, printable
from connector.config.yaml_scalars import EXPECTED, SCALARS, read_scalar
from connector.config.yaml_slips import REFER, Stumble, slip_of
from connector.config.yaml_wording import reword

Path = tuple[str | int, ...]

# A configuration is a few hundred nodes, ten deep. Aliases can make billions out of a few lines.
MAX_NODES = 100_000
MAX_DEPTH = 64

# Ends the path of a value that has no place in the data: it is read for its own faults, and to be masked.
DISCARDED = "\0discarded"

_UNFIT = re.compile("[\0\ud800-\udfff]")  # an escape can make what UTF-8 and C strings cannot hold
_TAG = "tag:yaml.org,2002:"


class Span(NamedTuple):
    """A stretch of one line: 0-based line and column, in characters. A longer value ends with the line."""

    line: int
    column: int
    length: int


class Place(NamedTuple):
    """Where a path's key (None for items and the root) and value stand.

    ``end`` is the 0-based line and column after the value. ``kind`` is scalar, mapping or sequence. ``style``
    is how a scalar is written: None for plain, else its quote, or ``|`` or ``>``.
    """

    key: Span | None
    value: Span
    end: tuple[int, int]
    kind: str
    style: str | None = None


class Fault(NamedTuple):
    """A mistake that YAML itself, or our subset of it, rules out; ``path`` is the value that has it."""

    code: str
    message: str
    span: Span
    hint: str | None = None
    path: Path = ()


class Tree(NamedTuple):
    """Plain data, the place of every path in it, and the faults; no places where there is no YAML."""

    data: Any
    places: dict[Path, Place]
    faults: list[Fault]


def lines_of(text: str) -> list[str]:
    """The lines as YAML counts them."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


def parse(text: str) -> Tree:
    """Never raises: what is not YAML is a tree with a fault and no data."""
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        before = lines_of(text[: error.position])
        span = Span(len(before) - 1, len(before[-1]), 1)
        return Tree(
            None, {}, [Fault("bad-yaml", "expected printable characters only", span, "remove the control character")]
        )
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # ValueError and OverflowError: PyYAML lets them out for an escape such as "\UFFFFFFFF".
        fault = _syntax_fault(error, loader)
        lines = lines_of(text)
        return Tree(None, {}, [_better(fault, error, lines)])
    if root is None:
        return Tree(None, {}, [Fault("empty-file", "expected a configuration, not an empty file", Span(0, 0, 1))])
    builder = _Builder(lines_of(text))
    data = builder.build(root, (), None)
    return Tree(data, builder.places, builder.faults)


class _Loader(yaml.SafeLoader):
    """Composes nodes by the core schema, no deeper than ``MAX_DEPTH``."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's name
    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """One node; the composer recurses through here."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # no stub
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _kind, _pattern, _first in SCALARS:
    _Loader.add_implicit_resolver(_TAG + _kind, _pattern, _first)


def _syntax_fault(error: Exception, loader: Any) -> Fault:
    words = reword(str(getattr(error, "problem", None) or ""), str(getattr(error, "context", None) or ""))
    context = getattr(error, "context_mark", None) if words.at_context else None
    mark = context or getattr(error, "problem_mark", None) or loader.get_mark()
    return Fault(words.code, words.message, Span(mark.line, mark.column, 1), words.hint)


def _better(fault: Fault, error: Exception, lines: list[str]) -> Fault:
    """The fault, or the slip before it that made YAML stumble."""
    opened = getattr(error, "context_mark", None)
    stumble = Stumble(fault.message, fault.span.line, fault.span.column, opened and (opened.line, opened.column))
    slip = slip_of(stumble, lines)
    if slip is None:
        return fault
    return fault._replace(message=slip.message, hint=slip.hint, span=Span(slip.line, slip.column, slip.length))


class _Builder:
    """Nodes to data. Aliases are expanded, so the bounds on size and depth count what they expand to."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.places: dict[Path, Place] = {}
        self.faults: list[Fault] = []
        self._open: list[Node] = []
        self._at: Path = ()
        self._nodes = 0
        self._bounded = True

    def build(self, node: Node, path: Path, key: Node | None) -> Any:
        """The node's data; records its place and its faults."""
        self._nodes += 1
        outer_path, self._at = self._at, path
        try:
            return self._bounded_content(node, path, key)
        finally:
            self._at = outer_path

    def _bounded_content(self, node: Node, path: Path, key: Node | None) -> Any:
        span, end = self.span(node), (node.end_mark.line, node.end_mark.column)
        style = getattr(node, "style", None)
        self.places[path] = Place(self.span(key) if key else None, span, end, _KINDS[type(node)], style)
        if any(node is outer for outer in self._open):
            return self._fault(
                "recursive-alias",
                "expected an alias of a value that does not contain the alias",
                span,
                "remove the alias",
            )
        if self._nodes > MAX_NODES or len(self._open) > MAX_DEPTH:
            return self._too_large(key or node)
        self._open.append(node)
        try:
            return self._content(node, path)
        finally:
            self._open.pop()

    def span(self, node: Node) -> Span:
        """The part of the node that is on its first line."""
        start, end = node.start_mark, node.end_mark
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        stop = end.column if end.line == start.line else len(line.rstrip())
        return Span(start.line, start.column, max(1, stop - start.column))

    def _fault(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.faults.append(Fault(code, message, span, hint, self._at))

    def _too_large(self, node: Node) -> None:
        if self._bounded:  # said once: everything after it would say the same
            self._bounded = False
            message = f"expected at most {MAX_NODES} values, {MAX_DEPTH} deep, once aliases are expanded"
            self._fault("too-large", message, self.span(node))

    def _content(self, node: Node, path: Path) -> Any:
        if node.tag not in _TAGS[type(node)]:
            tag = printable(node.tag.removeprefix(_TAG))
            message = f"expected no tag, or a tag of YAML's core schema, not {tag}"
            return self._fault("unknown-tag", message, self.span(node), _TAG_HINTS.get(tag.lower(), _QUOTE_TAG))
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index), None) for index, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        return self._scalar(node)

    def _scalar(self, node: Node) -> Any:
        text, kind = node.value, node.tag.removeprefix(_TAG)
        if _UNFIT.search(text):
            return self._fault("bad-yaml", "expected text without NUL and unpaired surrogates", self.span(node))
        if kind == "str":
            return text
        try:
            return read_scalar(kind, text)
        except ValueError:
            return self._fault("bad-number", f"expected {EXPECTED[kind]}", self.span(node), "quote it to make it text")

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, int] = {}
        merged: list[Node] = []
        for key, value in node.value:
            name = self._name(key)
            if name is None:
                self.build(value, (*path, DISCARDED), key)
            elif name == "<<" and key.style is None:
                merged.append(value)
            elif name in first:
                message = f"expected the key {key_word(name)} once"
                hint = f"line {first[name] + 1} has it already: remove one of the two"
                self._fault("duplicate-key", message, self.span(key), hint)
                self.build(value, (*path, name, DISCARDED), key)
            else:
                first[name] = key.start_mark.line
                data[name] = self.build(value, (*path, name), key)
        for source in merged:
            self._merge(source, data, path)
        return data

    def _name(self, key: Node) -> str | None:
        """A key's text, or None for a list, a mapping or an empty key, with a fault."""
        if isinstance(key, ScalarNode) and (key.value or key.style) and not _UNFIT.search(key.value):
            return str(key.value)
        unfit = "text with a character that no name has" if isinstance(key, ScalarNode) and key.value else "nothing"
        what = {"mapping": "a mapping", "sequence": "a list"}.get(_KINDS[type(key)], unfit)
        hint = 'quote a template: "{{ … }}"' if isinstance(key, MappingNode) and key.flow_style else None
        self._fault("bad-key", f"expected a name as key, not {what}", self.span(key), hint)
        return None

    def _merge(self, source: Node, data: dict[str, Any], path: Path) -> None:
        """``<<``: keys that the mapping does not have itself; of several sources the first wins."""
        for mapping in source.value if isinstance(source, SequenceNode) else [source]:
            if not isinstance(mapping, MappingNode):
                self._fault("bad-merge", "expected a mapping after <<", self.span(mapping), "use an alias of a mapping")
                continue
            for name, key, value in self._pairs(mapping):
                if name not in data:
                    data[name] = self.build(value, (*path, name), key)

    def _pairs(self, mapping: MappingNode) -> Iterator[tuple[str, Node, Node]]:
        for key, value in mapping.value:
            name = self._name(key)
            if name == "<<":
                self._fault("bad-merge", "expected the mapping after << to have no << itself", self.span(key))
            elif name is not None:
                yield name, key, value


_KINDS: dict[type[Node], str] = {ScalarNode: "scalar", MappingNode: "mapping", SequenceNode: "sequence"}
_QUOTE_TAG = "quote an expression or text that starts with !"
_TAG_HINTS = {  # of other tools' files
    **dict.fromkeys(("!env", "!env_var", "!envvar", "!env_tag"), REFER),
    **dict.fromkeys(("!file", "!include", "!secret"), "write {file: PATH}"),
}
_TAGS = {
    ScalarNode: {_TAG + kind for kind in ("str", "null", "bool", "int", "float")},
    SequenceNode: {_TAG + "seq"},
    MappingNode: {_TAG + "map"},
}
