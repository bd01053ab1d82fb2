"""One engine decides which pipeline reads a topic, in ``validate`` and when running.

A name is always read; a pattern takes the topics whose whole name it matches, except those that its pipeline excludes.
Kafka's client searches by POSIX expressions, which know no look-ahead and no class for digits, so it only gets names.
No pipeline reads the dead-letter topic or the cluster's own (``__consumer_offsets``): a dead letter that is read makes
another one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from connector.core.expressions.regex_automaton import TooComplex
from connector.core.expressions.regex_cost import backtracking_cost
from connector.core.mapping.specs import PipelineSpec

INTERNAL = "__"  # what the names of a cluster's own topics begin with
LONGEST = 249  # characters of a topic's name
MAX_STEPS = 10_000_000  # to match one; a tenth of a second, and each name is matched once


class Fault(NamedTuple):
    """What is wrong with a pattern, and at which character if that can be said."""

    message: str
    position: int | None = None
    hint: str | None = None


def is_pattern(text: str) -> bool:
    """Whether this is a regular expression, not a name."""
    return text.startswith("^")


def is_internal(topic: str) -> bool:
    """Whether the topic is the cluster's own."""
    return topic.startswith(INTERNAL)


def fault(pattern: str) -> Fault | None:
    """What is wrong with a regular expression for names of topics; None where it can be used."""
    try:
        re.compile(pattern)
        degree, ways = backtracking_cost(pattern)
    except re.error as error:
        return Fault(f"expected a regular expression: {error.msg}", error.pos)
    except TooComplex as error:
        return Fault(f"expected a regular expression whose running time can be bounded: {error}")
    except (RecursionError, OverflowError):
        return Fault("expected a simpler regular expression")
    if degree is None:
        hint = "say what is allowed, as in [^.]* for .*"
        return Fault(
            "expected a pattern without nested or overlapping repeats: this one can take exponential time", None, hint
        )
    if ways * LONGEST**degree > MAX_STEPS:
        hint = "say what is allowed, as in [^.]* for .*, or write several patterns"
        return Fault("expected a regular expression with fewer repeats that can match the same text", None, hint)
    return None


class _Choice(NamedTuple):
    """What one pipeline's patterns take."""

    patterns: tuple[re.Pattern[str], ...]
    excluded: tuple[re.Pattern[str], ...]
    left_out: frozenset[str]  # the excluded that are names

    def leaves(self, topic: str) -> bool:
        return topic in self.left_out or any(pattern.fullmatch(topic) for pattern in self.excluded)

    def takes(self, topic: str) -> bool:
        return any(pattern.fullmatch(topic) for pattern in self.patterns) and not self.leaves(topic)


class Topics:
    """What the pipelines read of a cluster.

    Args:
        pipelines: in the order of the file.
        dead_letter: the topic of the dead letters, "" where there is none; never read.
    """

    def __init__(self, pipelines: Sequence[PipelineSpec], dead_letter: str = "") -> None:
        self._never = dead_letter
        self._choices = [_choice(each) for each in pipelines]
        every = [(number, topic) for number, each in enumerate(pipelines) for topic in each.topics]
        self._owners: dict[str, int | None] = {topic: number for number, topic in every if not is_pattern(topic)}
        self.names = tuple(self._owners)
        self.patterns = tuple(dict.fromkeys(topic for _, topic in every if is_pattern(topic)))

    def owner(self, topic: str) -> int | None:
        """The number of the pipeline that reads a topic, None where none does: names before patterns, then in order."""
        if topic not in self._owners:
            self._owners[topic] = self._taker(topic)
        return self._owners[topic]

    def _taker(self, topic: str) -> int | None:
        if topic == self._never or is_internal(topic):
            return None
        return next((number for number, choice in enumerate(self._choices) if choice.takes(topic)), None)

    def among(self, known: Iterable[str]) -> frozenset[str]:
        """Which of the topics that a cluster has are read."""
        return frozenset(topic for topic in known if self.owner(topic) is not None)

    def unmatched(self, known: Collection[str]) -> dict[str, str | None]:
        """Patterns that take no topic, each with one that it would take if it matched a name's beginning only."""
        read = self.among(known) - set(self.names)
        idle = [pattern for pattern in map(re.compile, self.patterns) if not any(map(pattern.fullmatch, read))]
        rest = sorted(topic for topic in known if self._is_free(topic))
        return {each.pattern: next(filter(each.match, rest), None) for each in idle}

    def _is_free(self, topic: str) -> bool:
        """Whether a pattern could take it that was written in another way."""
        kept = topic == self._never or is_internal(topic) or any(choice.leaves(topic) for choice in self._choices)
        return not kept and self.owner(topic) is None


def _choice(pipeline: PipelineSpec) -> _Choice:
    return _Choice(
        tuple(re.compile(topic) for topic in pipeline.topics if is_pattern(topic)),
        tuple(re.compile(topic) for topic in pipeline.exclude if is_pattern(topic)),
        frozenset(topic for topic in pipeline.exclude if not is_pattern(topic)),
    )
