"""A pattern is used only if the time of a search is bounded for every text, a hostile one included.

Python's engine backtracks: it tries every way in which a pattern can read a text, so its time is the number of ways.
How fast that number grows with the text is a property of the pattern's automaton (Weber and Seidl, "On the degree of
ambiguity of finite automata", 1991): exponentially where a position comes back to itself in two ways by one text, else
as a power, whose exponent is the length of the longest chain of loops of which each hands a part of one text over to
the next. A search from every place of the text is one more loop.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from connector.core.expressions.regex_automaton import ALL, Automaton, TooComplex, automaton, pairs, reached

MAX_TOGETHER = 128  # characters and classes within one loop: pairs are looked at
MAX_STEPS = 200_000  # of looking at how two loops work together


class BacktrackingCost(NamedTuple):
    """At most about ``ways * length ** (degree + 1)`` steps; a ``degree`` of None is exponential growth."""

    degree: int | None
    ways: int


def backtracking_cost(pattern: str) -> BacktrackingCost:
    """How fast the ways to search a text for the pattern grow with the text.

    Raises:
        TooComplex: the growth cannot be bounded.
        re.error, OverflowError, RecursionError: as ``re.compile`` does.
    """
    return _Analysis(automaton(pattern)).backtracking_cost()


class _Analysis:
    """Loops, and how they work together."""

    def __init__(self, given: Automaton) -> None:
        self._classes = given.classes
        self._follow = given.follow
        self._component = _components(range(len(self._classes)), self._follow.__getitem__)
        self._members: defaultdict[int, list[int]] = defaultdict(list)
        for position, component in self._component.items():
            self._members[component].append(position)

    def backtracking_cost(self) -> BacktrackingCost:
        loops = [component for component in sorted(self._members, reverse=True) if self._loops(component)]
        if any(self._exponential(component) for component in loops):
            return BacktrackingCost(None, 0)
        # Loop to the longest chain that begins with it; the last loops come first.
        longest: dict[int, int] = {}
        for loop in loops:
            beyond = self._beyond(loop)
            longest[loop] = max(
                (longest[later] + self._hands_over(loop, later) for later in longest if later in beyond),
                default=0,
            )
        return BacktrackingCost(max(longest.values(), default=0), self._ways())

    def _loops(self, component: int) -> bool:
        first = self._members[component][0]
        return len(self._members[component]) > 1 or first in self._follow[first]

    def _inside(self, position: int) -> list[tuple[int, int, int]]:
        """Those of the same loop that may come next, in how many ways, and by which symbols."""
        component = self._component[position]
        return [
            (after, ways, symbols)
            for after, (ways, symbols) in self._follow[position].items()
            if self._component[after] == component
        ]

    def _exponential(self, component: int) -> bool:
        """Whether a position comes back to itself in two ways by one text."""
        members = self._members[component]
        if len(members) > MAX_TOGETHER:
            raise TooComplex(f"a repeat of it has more than {MAX_TOGETHER} characters and classes")
        if any(ways > 1 for position in members for _, ways, _ in self._inside(position)):
            return True

        def after(pair: tuple[int, int]) -> Iterator[tuple[int, int]]:
            for (one, _, by), (other, _, symbols) in pairs(self._inside(pair[0]), self._inside(pair[1])):
                if by & symbols:
                    yield one, other

        together = _components(pairs(members, members), after)
        same = {together[member, member] for member in members}
        return any(together[one, other] in same for one, other in pairs(members, members) if one != other)

    def _beyond(self, loop: int) -> set[int]:
        found = {self._component[position] for position in reached(self._members[loop], self._follow)}
        return found - {loop}

    def _hands_over(self, loop: int, later: int) -> bool:
        """Whether one text leads round the one, from the one to the other, and round the other."""
        between = self._beyond(loop) | {loop}
        return any(self._common(one, other, between) for one, other in pairs(self._members[loop], self._members[later]))

    def _common(self, one: int, other: int, between: set[int]) -> bool:
        start, goal = (one, one, other), (one, other, other)
        seen, stack = {start}, [start]
        while stack:
            if len(seen) > MAX_STEPS:
                raise TooComplex("its repeats work together in too many ways")
            here, there, beyond = stack.pop()
            moves = [(after, by) for after, (_, by) in self._follow[there].items() if self._component[after] in between]
            for (first, _, by), (third, _, symbols) in pairs(self._inside(here), self._inside(beyond)):
                for second, these in moves if by & symbols else ():
                    if by & symbols & these and (triple := (first, second, third)) not in seen:
                        if triple == goal:
                            return True
                        seen.add(triple)
                        stack.append(triple)
        return False

    def _ways(self) -> int:
        """In how many ways one text can lead through the loops and past them, wherever each of them ends."""
        ways: dict[int, int] = {}
        for component in sorted(self._members, reverse=True):  # the last ones have the greatest numbers
            leaving = [
                (symbols, count * ways[self._component[after]])
                for position in self._members[component]
                for after, (count, symbols) in self._follow[position].items()
                if self._component[after] != component
            ]
            if self._loops(component):
                ways[component] = 1 + sum(count for _, count in leaving)
            else:
                ways[component] = max(1, _most_at_once(leaving))
        return max(ways.values())


def _most_at_once(leaving: Sequence[tuple[int, int]]) -> int:
    """The largest sum over those that take one symbol."""
    if len(leaving) < 2:
        return sum(count for _, count in leaving)
    return max(sum(count for by, count in leaving if by >> symbol & 1) for symbol in range(ALL.bit_length()))


def _components(nodes: Iterable[Any], after: Callable[[Any], Iterable[Any]]) -> dict[Any, int]:
    """Node to the number of its strongly connected component; the numbers rise along every way (Kosaraju)."""
    order = _in_order_of_leaving(nodes, after)
    before: defaultdict[Any, list[Any]] = defaultdict(list)
    for node in order:
        for successor in after(node):
            before[successor].append(node)
    component: dict[Any, int] = {}
    for number, root in enumerate(reversed(order)):
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in component:
                component[node] = number
                stack += before[node]
    return component


def _in_order_of_leaving(nodes: Iterable[Any], after: Callable[[Any], Iterable[Any]]) -> list[Any]:
    order, seen = [], set()
    stack = [(node, False) for node in nodes]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(successor, False) for successor in after(node)]
    return order
