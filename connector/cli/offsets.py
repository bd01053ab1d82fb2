"""``putevents offsets set``: the group begins where an export ended."""

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.cli.files import add_config, loaded_or_reported
from connector.config import Config
from connector.exits import Exit
from connector.streams import say

if TYPE_CHECKING:
    from connector.exporting.committing import Plan
    from connector.kafka.clients import ClientFactory

EXAMPLE = """\
example:
  putevents offsets set clicks.yaml history/cutover.json --dry-run   what would be committed
  putevents offsets set clicks.yaml history/cutover.json             commits it for the group of the file
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do: so far there is only ``set``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")
    words = "commit the offsets of an export's cutover.json for the group of the file, so that `run` begins there"
    action = actions.add_parser(
        "set",
        help=words,
        description=words,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(action)
    action.add_argument("cutover", metavar="CUTOVER", help="the cutover.json of an export")
    action.add_argument("--dry-run", action="store_true", help="show what would be committed, and commit nothing")
    action.add_argument(
        "--force", action="store_true", help="also where the group has other offsets, or the export names another group"
    )


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where the file is no cut-over; 69 where something speaks against it, or Kafka does not serve; 77."""
    loaded = loaded_or_reported(arguments.config)
    if loaded is None:
        return Exit.BAD_FILE
    from connector.cli.topics import FAILURES, client_factory, code_of  # noqa: PLC0415  loads Kafka's client
    from connector.exporting.cutover import NotACutover  # noqa: PLC0415

    try:
        return _set(arguments, loaded.config, client_factory(loaded.config))
    except NotACutover as error:
        say(f"{error}\n")
        return Exit.NOT_OK
    except FAILURES as error:
        say(f"{error}\n")
        return code_of(error)


def _set(arguments: argparse.Namespace, config: Config, clients: "ClientFactory") -> int:
    from connector.cli.topics import opened  # noqa: PLC0415
    from connector.exporting.committing import commit, plan_of  # noqa: PLC0415
    from connector.exporting.cutover import read_cutover  # noqa: PLC0415

    cutover, group = read_cutover(arguments.cutover), config.kafka.group_id
    with opened(config, clients) as reader:
        plan = plan_of(cutover, reader, group)
        wrong = [*plan.wrong, *(() if arguments.force else plan.doubts)]
        members = _members(config, clients)
        if not arguments.dry_run:
            wrong += members
        sys.stdout.write(_table(plan))
        if wrong:
            forced = "" if plan.wrong or arguments.force or not plan.doubts else "; --force sets them all the same"
            say(f"nothing was committed for group {group}:\n{_listed(wrong)}{forced.removeprefix('; ')}\n")
            return Exit.UNAVAILABLE
        if not arguments.dry_run:
            commit(reader, plan.changes)
    say(_ended(plan, config, members, dry=arguments.dry_run))
    return Exit.OK


def _listed(lines: Iterable[str]) -> str:
    return "".join(f"  {each}\n" for each in lines)


def _members(config: Config, clients: "ClientFactory") -> list[str]:
    """Who is in the group: whoever reads would overwrite the offsets, and the broker refuses them meanwhile."""
    from connector.cli.topics import admin_properties  # noqa: PLC0415
    from connector.kafka.asking import Asker, Group  # noqa: PLC0415
    from connector.kafka.standing import members_of  # noqa: PLC0415

    properties = admin_properties(config)
    found = Asker(properties, clients.admin).group(config.kafka.group_id)
    if isinstance(found, Group) and found.clients:
        who = ", ".join(sorted(set(found.clients)))
        return [f"the group has {len(found.clients)} members ({who}): stop them first"]
    listed = members_of(config.kafka.group_id, properties, clients.admin)
    if listed.known is None:
        say(f"the brokers do not say whether the group has members ({listed.why}); they refuse the offsets if it has\n")
        return []
    return ["the group has members: stop them first"] if listed.any else []


def _table(plan: "Plan") -> str:
    rows = [
        (f"{place.topic}-{place.partition}", "none" if move.before is None else str(move.before), str(move.after))
        for place, move in sorted(plan.moves.items())
    ]
    width = max([len("partition"), *(len(row[0]) for row in rows)])
    lines = [f"{'partition':<{width}}  {'committed':>14}  {'begins at':>14}"]
    lines += [f"{name:<{width}}  {before:>14}  {after:>14}" for name, before, after in rows]
    return "\n".join(lines) + "\n"


def _ended(plan: "Plan", config: Config, members: list[str], *, dry: bool) -> str:
    count, group = len(plan.changes), config.kafka.group_id
    what = f"{count} of {len(plan.moves)} partitions"
    said = f"dry run: would commit the offsets of {what} for group {group}\n" if dry else (
        f"committed the offsets of {what} for group {group}: `putevents run` begins there\n"
        "start it before the brokers forget them (offsets.retention.minutes, 7 days unless set)\n"
    )  # fmt: skip
    if dry:
        said += _listed(members)
    if plan.beside:
        where = ", ".join(f"{place.topic}-{place.partition}" for place in plan.beside)
        said += f"partitions that appeared after the export begin at the {_reset(config)}: {where}\n"
    return said


def _reset(config: Config) -> str:
    return "end" if config.kafka.auto_offset_reset == "latest" else "start"
