"""``putevents dlq``: the letters of the dead-letter topic, listed, shown, replayed, exported, made into tests."""

import argparse
import base64
import binascii
import difflib
import time
from collections.abc import Callable
from typing import NoReturn

from connector.cli.files import add_config
from connector.core.positions import EXAMPLES, NotAPosition, Position, range_of
from connector.core.records import Reason

EXAMPLE = """\
example:
  putevents dlq list clicks.yaml                             what is wrong, how often, since when
  putevents dlq show clicks.yaml --reason missing_member     one letter, and what the mapping makes of it now
  putevents dlq to-test clicks.yaml --reason missing_member  the smallest record that fails like it, as a test
  putevents dlq replay clicks.yaml                           dry run: what a replay would do
  putevents dlq replay clicks.yaml --execute                 does it: the letters go to PutEvents
"""
SHOW = """\
example:
  putevents dlq show clicks.yaml 0:17
  putevents dlq show clicks.yaml --rule orders --show-values
"""
REPLAY = """\
example:
  putevents dlq replay clicks.yaml --rule orders             dry run
  putevents dlq replay clicks.yaml --rule orders --execute   the same letters, for real
  putevents dlq replay clicks.yaml --execute --to topic      back to the topics that they came from
"""
EXPORT = """\
example:
  putevents dlq export clicks.yaml --reason wrong_type | putevents map clicks.yaml --records --explain
"""
TO_TEST = """\
example:
  putevents dlq to-test clicks.yaml                          one test for each kind of letter
  putevents dlq to-test clicks.yaml 0:17 --whole --print     all members of one, and the file only printed
"""
LEAST_RATE = 0.1  # letters a second: a member of the group has to poll now and then
RATE = 100.0  # letters a second: a tenth of the quota, since the connector goes on meanwhile
MAX_REPLAYS = 3
LOOK = 100_000  # records


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with the letters, and with which."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    for name, (words, example, add) in _ACTIONS.items():
        action = actions.add_parser(
            name,
            help=words,
            description=words,
            epilog=example,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_config(action)
        add(action)
        _add_filters(action)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which letters (default: all that were not replayed)")
    group.add_argument("--reason", type=_reason, help="those with this reason, such as missing_member")
    group.add_argument("--rule", help="those of this rule")
    group.add_argument("--member", help="those with this invalid member, such as sessionId")
    group.add_argument("--topic", help="those whose record came from this topic")
    group.add_argument(
        "--since", metavar="POSITION", type=_position, help=f"from there on: {EXAMPLES.split(', or')[0]}"
    )
    group.add_argument("--until", metavar="POSITION", type=_position, help="before that position")
    group.add_argument("--partition", type=_whole, help="those in this partition of the dead-letter topic")
    group.add_argument("--offset", type=_whole, help="the one at this offset of that partition")
    key = group.add_mutually_exclusive_group()
    key.add_argument("--key", type=str.encode, metavar="TEXT", help="those with exactly this key")
    key.add_argument(
        "--key-base64", dest="key", type=_bytes, metavar="BASE64", help="the same for a key that is no text"
    )
    group.add_argument("--again", action="store_true", help="also those that were replayed before")


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="PARTITION:OFFSET", nargs="?", help="which letter (default: the first)")
    _add_output(parser)
    _add_show_values(parser, "show keys, values and headers as they are")


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--execute", action="store_true", help="do it; without this nothing is sent or committed")
    parser.add_argument(
        "--to",
        choices=("putevents", "topic"),
        default="putevents",
        help="putevents: through this file's mapping; topic: back to the source topic, for the running connector "
        "(default: putevents)",
    )
    parser.add_argument(
        "--rate", type=_rate, default=RATE, help=f"letters a second, {LEAST_RATE:g} or more (default: {RATE:g})"
    )
    parser.add_argument(
        "--max-replays",
        type=_whole,
        default=MAX_REPLAYS,
        metavar="N",
        help=f"leave letters that were replayed N times and failed again (default: {MAX_REPLAYS})",
    )
    parser.add_argument(
        "--look",
        type=_whole,
        default=LOOK,
        metavar="N",
        help="look through N records of the source at most for newer events of the same sessions (dry run) and newer "
        f"versions of the same users, items and actions; 0: do not look (default: {LOOK})",
    )
    parser.add_argument(
        "--allow-older",
        action="store_true",
        help="also send users, items and actions of which it is not known whether a newer version was delivered",
    )
    _add_output(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="FILE", help="write there, in a file that only you can read (default: stdout)")
    _add_show_values(parser, "write records to a terminal, too")


def _add_to_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="PARTITION:OFFSET", nargs="?", help="which letter (default: one of each kind)")
    parser.add_argument("--whole", action="store_true", help="keep all members, with people's values replaced")
    parser.add_argument("--print", action="store_true", help="print the new file instead of writing it")
    _add_show_values(parser, "keep values that the failure needs, though they may be a person's")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", choices=("text", "json"), default="text", help="how the result is shown")


def _add_show_values(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--show-values", action="store_true", help=words)


_ACTIONS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("letters by reason, rule, member and topic: how many, since when", EXAMPLE, _add_list),
    "show": ("one letter with its error, and what the current mapping makes of it", SHOW, _add_show),
    "replay": ("letters through the current mapping; a dry run unless --execute is given", REPLAY, _add_replay),
    "export": ("letters as JSON lines for `putevents map --records`", EXPORT, _add_export),
    "to-test": ("the smallest record that still fails for the same reason, added to `tests:`", TO_TEST, _add_to_test),
}


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where there is no such letter, or one could not be replayed; 69 and 77 where Kafka or AWS do not serve."""
    from connector.cli import dlq_actions  # noqa: PLC0415  loads Kafka's client, which --help does not need

    return dlq_actions.run(arguments)


# -- what is given ---------------------------------------------------------------------------------------------


def _position(text: str) -> Position:
    try:
        found = range_of(text, int(time.time() * 1000))
    except NotAPosition as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if found.begin is None or found.end is not None:
        _refuse("expected one position, not two: --since and --until are the two ends")
    return found.begin


def _reason(text: str) -> str:
    known = [reason.value for reason in Reason]
    if text not in known:
        near = difflib.get_close_matches(text, known, 1)
        _refuse(f"expected a reason of dead letters{f', such as {near[0]}' if near else ''}: docs/reference/reasons.md")
    return text


def _whole(text: str) -> int:
    if not text.isdecimal():
        _refuse("expected a whole number, 0 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not LEAST_RATE <= rate <= 1e6:
        _refuse(f"expected letters a second, {LEAST_RATE:g} or more")
    return rate


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        _refuse("expected base64")


def _refuse(message: str) -> NoReturn:
    raise argparse.ArgumentTypeError(message)
