"""Files that are almost valid: a good one of which nodes are swapped, doubled, removed or replaced.

The tree is changed and written again, so that most of what comes out is YAML and reaches the models and the compiler;
some of it is then changed as text, which is what people do.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.targets import FILES
from tests.support.config_files import EXAMPLE, build

if TYPE_CHECKING:
    import random

Path = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7.5, 1e300, 10**30, "", " ", "x", "1s", "0s", "250ms", "999999999999h", "null",
    "true", "é", "\u2028", "k" * 300, [], {}, [[]], {"": 1}, [1, "a"], {"env": "NUMBER"}, {"env": "NONE"},
    {"env": "EMPTY", "default": 1}, {"env": ""}, {"file": "/nowhere"}, {"file": "/"}, {"file": "a\x01"},
    {"const": None}, {"const": {"a": [1]}}, {"const": 10**400}, {"template": "{{ value.a }}-{{ index }}"},
    {"template": "{{"}, {"template": "}} {{ '}}' }}"}, {"template": "{{ }}"}, {"case": []},
    {"case": [{"else": "value.a"}]}, {"case": [{"else": "value.a"}, {"when": "key", "then": "key"}]},
    {"case": [{"when": "`true`", "then": {"case": [{"else": {"from": "value"}}]}}]},
    {"from": "value.a", "lookup": {}}, {"from": "value.a", "lookup": {"a": None, "1": 2}, "otherwise": "skip"},
    {"from": "value.a", "format": "%d.%m"}, {"from": "value.a", "format": "%"}, {"from": "value.a", "format": "%Z"},
    {"from": "value.a", "format": "epoch_ms", "as": "int"}, {"from": "value.a", "timezone": "Europe/Berlim"},
    {"from": "value.a", "timezone": "../../etc/passwd"}, {"from": "value.a", "as": "bool"},
    {"from": "value.a", "default": [1]}, "^", "^(", "^(a+)+$", "^a{99999999999}", "^[a-", "^.*", "value", "value.a",
    "value[0]", "value[", "value.*", "value[*].a[]", "values.a", "valu", "item", "index", "headers.a", "!value.a",
    "value.a == 'b'", "value.a = 'b'", "`1`", "`{`", "'a", '"a"', "&value", "value.a || 'b'",
    "value.a[?b == `1`] | [0]", "value[::0]", "value[1:2:3:4]", "@", "`[1, 2]`[0]", "abs('a')", "abs(`1`)", "abs()",
    "nope(value)", "now()", "join('-', value.a)", "sort_by(value.a, &b)", "sort_by(value.a, b)",
    "regex_extract(value.a, '(')", "regex_extract(value.a, value.b)", "regex_extract(value.a, '(a)(?P<n>b)', 'n')",
    "regex_extract(value.a, '(a+)+$')", "regex_extract(value.a, '.*a.*b')", "regex_extract(value.a, '(?i)k++[^k]x*?')",
    "regex_extract(value.a, '^(?:a{2,9}|b?)*(?=c)')",
    "parse_json('{')", "replace('aaa', '', 'b')", "to_number('nan')", "[to_number('inf')]", 'sum(`[1, "a"]`)',
    "(" * 200 + "value" + ")" * 200, "value" + ".a" * 300, "[" * 150 + "value" + "]" * 150,
    "value[" + "9" * 5000 + "]", "`" + "9" * 5000 + "`", "a" * 3000, " || ".join(["value.a"] * 300), "debug", "skip",
    "dead_letter", "json", "bytes", "oidc", "plain", "msk_iam", "SCRAM-SHA-256", "http://u:p@h", "http://[",
    "https://h:0", "broker:1,broker:2",
)  # fmt: skip

KEYS = (
    "name", "when", "for_each", "put_events", "skip", "const", "template", "case", "from", "lookup", "otherwise",
    "default", "format", "timezone", "as", "else", "then", "sessionId", "trackingId", "properties", "impression",
    "userId", "UserID", "timestamp", "env", "file", "type", "auth", "tls", "librdkafka", "linger.ms", "group.id",
    "fetch.min.bytes", "debug", "sasl.password", "nope", "", "<<", "é", "k" * 80,
)  # fmt: skip


# libyaml reads and writes ten times faster, where PyYAML was built with it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _read(text: str) -> Any:
    return yaml.load(text, LOADER)  # noqa: S506  the safe one, see above


@cache
def seeds() -> tuple[Any, ...]:
    """Trees of good files: the whole ones, and small ones of one rule each, which are read far faster."""
    whole = [_read(text) for text in (*(file.read_text() for file in FILES), EXAMPLE)]
    small = [
        {**_read(build()), "pipelines": [{**pipeline, "rules": [rule]}]}
        for tree in whole
        for pipeline in tree["pipelines"]
        for rule in pipeline["rules"]
        if len(str(rule)) < 1_500
    ]
    settings = [{**_read(EXAMPLE), "pipelines": small[0]["pipelines"], "tests": []}] * 2
    return (*whole, *(small + settings) * 4)


def almost(chance: random.Random) -> str:
    """A good file with some nodes, and now and then some characters, changed."""
    tree = copy.deepcopy(chance.choice(seeds()))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        _change(tree, chance)
    text = _write(tree, chance)
    return scribble(text, chance) if chance.random() < 0.3 else text


def change_text(text: str, chance: random.Random) -> str:
    """The same for any text, where it is YAML that can be written again."""
    try:
        tree = _read(text)
        if isinstance(tree, dict) and tree:
            _change(tree, chance)
            return _write(tree, chance)
    except Exception:  # noqa: BLE001  PyYAML lets out much; then the text is changed as text
        return scribble(text, chance)
    return scribble(text, chance)


def _write(tree: Any, chance: random.Random) -> str:
    flow = chance.choice((None, False, False, True))
    written: str = yaml.dump(tree, Dumper=DUMPER, sort_keys=False, allow_unicode=True, default_flow_style=flow)
    return written


def _paths(node: Any, path: Path = ()) -> list[Path]:
    children: Any = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(deeper for name, child in children for deeper in _paths(child, (*path, name)))]


def _change(tree: dict[str, Any], chance: random.Random) -> None:
    paths = _paths(tree)[1:]
    if not paths:
        return
    path, other = chance.choice(paths), chance.choice(paths)
    holder, source, name = _at(tree, path[:-1]), _at(tree, other[:-1]), path[-1]
    here, there = copy.deepcopy(holder[name]), copy.deepcopy(source[other[-1]])
    match chance.randrange(7):
        case 0:
            del holder[name]
        case 1:
            holder[name] = there
        case 2:
            holder[name], source[other[-1]] = there, here
        case 3:
            _insert(holder, chance.choice(KEYS), here)
        case 4:
            _insert(holder, chance.choice(KEYS), copy.deepcopy(chance.choice(VALUES)))
        case 5 if isinstance(here, str):
            holder[name] = scribble(here, chance)
        case _:
            holder[name] = copy.deepcopy(chance.choice(VALUES))


def _insert(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder.append(value)


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree[part]
    return tree


_PIECES = (
    "", " ", "\n", "\n  ", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "&a ", "*a", "<<: *a\n", "!!str ",
    "!!python/object:os.system ", "!x ", "|\n", ">-\n", "~", "---\n", "%YAML 9.9\n", "\t", "\x00", "\ufeff", "\\",
    "\\ud800", "é", "9" * 500, "{env: NUMBER}", "? ", "(", ")", "`", "@", ".", "*",
)  # fmt: skip


def scribble(text: str, chance: random.Random) -> str:
    """The text with a few stretches of it replaced, doubled or lost."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        start = chance.randrange(len(text) + 1)
        stop = min(len(text), start + chance.choice((0, 1, 1, 5, 30)))
        text = text[:start] + chance.choice((*_PIECES, text[start:stop] * 2)) + text[stop:]
    return text
