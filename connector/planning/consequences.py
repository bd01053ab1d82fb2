"""What `--fail-on` can name: each a kind of consequence, and when it is there."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from connector.config.quota import CUSTOM, TOGETHER
from connector.core.words import closest
from connector.planning.findings import Comparison
from connector.planning.settings import Setting, is_dataset, is_tracking_id
from connector.planning.sides import Kinds

OWN = frozenset({"EVENT_VALUE"})  # columns of the service, which do not count among the ones of the user


class Plan(NamedTuple):
    """Everything that a plan says. ``command`` is how to look at it again."""

    comparison: Comparison
    settings: Sequence[Setting]


class Consequence(NamedTuple):
    """``words`` complete the sentence `exit 1 if …`."""

    words: str
    found: Callable[[Plan], bool]


def over_quota(kinds: Kinds) -> bool:
    """Whether a training would fail with so many event types and columns."""
    return kinds.together > TOGETHER or len(kinds.columns - OWN) > CUSTOM


def newly_over(plan: Plan) -> list[str]:
    """Tracking ids whose events go beyond the quota, and did not before or not as far."""
    before = plan.comparison.old.kinds
    return [
        tracker
        for tracker, kinds in plan.comparison.new.kinds.items()
        if over_quota(kinds)
        and (tracker not in before or not over_quota(before[tracker]) or kinds.together > before[tracker].together)
    ]


def unseen(plan: Plan) -> list[str]:
    """Rules that are new or changed and took none of the records: of what they do the plan says nothing."""
    sides = plan.comparison.old, plan.comparison.new
    before, after = (
        {(each.name, rule.name): rule for each in side.loaded.config.pipelines for rule in each.rules} for side in sides
    )
    return [
        f"{pipeline} / {rule}"
        for (pipeline, rule), spec in after.items()
        if before.get((pipeline, rule)) != spec and (pipeline, rule) not in plan.comparison.new.rules
    ]


def _members(plan: Plan, *names: str) -> bool:
    return any(name in plan.comparison.found.members for name in names)


def _events(plan: Plan) -> bool:
    found = plan.comparison.found
    return bool(found.changed_events or found.added or found.removed or found.newly["delivered"] or found.undelivered)


CONSEQUENCES: Mapping[str, Consequence] = {
    "event_ids": Consequence(
        "the id of an event changes, or more events that differ share an id",
        lambda plan: (
            plan.comparison.found.changed_ids > 0 or plan.comparison.new.repeated > plan.comparison.old.repeated
        ),
    ),
    "dead_letters": Consequence(
        "a record is newly dead-lettered", lambda plan: plan.comparison.found.total("dead_letter") > 0
    ),
    "skipped": Consequence(
        "a record is newly skipped, filtered, or not read",
        lambda plan: any(plan.comparison.found.total(kind) for kind in ("skipped", "filtered", "unread")),
    ),
    "lost": Consequence(
        "a record or an element that made an event makes none", lambda plan: plan.comparison.found.undelivered > 0
    ),
    "events": Consequence("an event changes in any way, appears or goes", _events),
    "rules": Consequence("another rule takes a record", lambda plan: bool(plan.comparison.found.rules)),
    "tracking_id": Consequence(
        "events go to another event tracker",
        lambda plan: _members(plan, "trackingId") or any(is_tracking_id(each.path) for each in plan.settings),
    ),
    "dataset": Consequence(
        "users, items or actions go to another dataset",
        lambda plan: _members(plan, "datasetArn") or any(is_dataset(each.path) for each in plan.settings),
    ),
    "quota": Consequence(
        "event types and columns exceed what the service allows, and more so than before",
        lambda plan: bool(newly_over(plan)),
    ),
    "unseen": Consequence("a rule that changes takes none of the records", lambda plan: bool(unseen(plan))),
    "settings": Consequence("a setting outside of the rules changes", lambda plan: bool(plan.settings)),
    "any": Consequence(
        "anything of this list, or anything at all, changes",
        lambda plan: bool(plan.settings or plan.comparison.found.changed or newly_over(plan) or unseen(plan)),
    ),
}


class UnknownConsequence(ValueError):
    """An unknown name; the message says which there are."""


def names_of(text: str) -> list[str]:
    """The names in a list with commas.

    Raises:
        UnknownConsequence: one of them is not known, or there is none.
    """
    names = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    unknown = next((name for name in names if name not in CONSEQUENCES), None)
    if names and unknown is None:
        return list(dict.fromkeys(names))
    found = "an empty list" if unknown is None else unknown
    meant = None if unknown is None else closest(unknown, CONSEQUENCES)
    hint = f"did you mean {meant}?" if meant else f"one or more of {', '.join(CONSEQUENCES)}, with commas"
    raise UnknownConsequence(f"expected what to fail on, not {found}: {hint}")


def failed(plan: Plan, names: Sequence[str]) -> list[str]:
    """Those of the names whose consequence is there."""
    return [name for name in names if CONSEQUENCES[name].found(plan)]
