"""Records that are almost valid: random bytes die in the JSON parser, and never reach what comes behind it.

A good record is taken and a few of its parts are replaced by what producers, time zones and attackers write. The
result is text, put together by hand where no JSON library would write it: keys that stand twice, halves of surrogate
pairs, numbers of a thousand digits.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.targets import EVERYTHING, FILES

if TYPE_CHECKING:
    import random

SECRET = "planted-Zx9qW7"


class Raw(str):
    """Text that is put into the JSON as it is."""

    __slots__ = ()


SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10, 25, 2**31, 2**53, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 1.5, -0.0,
    1e16, 1e22, 1e300, 5e-324, 3.5e38, 12.0, 946_684_799, 1_795_509_011, 1_795_509_011_123, 1_795_509_011_123_456,
    1_795_509_011_123_456_789, 1_795_595_412, Raw("1" * 19), Raw("0." + "1" * 400), "", " ", "null", "undefined",
    "NaN", "None", "true", "TRUE", "0", "1", "12", "19.00", "1e5", "1e999", "1_000", "٣", "²", "0x10", "inf", "-inf",
    "nan", "9" * 400, "9" * 5000, "1." + "9" * 500, SECRET, SECRET * 3, "i" * 256, "i" * 257, "i" * 1000, "i" * 1025,
    "é" * 256, "😀" * 256, "😀" * 512, "İ" * 200, "ß" * 200, "ŉ" * 200, "\u0000", "\u0001\u001f", "\u007f", "\u2028",
    "\ufeff", "a|b", '"', "\\", "{}", "[]", '{"a":1}', '{"a":null}', '{"userId":1}', '{"USERID":1}', '{"a":1e999}',
    '{"a":[1e999]}', '{"a":NaN}', '{"a":"\\ud800"}', '"\\ud800"', '{"a":' + "9" * 400 + "}", '{"items":[{"id":1}]}',
    "[" * 500 + "]" * 500, '{"a":' * 300 + "1" + "}" * 300, "[" * 100_000, Raw('"\\ud83d\\ude00"'), Raw('"\\u0000"'),
    Raw("[" * 300 + "]" * 300), Raw('{"a":' * 300 + "1" + "}" * 300), "view", "buy", "list", "one", "time", "skip",
    "admin", "Product Viewed", "Product Clicked", "Product List Viewed", "Product Added", "Order Completed",
    "https://a.test/x?id=7&id=%F0%28&b=%zz#f", "/product/77", "googlebot/2.1", "tracker",
)  # fmt: skip

# What no JSON has, or not ours; seldom, for one of these and the rest of the record is not looked at.
BROKEN = (
    Raw("1e999"), Raw("-1e999"), Raw("9" * 400), Raw("1" * 5000), Raw("1E400"), Raw("01"), Raw("+1"), Raw("NaN"),
    Raw("Infinity"), Raw("1."), Raw("tru"), Raw('"\\ud800"'), Raw('"\\udc00x"'), Raw('"\\x"'), Raw('"\t"'),
    Raw("[" * 1023 + "]" * 1023), Raw("[" * 1500 + "]" * 1500),
)  # fmt: skip

# What stands for an object of properties, as text and as itself.
PROPERTIES: tuple[Any, ...] = (
    "{}", "[]", '{"a":1}', '{"a":null}', '{"userId":1}', '{"USERID":1}', '{"a":1e999}', '{"a":[1e999]}', '{"a":NaN}',
    '{"a":"\\ud800"}', '{"a":' + "9" * 400 + "}", '{"a":' * 300 + "1" + "}" * 300, {"impression": 1},
    {"Timestamp": None}, {"TIMESTAMP": 1}, {"a": "x" * 1_016}, {"a": "x" * 1_017}, {"": {"": []}},
    {"a": Raw("1" * 19)}, {"\u0000": "\u2028"},
)  # fmt: skip

DATES: tuple[Any, ...] = (
    "2026-11-24T08:30:11Z", "2026-11-24T08:30:11.123456789Z", "2026-11-24 08:30:11", "2026-11-24t08:30:11z",
    "2026-11-24", "20261124", "20261124T083011", "20261124T083011Z", "2026-W48-2", "2026-W53-1", "2026W482T10",
    "2026-328", "24/11/2026", "11/24/2026", "24.11.2026 08:30", "29.02.2027 08:30", "29.03.2026 02:30",
    "25.10.2026 02:30", "2026-11-24T24:00:00", "2026-11-24T08:30:60Z", "2026-11-24T08:30:11+23:59",
    "2026-11-24T08:30:11-24:00", "2026-11-24T08:30:11+0530", "2026-11-24T08:30:11,5Z", "2026-11-24T08",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "9999-12-31T23:59:59", "0000-01-01",
    "10000-01-01", "1999-12-31T23:59:59Z", "2026-11-25T08:30:12Z", "Tue, 24 Nov 2026 08:30:11 GMT", "now",
    "2026-11-24T08:30:11Z ", "  2026-11-24", "\uff12\uff10\uff12\uff16-11-24", "2026-11-24\u2028T08",
    "2026-11-24T08:30:11[Europe/Berlin]", "1795509011", "1795509011.5", "-1795509011", "20261124+0100",
    "1795509011000", "1e9", "1e18", 1e18, 1.7e9, 1e308, -1, 99_999_999_999, 10**17, {"$date": 1}, [2026, 11, 24],
    "T" * 50, "1" * 4301,
)  # fmt: skip

# What most often goes wrong with a member of such a name.
_LIKELY = {"at": DATES, "time": DATES, "timestamp": DATES, "properties": PROPERTIES}
_KEYS = (
    "a", "b", "x", "y", "z", "f", "id", "kind", "items", "session", "user", "at", "time", "event", "properties",
    "products", "product_id", "timestamp", "userId", "USERID", "sessionid", "impression", "payload", "", SECRET,
    "\u0000", "é", "k" * 300,
)  # fmt: skip


@cache
def seeds() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Good records of every rule: of the examples' tests, and for the file of everything; and of every function."""
    found = [test["input"]["value"] for file in FILES for test in yaml.safe_load(file.read_text()).get("tests", ())]
    item = {
        "id": "i1",
        "n": 1,
        "action": "view",
        "price": "1.5",
        "at": 1_795_509_011,
        "gift": "true",
        "deep": {"a": [1, None]},
    }
    specs = {"session": "s1", "user": "admin", "id": "e1", "at": "24.11.2026 08:30", "price": 12, "source": "mail"}
    found += [{**specs, "kind": "list", "items": [item, {**item, "n": 2, "action": "buy"}]}]
    found += [{**specs, "kind": "list", "payload": json.dumps({"items": [item]})}]
    found += [{**specs, "kind": "one", "items": [item], "properties": {"a": {"b": 1}}, "recommendation": "R-1"}]
    found += [{**specs, "kind": "one", "properties": '{"a": 1}'}]
    found += [
        {**specs, "kind": "time", "unit": unit, "at": 1_795_509_011}
        for unit in ("s", "ms", "us", "ns", "iso", "array", "")
    ]
    order = {"id": "o1", "user": "u1", "at": [2026, 11, 24, 8, 30, 11], "items": [item, {**item, "price": 2}]}
    found += [{**specs, "kind": "lists", "orders": [order, {**order, "items": []}, {"at": [2026, 11, 24]}]}]
    arms = yaml.safe_load(EVERYTHING.read_text())["pipelines"][1]["rules"][0]["put_events"]["properties"]["result"][
        "case"
    ]
    names = [arm["when"].split("'")[1] for arm in arms if "when" in arm]
    calls = [{"session": "s", "f": name, "x": x, "y": y, "z": 1} for name in names for x, y in _ARGUMENTS]
    # As JSON has them: YAML reads a date where it sees one.
    rules, functions = json.loads(json.dumps([found, calls], default=str))
    return tuple(rules), tuple(functions)


_ARGUMENTS: tuple[tuple[Any, Any], ...] = (
    ("/product/77?id=7", "id"), (3, 4), ([3, 1, 2], 1), (["b", "a"], "-"), ({"a": 1}, {"b": 2}),
    ([{"a": 2}, {"a": 1}], "a"), ('{"a": [1]}', 0),
)  # fmt: skip


def almost(chance: random.Random) -> bytes:
    """A good record with some parts replaced."""
    document = copy.deepcopy(chance.choice(chance.choice(seeds())))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        document = mutate(document, chance)
    return write(document, chance)


def mutate(node: Any, chance: random.Random, depth: int = 0) -> Any:
    """The document with one part replaced, doubled, moved, renamed or removed."""
    if isinstance(node, dict) and node and chance.random() < 0.9:
        return _mutate_object(node, chance, depth)
    if isinstance(node, list) and node and chance.random() < 0.8:
        place = chance.randrange(len(node))
        if chance.random() < 0.2:
            return node * chance.choice((0, 2, 30))
        node[place] = mutate(node[place], chance, depth + 1)
        return node
    return value(chance) if depth or chance.random() < 0.1 else node


def _mutate_object(node: dict[str, Any], chance: random.Random, depth: int) -> dict[str, Any]:
    name = chance.choice(list(node))
    if name in _LIKELY and chance.random() < 0.5:
        return {**node, name: copy.deepcopy(chance.choice(_LIKELY[name]))}
    match chance.randrange(8):
        case 0:
            del node[name]
        case 1:
            node[chance.choice(_KEYS)] = node.pop(name)
        case 2:
            node[chance.choice(_KEYS)] = value(chance)
        case _:
            node[name] = mutate(node[name], chance, depth + 1)
    return node


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any value at all, and more often one that hurts."""
    kind = chance.randrange(12)
    if chance.random() < 0.02:
        return chance.choice(BROKEN)
    if kind < 5:
        return chance.choice(SCALARS)
    if kind < 8:
        return copy.deepcopy(chance.choice(DATES))
    if kind == 8:
        return "".join(chance.choice("01:.-+TZ \u0000é{}[]\"'\\/%&?=") for _ in range(chance.randrange(30)))
    if kind == 9:
        return chance.getrandbits(chance.choice((8, 31, 32, 53, 63, 64, 65, 200))) * chance.choice((1, -1))
    if depth > 3:
        return []
    if kind == 10:
        return [value(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 26)))]
    return {chance.choice(_KEYS): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def write(node: Any, chance: random.Random) -> bytes:
    """JSON, with some of what only hands write; bytes are cut or changed now and then."""
    raw = "".join(_parts(node, chance)).encode("utf-8", "surrogatepass")
    if chance.random() < 0.03:
        place = chance.randrange(len(raw) + 1)
        raw = raw[:place] + chance.choice((b"", b"\xff", b"\x00", b"\xed\xa0\x80", b"\xc3", b" ")) + raw[place + 1 :]
    return raw


def _parts(node: Any, chance: random.Random) -> list[str]:
    if isinstance(node, Raw):
        return [node]
    if isinstance(node, dict):
        members = [[json.dumps(name, ensure_ascii=False), ":", *_parts(node[name], chance)] for name in node]
        if members and chance.random() < 0.02:
            members.append([members[0][0], ":", *_parts(value(chance), chance)])
        return ["{", *_joined(members), "}"]
    if isinstance(node, list):
        return ["[", *_joined([_parts(item, chance) for item in node]), "]"]
    return [_scalar(node, chance)]


def _joined(groups: list[list[str]]) -> list[str]:
    return [part for number, group in enumerate(groups) for part in ([","] if number else []) + group]


def _scalar(node: Any, chance: random.Random) -> str:
    return json.dumps(node, ensure_ascii=chance.random() < 0.2)


def change(raw: bytes, chance: random.Random) -> bytes:
    """The same for any bytes: where they are JSON, one part of it changes, else a stretch of them."""
    try:
        return write(mutate(json.loads(raw), chance), chance)
    except (ValueError, RecursionError):
        place = chance.randrange(len(raw) + 1)
        piece = "".join(_parts(value(chance), chance)).encode("utf-8", "surrogatepass")
        return raw[:place] + piece + raw[place + chance.randrange(40) :]
