"""Where entries go: a tracking id, or the ARN of a dataset of the operation's own type."""

import re
from typing import Any

from connector.core.mapping.events import Invalid, check_envelope
from connector.core.operations import PUT_ACTIONS, PUT_ITEMS, PUT_USERS, Operation
from connector.core.records import Reason

TYPES = {PUT_USERS: "USERS", PUT_ITEMS: "ITEMS", PUT_ACTIONS: "ACTIONS"}  # how the ARN of a dataset ends
MAX_ARN = 256  # characters

_ARN = re.compile(
    r"arn:[a-z\d-]+:personalize:([a-z\d-]+):\d{12}:dataset/[A-Za-z0-9][A-Za-z0-9\-_]*/([A-Z_]+)", re.ASCII
)


def example_of(operation: Operation) -> str:
    """The ARN of such a dataset."""
    return f"arn:aws:personalize:eu-west-1:123456789012:dataset/shop/{TYPES[operation]}"


def check_target(operation: Operation, target: Any) -> Invalid | None:
    """What is wrong with a tracking id or the ARN of a dataset; None where nothing is. None is absent."""
    member = operation.target
    if operation not in TYPES:
        if isinstance(target, str) and target.startswith("arn:"):
            return Invalid(Reason.INVALID_VALUE, f"{member}: expected a tracking id, not an ARN", member)
        return check_envelope(target, "-", None)
    if target is None:
        return Invalid(Reason.MISSING_MEMBER, f"{member}: expected a value, but there is none", member)
    found = _ARN.fullmatch(target) if isinstance(target, str) and len(target) <= MAX_ARN else None
    if found is None:
        message = f"{member}: expected the ARN of a dataset, such as {example_of(operation)}"
        return Invalid(Reason.INVALID_VALUE, message, member)
    if found[2] != TYPES[operation]:
        message = f"{member}: expected the ARN of a dataset of type {TYPES[operation]}, which it ends with"
        return Invalid(Reason.INVALID_VALUE, message, member)
    return None


def region_of(arn: str) -> str | None:
    """The region that the ARN of a dataset names."""
    found = _ARN.fullmatch(arn)
    return found[1] if found else None
