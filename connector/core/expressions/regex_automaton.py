"""The automaton of a pattern allows at least every step that Python's engine can take; what is unknown is refused.

A position is a character or class of the pattern; it leads to the positions that may come next. What the engine knows
beyond that (inner anchors, the text of a group, that an atomic group does not backtrack) only makes it do less. The
parser of the standard library and its tree are not public, hence the refusal of what is not known here.

Above 300 lines: classes of characters and the automaton change together, whenever Python's private parser does.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

MAX_POSITIONS = 2_000  # characters and classes of a pattern
MAX_EXACT = 64  # x{n}: up to here n of it, from there on any number

# A symbol is a character of Latin-1, or one of four kinds of what lies beyond.
_LATIN = 256
_DIGIT, _WORD, _SPACE, _REST = (1 << (_LATIN + kind) for kind in range(4))
_BEYOND = _DIGIT | _WORD | _SPACE | _REST
ALL = (1 << _LATIN) - 1 | _BEYOND

_One = TypeVar("_One")
_Other = TypeVar("_Other")


class TooComplex(ValueError):
    """The running time of the pattern cannot be bounded."""


class _Class(NamedTuple):
    """The symbols that may fit, and those that do for sure; the former has the latter."""

    may: int
    sure: int


class _Exit(NamedTuple):
    """A way out of a part: in how many ways, before which symbols, and whether nothing can stand in it."""

    ways: int = 1
    after: int = ALL
    sure: bool = True

    def __and__(self, other: "_Exit") -> "_Exit":
        return _Exit(self.ways * other.ways, self.after & other.after, self.sure and other.sure)

    def __or__(self, other: "_Exit") -> "_Exit":
        return _Exit(self.ways + other.ways, self.after | other.after, self.sure or other.sure)


class _Part(NamedTuple):
    """A part of the pattern.

    ``first`` has the positions that it can begin with, and in how many ways; ``last`` those that it can end with, and
    how it is left after each; ``empty`` how it is left where it reads nothing.
    """

    first: Counter[int]
    last: dict[int, _Exit]
    empty: _Exit


_SHUT = _Exit(0, 0, sure=False)
_NOTHING = _Part(Counter(), {}, _Exit())
_IF_SO = _Part(Counter(), {}, _Exit(sure=False))


def automaton(pattern: str) -> "Automaton":
    """The automaton of a search for the pattern.

    Raises:
        TooComplex: it has what is not known here, or this Python has moved its parser.
        re.error, OverflowError, RecursionError: as ``re.compile`` does.
    """
    parser = _parser()
    tree = parser.parse(pattern)
    made = Automaton(unbounded=parser.MAXREPEAT)
    whole = made.sequence(tree, tree.state.flags)
    made.start(whole, anchored=bool(tree) and _anchors(tree[0], tree.state.flags))
    return made


def _parser() -> Any:
    # Not at the top: a Python without it could not even run a mapping that has no pattern.
    try:
        from re import _parser  # type: ignore[attr-defined]  # noqa: PLC0415  no types; sre_parse, its old name, warns
    except ImportError:
        raise TooComplex("this version of Python does not show how it reads patterns; 3.11 does") from None
    return _parser


def _anchors(item: tuple[Any, Any], flags: int) -> bool:
    operation, argument = item
    name = str(argument)
    whole = name == "AT_BEGINNING_STRING" or (name == "AT_BEGINNING" and not flags & re.MULTILINE)
    return str(operation) == "AT" and whole


class Automaton:
    """Positions, and from each one to those that may come next: in how many ways, and by which symbols.

    Args:
        unbounded: the parser's number for a repeat without an upper bound.
    """

    def __init__(self, unbounded: int) -> None:
        self._unbounded = unbounded
        self.classes: list[_Class] = [_Class(ALL, ALL)]  # 0 is where a search begins
        self.follow: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)

    def start(self, whole: _Part, *, anchored: bool) -> None:
        """Begin with the whole pattern, at every place unless it is anchored."""
        begin = {0: _Exit()}
        self._join(begin, whole.first)
        if not anchored and not whole.empty.sure:
            self._join(begin, Counter({0: 1}))
        self._meet({position for position, leaving in whole.last.items() if leaving.sure})

    def _meet(self, ends: set[int]) -> None:
        """The way that is the first at an end is the match, and nothing before it is tried again.

        So there is one way from end to end, which may only try what could still make the match longer.
        """
        met = len(self.classes)
        self.classes.append(_Class(ALL, ALL))
        again = reached(ends, self.follow) & ends
        for end in ends:
            for after, (ways, symbols) in self.follow.pop(end, {}).items():
                if after not in ends:
                    known, by = self.follow[met].get(after, (0, 0))
                    self.follow[met][after] = max(known, ways), by | symbols
        for position in list(self.follow):
            self.follow[position] = {after: how for after, how in self.follow[position].items() if after not in ends}
        if again:
            self.follow[met][met] = 1, ALL

    def _join(self, last: dict[int, _Exit], first: Counter[int]) -> None:
        for (before, leaving), (position, entries) in pairs(last.items(), first.items()):
            symbols = leaving.after & self.classes[position].may
            if symbols:
                known, by = self.follow[before].get(position, (0, 0))
                self.follow[before][position] = known + leaving.ways * entries, by | symbols

    # -- parts ------------------------------------------------------------------------------------------------

    def sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> _Part:
        """One part after the other."""
        whole = _NOTHING
        for operation, argument in items:
            whole = self._then(whole, self._part(str(operation), argument, flags))
        return whole

    def _then(self, one: _Part, other: _Part) -> _Part:
        self._join(one.last, other.first)
        first = Counter(one.first)
        for position, ways in other.first.items():
            if one.empty.after & self.classes[position].may:
                first[position] += one.empty.ways * ways
        last = dict(other.last)
        if other.empty.ways:
            last |= {position: leaving & other.empty for position, leaving in one.last.items()}
        return _Part(first, last, one.empty & other.empty)

    def _part(self, operation: str, argument: Any, flags: int) -> _Part:
        if operation in _CLASSES:
            return self._position(_class(operation, argument, flags))
        if operation in _REPEATS:
            least, most, inner = argument
            return self._repeated(operation, (least, most), inner, flags)
        make = _PARTS.get(operation)
        if make is None:
            raise TooComplex(f"{operation.lower()} is not known here")
        return make(self, argument, flags)

    def group(self, argument: Any, flags: int) -> _Part:
        """A part in parentheses, which may have flags of its own."""
        _, added, removed, inner = argument
        return self.sequence(inner, (flags | added) & ~removed)

    def atomic(self, inner: Any, flags: int) -> _Part:
        """A part that does not backtrack once it has matched."""
        if len(inner) == 1 and str(inner[0][0]) == "MAX_REPEAT":
            least, most, repeated = inner[0][1]
            return self._repeated("POSSESSIVE_REPEAT", (least, most), repeated, flags)
        return self.sequence(inner, flags)

    def branch(self, argument: Any, flags: int) -> _Part:
        """One part of several."""
        return self._either([self.sequence(inner, flags) for inner in argument[1]])

    def conditional(self, argument: Any, flags: int) -> _Part:
        """One part of two."""
        return self._then(self._either([self.sequence(inner or (), flags) for inner in argument[1:]]), _IF_SO)

    def look(self, argument: Any, flags: int) -> _Part:
        """A part that looks from here and comes back: its ways are on top of those of what follows."""
        return _IF_SO._replace(first=self.sequence(argument[1], flags).first)

    def same_again(self, *_: Any) -> _Part:
        """What a group has read."""
        return self._then(self._repeat(0, self._position(_Class(ALL, 0))), _IF_SO)

    def _position(self, symbols: _Class) -> _Part:
        position = len(self.classes)
        if position > MAX_POSITIONS:
            raise TooComplex(f"it has more than {MAX_POSITIONS} characters and classes")
        self.classes.append(symbols)
        return _Part(Counter({position: 1}), {position: _Exit()}, _SHUT)

    def _either(self, parts: Sequence[_Part]) -> _Part:
        first: Counter[int] = Counter()
        last: dict[int, _Exit] = {}
        empty = _SHUT
        for part in parts:
            first.update(part.first)
            last |= part.last
            empty |= part.empty
        return _Part(first, last, empty)

    def _repeated(self, kind: str, times: tuple[int, int], inner: Any, flags: int) -> _Part:
        least, most = times
        position = len(self.classes)
        part = self.sequence(inner, flags)
        single = len(self.classes) == position + 1 and len(inner) == 1 and not part.empty.ways
        if most == 1:
            return part._replace(empty=part.empty | _Exit()) if least == 0 else part
        if single and least == most <= MAX_EXACT:
            for _ in range(most - 1):
                part = self._then(part, self.sequence(inner, flags))
            return part
        repeat = self._repeat(least, part)
        if kind == "POSSESSIVE_REPEAT" and single and most == self._unbounded:
            # It has taken all that it can: what comes next is something else.
            exits = _Exit(after=ALL & ~self.classes[position].sure, sure=least <= 1)
            return repeat._replace(last={position: exits}, empty=exits if least == 0 else _SHUT)
        return repeat

    def _repeat(self, least: int, part: _Part) -> _Part:
        """Any number of times: a bound on the number only makes it fewer ways."""
        if least > 1 and part.empty.ways:
            raise TooComplex("what it repeats may be empty, again and again")
        self._join(part.last, part.first)
        # An empty turn may be the first one or the last one; the engine allows none between.
        turns = 1 + part.empty.ways
        first = Counter({position: ways * turns for position, ways in part.first.items()})
        leaving = _Exit(turns, sure=least <= 1)
        last = {position: exits & leaving for position, exits in part.last.items()}
        return _Part(first, last, part.empty | _Exit() if least == 0 else part.empty)


_CLASSES = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_PARTS: Mapping[str, Callable[[Automaton, Any, int], _Part]] = {
    "AT": lambda *_: _IF_SO,
    "SUBPATTERN": Automaton.group,
    "ATOMIC_GROUP": Automaton.atomic,
    "BRANCH": Automaton.branch,
    "GROUPREF": Automaton.same_again,
    "GROUPREF_EXISTS": Automaton.conditional,
    "ASSERT": Automaton.look,
    "ASSERT_NOT": Automaton.look,
}


def pairs(ones: Iterable[_One], others: Collection[_Other]) -> Iterator[tuple[_One, _Other]]:
    """Every pair of one of these and one of those; ``others`` is iterated several times."""
    return ((one, other) for one in ones for other in others)


def reached(starts: Iterable[int], follow: Mapping[int, Mapping[int, Any]]) -> set[int]:
    """Where one can come to from these, themselves included only where one comes back."""
    found: set[int] = set()
    stack = list(starts)
    while stack:
        fresh = follow.get(stack.pop(), {}).keys() - found
        found |= fresh
        stack += fresh
    return found


# -- classes --------------------------------------------------------------------------------------------------


def _class(operation: str, argument: Any, flags: int) -> _Class:
    match operation:
        case "LITERAL":
            return _range(argument, argument, flags)
        case "NOT_LITERAL":
            return _negated(_range(argument, argument, flags))
        case "ANY":
            return _Class(ALL, ALL) if flags & re.DOTALL else _negated(_range(10, 10, 0))
        case _:
            return _set(argument, flags)


def _set(items: Sequence[tuple[Any, Any]], flags: int) -> _Class:
    negative, found = False, _Class(0, 0)
    for operation, argument in items:
        match str(operation):
            case "NEGATE":
                negative = True
                continue
            case "LITERAL":
                one = _range(argument, argument, flags)
            case "RANGE":
                low, high = argument
                one = _range(low, high, flags)
            case "CATEGORY":
                one = _category(str(argument), flags)
            case name:
                raise TooComplex(f"{name.lower()} is not known here")
        found = _Class(found.may | one.may, found.sure | one.sure)
    return _negated(found) if negative else found


def _negated(symbols: _Class) -> _Class:
    return _Class(ALL & ~symbols.sure, ALL & ~symbols.may)


def _range(low: int, high: int, flags: int) -> _Class:
    latin = sum(1 << code for code in range(low, min(high + 1, _LATIN)))
    beyond = _BEYOND if high >= _LATIN else 0
    if not flags & re.IGNORECASE:
        return _Class(latin | beyond, latin)
    if beyond:
        return _Class(ALL, latin)
    # Some letters have a second form beyond Latin-1, such as the Kelvin sign.
    letters = {chr(code) for code in range(low, high + 1) if chr(code).isalpha()}
    cases = {case for letter in letters for case in (letter.lower(), letter.upper())}
    alike = sum(1 << code for code in range(_LATIN) if not cases.isdisjoint({chr(code).lower(), chr(code).upper()}))
    return _Class(latin | alike | (_BEYOND if letters else 0), latin)


@cache
def _category(name: str, flags: int) -> _Class:
    kind = name.removeprefix("CATEGORY_").removeprefix("NOT_")
    beyond = {"DIGIT": _DIGIT, "WORD": _DIGIT | _WORD, "SPACE": _SPACE}[kind]
    ascii_only = re.ASCII if flags & re.ASCII else re.UNICODE
    fits = re.compile({"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}[kind], ascii_only).match
    found = sum(1 << code for code in range(_LATIN) if fits(chr(code)))
    found |= 0 if flags & re.ASCII else beyond
    positive = _Class(found, found)
    return _negated(positive) if "NOT_" in name else positive
