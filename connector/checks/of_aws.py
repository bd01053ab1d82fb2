"""AWS: who this process is there, the way to each operation, the clock, and what can be said of the event tracker."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from connector.assembly import account_of, operations_of
from connector.aws.credentials import NotConfigured
from connector.aws.probing import Probe, identity
from connector.checks.finding import Finding, Mark, failed, ok, skipped, warning
from connector.checks.targets import targets_of
from connector.checks.world import World
from connector.core.operations import PUT_EVENTS
from connector.core.sending.outcomes import Delivered, Fatal, Outcome, Rejected, Retryable, Throttled
from connector.exits import Exit

ALLOWED = 300.0  # seconds by which a signature may be old or early
DOUBTFUL = 60.0  # seconds, from which on a clock is worth a warning
_METHODS: Final = {
    "env": "in the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "in the file of credentials, by profile",
    "config-file": "in the AWS configuration file, by profile",
    "custom-process": "by the credential_process of a profile",
    "assume-role": "by the role of a profile",
    "assume-role-with-web-identity": "by a web identity token (IRSA)",
    "container-role": "from a container's agent (EKS Pod Identity, or ECS)",
    "iam-role": "from instance metadata (IMDS)",
    "sso": "by IAM Identity Center (SSO)",
    "login": "by the AWS console's login",
}
# Targets that cannot exist, for rules that take theirs from records.
NOWHERE: Final = {
    "trackingId": "putevents-check",
    "datasetArn": "arn:aws:personalize:us-east-1:000000000000:dataset/putevents-check/NONE",
}
_WAY = "check personalize.endpoint_url and region, DNS, proxies, firewalls, and the VPC endpoint for personalize-events"


def credentials(world: World) -> Iterator[Finding]:
    """There are some, and how they were found; never what they are."""
    config = world.loaded.config
    account = account_of(config)
    try:
        world.probe = probe = Probe(account, config.delivery.request_timeout)
    except NotConfigured as error:
        yield failed("no-aws-credentials", str(error), "see docs/authentication.md", Exit.REFUSED)
        return
    yield ok(f"found {_METHODS.get(probe.found_by, probe.found_by or 'by boto3')}; region {probe.region}")
    role = config.personalize.assume_role
    if role is not None:
        yield ok(f"with them {role.role_arn} is assumed (personalize.assume_role)")
    if not is_aws(probe.endpoint):
        yield skipped("who this is at AWS was not asked: calls go elsewhere")
        return
    who = identity(account)
    yield ok(f"AWS knows them as {who}") if who else skipped("who this is at AWS is not known: STS does not answer")


def is_aws(endpoint: str) -> bool:
    """Whether the endpoint is AWS's own."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def endpoint(world: World) -> Iterator[Finding]:
    """Each operation of the file answers a signed call that holds no entry; and the clock fits its own."""
    probe, named = probe_of(world), dict(reversed(targets_of(world.loaded)))
    well: list[str] = []
    for number, operation in enumerate(operations_of(world.loaded.config.pipelines) or [PUT_EVENTS]):
        probed = probe.empty(operation, named.get(operation, NOWHERE[operation.target]))
        if number == 0:
            yield from clock(probed.skew)
        found = reached(probed.outcome, f"{operation.name} at {probe.endpoint}")
        if found.mark is Mark.OK:
            well.append(operation.name)
            continue
        yield found
        if isinstance(probed.outcome, Retryable):
            break  # the way is the same for all of them
    if well:
        yield ok(f"{probe.endpoint} answers, and accepts the signature ({', '.join(well)})")


def probe_of(world: World) -> Probe:
    """What the check of the credentials has made."""
    if world.probe is None:
        raise RuntimeError("expected the credentials to be checked before")
    return world.probe


def clock(skew: float | None) -> Iterator[Finding]:
    """Whether signatures of this machine are in time."""
    if skew is None:
        return
    ahead = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the service's"
    advice = "set the clock, and let NTP or chrony keep it: AWS takes no signature that is five minutes off"
    if abs(skew) >= ALLOWED:
        yield failed("clock-skew", ahead, advice, Exit.REFUSED)
    elif abs(skew) >= DOUBTFUL:
        yield warning("clock-skew", ahead, advice)
    else:
        yield ok("this machine's clock fits the service's")


def reached(outcome: Outcome, where: str) -> Finding:
    """What the answer to a call without entries says of credentials and the way there."""
    match outcome:
        case Rejected() | Delivered():
            return ok(f"{where} answers, and accepts the signature")
        case Throttled(code):
            advice = "other callers of this dataset group use the quota up"
            return warning("aws-throttled", f"{where} answers, and throttles ({code})", advice)
        case Retryable(code, _, detail):
            return failed("endpoint-away", f"{where}: {detail or code}", _WAY)
        case Fatal(code, advice):
            return failed("aws-refused", f"{where} refuses the call ({code})", advice, Exit.REFUSED)
        case _:
            advice = "refresh the credentials, and check this machine's clock"
            return failed("aws-refused", f"{where} refuses the credentials ({outcome.code})", advice, Exit.REFUSED)


def tracker(world: World) -> Iterator[Finding]:
    """The service tells nothing of a tracking id without an event; one is sent only if the user names its type."""
    ids = sorted(world.loaded.tracking_ids)
    if PUT_EVENTS not in operations_of(world.loaded.config.pipelines):
        yield ok("not used: no rule sends events")
        return
    if world.test_event is None:
        yield skipped(
            "whether tracking ids and the right to personalize:PutEvents are good is not known: only an event tells. "
            "--send-test-event TYPE sends one, which stays in the dataset"
        )
        return
    if not ids:
        yield skipped("no test event was sent: the file names no tracking id, records do")
    probe = probe_of(world)
    for number, tracking_id in enumerate(ids, 1):
        which = "the tracking id" if len(ids) == 1 else f"tracking id {number} of {len(ids)}"
        # A wait looks again and again, but an event that was taken cannot be taken back.
        outcome = Delivered() if tracking_id in world.delivered else probe.event(tracking_id, world.test_event).outcome
        if isinstance(outcome, Delivered):
            world.delivered.add(tracking_id)
        yield sent(outcome, which, probe.endpoint)


def sent(outcome: Outcome, which: str, where: str) -> Finding:
    """What became of a test event."""
    match outcome:
        case Delivered():
            return ok(f"{which} took a test event")
        case Rejected(code):
            return failed(
                "test-event-rejected",
                f"{which} did not take the test event ({code})",
                "check personalize.tracking_id and the region: an event tracker belongs to one region and account",
                Exit.REFUSED,
            )
        case _:
            return reached(outcome, where)
