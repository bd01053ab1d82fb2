"""The demo's output: a progress line while it works, and the page at its end.

Plain ASCII, at most as wide as the terminal; in colour only on a terminal without NO_COLOR. Parts of records are
shown because the records are invented; the connector itself never shows any.
"""

import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple, TextIO

from connector.local.demo.catalogue import ITEMS, USERS
from connector.local.demo.clickstream import Click
from connector.local.demo.judge import Check, Seen, latencies, percentile
from connector.local.demo.traffic import Letter, Sent

WIDTHS = (40, 110)  # columns, at least and at most
WINDOW = 2.0  # seconds
INDENT = " " * 9
BOLD, GREEN, RED = "1", "32", "31"


class Figures(NamedTuple):
    """What the page shows. Times in seconds."""

    sent: Sent
    seen: Seen
    checks: Sequence[Check]
    stats: Mapping[str, Any]
    sending: float
    total: float
    linger: float
    dead_letters: str


class Screen:
    """Where the output goes. ``progress`` rewrites one line of a terminal; elsewhere it writes a line a second."""

    def __init__(self, out: TextIO, env: Mapping[str, str] = os.environ) -> None:
        self._out = out
        self._terminal = out.isatty() and env.get("TERM") != "dumb"
        self._coloured = self._terminal and not env.get("NO_COLOR")
        self._interval = 0.1 if self._terminal else 1.0
        self._next = time.monotonic() + self._interval
        self._open = False
        low, high = WIDTHS
        self.width = max(low, min(shutil.get_terminal_size((100, 24)).columns - 1, high))

    def say(self, text: str = "") -> None:
        """Write whole lines."""
        self._close()
        self._out.write(f"{text}\n")
        self._out.flush()
        self._next = time.monotonic() + self._interval

    def due(self) -> bool:
        """Whether it is time for the next progress line."""
        return time.monotonic() >= self._next

    def progress(self, text: str) -> None:
        """Show the progress line."""
        self._next = time.monotonic() + self._interval
        self._out.write(f"\r\033[K{text[: self.width]}" if self._terminal else f"{text}\n")
        self._out.flush()
        self._open = self._terminal

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, where colours are on."""
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._out.write("\n")


class Progress:
    """The progress in one line; the rate is that of the last two seconds."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._shown: tuple[int, ...] = ()

    def is_behind(self, sent: Sent, stats: Mapping[str, Any], letters: int) -> bool:
        """Whether the last line is out of date."""
        return self._shown != _counts(sent, stats, letters)

    def line(self, sent: Sent, stats: Mapping[str, Any], letters: int) -> str:
        """The line now."""
        now, events = time.monotonic(), stats["events"]
        while len(self._past) > 1 and now - self._past[0][0] > WINDOW:
            self._past.popleft()
        then, before = self._past[0]
        self._past.append((now, events))
        rate = (events - before) / max(now - then, 1.0)
        self._shown = _counts(sent, stats, letters)
        done = len(sent.times)
        return (
            f"  {done / len(sent.clicks):>4.0%}  {done:>6,} records  {events:>6,} events ({rate:>5,.0f}/s)"
            f"  {stats['accepted_calls']:>5,} calls  {letters:>3,} dead letters"
        )


def _counts(sent: Sent, stats: Mapping[str, Any], letters: int) -> tuple[int, ...]:
    return len(sent.times), stats["events"], stats["accepted_calls"], letters


def final_page(figures: Figures, screen: Screen) -> Iterator[str]:
    """The lines of the page."""
    good = all(check.holds for check in figures.checks)
    verdict = "Nothing was lost, nothing is out of order." if good else "Some checks failed, see below."
    yield ""
    yield f"{screen.paint(verdict, f'{BOLD};{GREEN if good else RED}')}  {figures.total:.1f} s in total."
    yield ""
    yield from _numbers(figures)
    yield ""
    yield from _dead_letters(figures, screen)
    yield ""
    yield from _checks(figures.checks, screen)


def _numbers(figures: Figures) -> Iterator[str]:
    sent, seen, stats = figures.sent, figures.seen, figures.stats
    count, outcome = len(sent.clicks), seen.counts.get
    skips = Counter(click.fate.why for click in sent.clicks if click.fate.outcome == "skipped")
    reasons = ", ".join(f"{number:,} {why}" for why, number in skips.most_common())
    yield _row("records", count, f"in {figures.sending:.1f} s, from {len(sent.ends())} partitions")
    yield _row("  delivered", outcome("delivered", 0), "one event each; an order becomes one event for each product")
    yield _row("  filtered", outcome("filtered", 0), "page views and logins: no rule matches them")
    yield _row("  skipped", outcome("skipped", 0), f"reasons: {reasons}" if reasons else "")
    yield _row("  dead-lettered", outcome("dead_lettered", 0), "invalid, see below")
    yield _row("events", stats["events"], _times(stats["duplicates"]))
    all_calls = stats["accepted_calls"]
    calls = all_calls - sum(each.calls for each in seen.kept.values())
    refused = sum(stats["calls"].values()) - all_calls
    extra = f" ({refused:,} more were refused)" if refused else ""
    yield _row("calls", calls, f"{stats['events'] / max(1, calls):.1f} events a call{extra}")
    yield from _latency(latencies(sent, seen.accepted), figures.linger)
    yield from _rows(figures)
    committed = sum(seen.committed.values()) + sum(seen.committed_rows.values())
    yield _row("committed", committed, f"offsets of {count + len(sent.rows.changes):,}")


def _rows(figures: Figures) -> Iterator[str]:
    for name, topic in (("items", ITEMS), ("users", USERS)):
        there = figures.seen.kept.get(topic)
        if there is not None and figures.sent.rows.count(topic):
            yield _row(
                name,
                len(there.state),
                f"newest versions, of {figures.sent.rows.count(topic):,} changes in {topic}, in {there.calls:,} calls",
            )


def _times(repeats: int) -> str:
    return "accepted by the endpoint, " + (f"{repeats:,} of them repeats" if repeats else "each once")


def _latency(ordered: Sequence[float], linger: float) -> Iterator[str]:
    if ordered:
        p50, p95, p99 = (f"{percentile(ordered, share):.2f} s" for share in (0.5, 0.95, 0.99))
        yield _row("latency p50", p50, "from a record's Kafka timestamp to acceptance of its event;")
        yield _row("        p95", p95, f"events wait at most {linger:g} s (delivery.linger)")
        yield _row("        p99", p99, "to be batched with others of their session")


def _row(name: str, value: int | str, meaning: str) -> str:
    shown = f"{value:,}" if isinstance(value, int) else value
    return f"  {name:<15} {shown:>7}  {meaning}".rstrip()


def _dead_letters(figures: Figures, screen: Screen) -> Iterator[str]:
    yield screen.paint("Dead letters", BOLD) + f" in {figures.dead_letters}, by reason, with an example of each:"
    clicks = {place: figures.sent.clicks[number] for place, number in figures.sent.places.items()}
    counts = Counter(letter.reason for letter in figures.seen.letters)
    first: dict[str, Letter] = {}
    for letter in figures.seen.letters:
        first.setdefault(letter.reason, letter)
    if not first:
        yield "  none"
    for reason, count in counts.most_common():
        letter = first[reason]
        click = clicks.get(letter.place)
        yield _clipped(f"  {count:>5,}  {reason:<19}  {_piece(click) if click else ''}".rstrip(), screen.width)
        message = _without_pipeline(letter.message)
        yield from wrap(message, screen.width, initial_indent=INDENT, subsequent_indent=INDENT)


def _without_pipeline(message: str) -> str:
    return message.split(", rule ", 1)[-1]


def _piece(click: Click) -> str:
    piece = click.piece.encode("ascii", "backslashreplace").decode()
    kept = len(click.fate.event_ids)
    return f"{piece}  (the other {kept} of the order were delivered)" if kept else piece


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _checks(checks: Iterable[Check], screen: Screen) -> Iterator[str]:
    yield screen.paint("Checked", BOLD) + " against what the generator of the records expects:"
    for check in checks:
        mark = screen.paint("ok    ", GREEN) if check.holds else screen.paint("WRONG ", RED)
        yield f"  {mark} {check.what:<50} {check.found:>7,} of {check.expected:,}"
        yield from (f"         {wrong}" for wrong in check.wrong)


def next_steps(program: str, example: str) -> Iterator[str]:
    """What to do next, with one's own records."""
    yield f"Next: copy {example} to mine.yaml, change its topics and rules, and"
    rows = (
        (f"{program} map mine.yaml < lines.jsonl", "see the events of your records, without Kafka and AWS"),
        (f"{program} validate mine.yaml", "see all problems of the file at once"),
        (f"{program} run mine.yaml", "run it with the Kafka and AWS that it names"),
    )
    width = max(len(command) for command, _ in rows)
    yield from (f"  {command:<{width}}   {meaning}" for command, meaning in rows)
