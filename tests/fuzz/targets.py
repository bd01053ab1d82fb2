"""What must hold for every record and for every text of a configuration, whoever thought it up.

``check_record`` and ``check_configuration`` raise AssertionError where it does not hold; the fuzzers, the property
tests and the regressions all ask these two. Time is that of the thread, so that a busy machine is not taken for a slow
program.
"""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

import connector.core
from connector.aws.bodies import body
from connector.config import Loaded, load, load_text, print_config, render
from connector.core.mapping.limits import MAX_EVENT_BYTES
from connector.core.mapping.rules import MAX_ELEMENTS
from connector.core.mapping.transform import Pipeline, Router
from connector.core.records import Entry, Filtered, Reason, Record, Rejection, Skip, Skipped, Transformed
from connector.core.sending.lanes import Batch
from connector.local.endpoint.validation import count_ignored, read_call
from tests.support.config_files import judge_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
NOW = 1_795_509_011.0
TIMESTAMP = 1_795_509_011_000
SLOWEST_RECORD = 1.0  # seconds, for a record of at most a megabyte
SLOWEST_FILE = 5.0  # seconds; YAML is read in Python, a few hundred kilobytes a second
EXAMPLES = Path(__file__).parents[2] / "examples"
EVERYTHING = Path(__file__).with_name("everything.yaml")
FILES = (EXAMPLES / "segment.yaml", EXAMPLES / "flat.yaml", EVERYTHING)
ENV = {"PERSONALIZE_TRACKING_ID": "tracker", "NUMBER": "7", "EMPTY": ""}

# Shorter pieces of a record come up in a message by chance.
PIECE = 8
_WORDS = re.compile(rf"[^\s\"\\]{{{PIECE},}}")


class Target(NamedTuple):
    """A topic, the router of its file, and the file's text: what a message may quote."""

    topic: str
    route: Router
    text: str


def router(loaded: Loaded) -> Router:
    tracking_id = loaded.config.personalize.tracking_id
    pairs = zip(loaded.config.pipelines, loaded.mappings, strict=True)
    return Router([(spec, Pipeline(spec, mapping, tracking_id)) for spec, mapping in pairs])


@cache
def targets() -> tuple[Target, ...]:
    """One for each topic of `FILES`."""
    return tuple(_targets())


def _targets() -> Iterator[Target]:
    for file in FILES:
        loaded = load(file, {})
        assert isinstance(loaded, Loaded), loaded
        route, text = router(loaded), file.read_text()
        for pipeline in loaded.config.pipelines:
            for topic in pipeline.topics:
                yield Target("fuzz.functions.1" if topic.startswith("^") else topic, route, text)


@cache
def our_words() -> str:
    """What messages say by themselves; a record may have the same words, and Hypothesis takes some from the code."""
    return "\n".join(path.read_text() for path in sorted(Path(connector.core.__file__).parent.rglob("*.py")))


def timed(work: Callable[[], T], limit: float) -> tuple[T, float]:
    """The result, and the seconds of CPU of the fastest run: a busy machine can make one run slow, hardly three."""
    result, fastest = _timed_once(work)
    for _ in range(2):
        if fastest < limit:
            break
        result, seconds = _timed_once(work)
        fastest = min(fastest, seconds)
    return result, fastest


def _timed_once(work: Callable[[], T]) -> tuple[T, float]:
    began = time.thread_time()
    result = work()
    return result, time.thread_time() - began


def record(value: bytes | None, topic: str = "topic") -> Record:
    """A record of this value, with a key, headers and a timestamp that follow from it."""
    raw = value or b""
    key = (raw[-12:], None, raw[:64], b'{"session":"k1"}', b'"k2"')[len(raw) % 5]
    timestamp = None if len(raw) % 7 == 6 else TIMESTAMP
    return Record(topic, 1, 2, timestamp, key, value, (("tenant", raw[:9]), ("none", None), ("tenant", raw[3:5])))


def check_record(value: bytes | None) -> None:
    """Every pipeline gives the record a fate, soon, without telling what is in it, and within the service's limits."""
    for target in targets():
        check_fate(target, record(value, target.topic))


def check_fate(target: Target, given: Record) -> Transformed | Skipped | Filtered | Rejection:
    fate, spent = timed(lambda: target.route(given, NOW), SLOWEST_RECORD)
    assert spent < SLOWEST_RECORD, f"{target.topic}: {spent:.1f} s for {len(given.value or b'')} bytes"
    match fate:
        case Transformed(entries=entries, rejection=rejection):
            assert 0 < len(entries) <= MAX_ELEMENTS or (rejection is None and len(entries) == 0)
            for entry in entries[:50]:
                _check_entry(entry)
            if rejection is not None:
                check_rejection(rejection, given, target.text)
        case Rejection():
            check_rejection(fate, given, target.text)
        case Skipped(reason=reason):
            assert reason in set(Skip) or reason in target.text
        case Filtered():
            pass
        case _:
            raise AssertionError(f"expected a fate, not {type(fate).__name__}")
    return fate


def _check_entry(entry: Entry) -> None:
    """Two independent statements of the limits: what our own accepts, the service's model accepts."""
    items: Any = (SimpleNamespace(entry=entry),)
    call = read_call(body(Batch(entry.target, entry.lane, entry.user_id, items)))
    assert count_ignored(call, NOW) == 0, "the service would take this event and drop it"
    assert len(entry.body) <= MAX_EVENT_BYTES


def check_rejection(rejection: Rejection, given: Record, text: str) -> None:
    """It says why, briefly, and quotes nothing but the file's text."""
    said = f"{rejection.message} {rejection.field} {rejection.pipeline} {rejection.rule}"
    assert rejection.message, "a rejection says why"
    assert len(rejection.message) < 1_000, "a message may be a header"
    assert len(rejection.indexes) <= MAX_ELEMENTS
    for piece in _pieces(given):
        if piece in said and piece not in text and piece not in our_words():
            # The JSON parser has plain words of its own.
            assert rejection.reason is Reason.NOT_JSON, "a message tells what is in the record"
            assert re.fullmatch("[a-z]+", piece), "a message tells what is in the record"


def _pieces(given: Record) -> Iterator[str]:
    """Words of the record, as they are written in it and as JSON means them."""
    raw = (given.value or b"")[:20_000]
    yield from _WORDS.findall(raw.decode(errors="replace"))[:100]
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    stack, seen = [document], 0
    while stack and seen < 200:
        node, seen = stack.pop(), seen + 1
        if isinstance(node, dict):
            stack += [*node, *node.values()]
        elif isinstance(node, list):
            stack += node
        elif isinstance(node, str) and len(node) >= PIECE:
            yield node


_DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"event": "Product Viewed", "anonymousId": "a", "messageId": "m", "timestamp": "2026-11-24T08:30:11Z",
     "properties": {"product_id": "p", "price": "19.00", "products": [{"product_id": "p"}, 7]}},
    {"session": "s", "kind": "list", "items": [{"id": 1}, None], "action": "view", "item": "i", "time": 1795509011},
    {"session": None, "kind": "one", "price": "x", "at": [], "properties": {"a": [[1.5]]}},
)  # fmt: skip
_SAMPLES = [orjson.dumps(document) for document in _DOCUMENTS]


def check_configuration(text: str) -> None:
    """The text is a configuration, or has problems that point into it; and what it makes of records has a fate."""
    result, spent = timed(lambda: load_text(text, "file.yaml", ENV), SLOWEST_FILE)
    assert spent < SLOWEST_FILE, f"{spent:.1f} s for {len(text)} characters"
    if isinstance(result, Loaded):
        _check_loaded(result)
        return
    judge_problems(result, text)
    for form in ("text", "json", "github"):
        render(result[:50], form)


def _check_loaded(loaded: Loaded) -> None:
    printed = print_config(loaded.config)
    again = load_text(printed, "printed.yaml", {})
    # What a file's paths lead to may be no secret that can be masked twice; all else must come back.
    assert isinstance(again, list) or again.hash == loaded.hash
    for spec, mapping in zip(loaded.config.pipelines, loaded.mappings, strict=True):
        pipeline = Pipeline(spec, mapping, loaded.config.personalize.tracking_id)
        for sample in _SAMPLES:
            fate = pipeline(record(sample), NOW)
            if isinstance(fate, Transformed):
                for entry in fate.entries:
                    _check_entry(entry)
