"""Datasets: whether those that the file names exist, are ready, and hold what is sent to them."""

from collections.abc import Iterator

from connector.assembly import account_of
from connector.aws.describing import Dataset, Unknown, describe_dataset
from connector.checks.finding import Finding, failed, ok, skipped, warning
from connector.checks.targets import targets_of
from connector.checks.world import World
from connector.core.operations import Operation, short_name
from connector.core.sending.outcomes import Fatal, classify
from connector.exits import Exit

MISSING = "ResourceNotFoundException"
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation"})


def datasets(world: World) -> Iterator[Finding]:
    """Each dataset is described; nothing is written to it."""
    config = world.loaded.config
    found = [(operation, arn) for operation, arn in targets_of(world.loaded) if operation.target == "datasetArn"]
    if not found:
        yield ok("not used: no rule sends users, items or actions to a dataset of the file")
    for operation, arn in found:
        yield meaning(operation, arn, describe_dataset(account_of(config), arn))


def meaning(operation: Operation, arn: str, told: Dataset | Unknown) -> Finding:
    """What the service's answer says of the calls to this dataset."""
    which = f"dataset {short_name(arn)}"
    if isinstance(told, Unknown):
        return _unknown(operation, which, told.code)
    wanted = f"{operation.noun}s".capitalize()
    if told.type.lower() != wanted.lower():
        advice = (
            f"{operation.name} needs the ARN of a dataset of type {wanted}: correct personalize.{operation.setting}"
        )
        return failed("wrong-dataset", f"{which} has the type {told.type}", advice, Exit.REFUSED)
    if told.status == "ACTIVE":
        return ok(f"{which} exists, has the type {told.type} and is active")
    said = f"{which} exists and is not active ({told.status})"
    if "FAILED" in told.status or "DELETE" in told.status:
        advice = "create it again, or correct the ARN; aws personalize describe-dataset says why"
        return failed("inactive-dataset", said, advice, Exit.REFUSED)
    return warning("inactive-dataset", said, "wait until it is active: until then the service takes nothing for it")


def _unknown(operation: Operation, which: str, code: str) -> Finding:
    if code == MISSING:
        outcome = classify(code, 404, "", operation)
        advice = outcome.advice if isinstance(outcome, Fatal) else ""
        return failed("unknown-dataset", f"{which} does not exist for this account and region", advice, Exit.REFUSED)
    if code in DENIED:
        return skipped(
            f"whether {which} exists is not known: this identity may not call personalize:DescribeDataset, which only "
            "this check needs"
        )
    return skipped(f"whether {which} exists is not known: personalize, which tells that, does not ({code})")
