"""Staged incidents: the connector's own loop makes the series, Prometheus judges them, and just these alerts fire.

Time is simulated on both sides, so that an hour of trouble takes seconds. docs/runbooks.md has the same incidents in
its table "what you see".
"""

from pathlib import Path

import pytest

from connector.aws.credentials import NotConfigured
from connector.config.models import ServerConfig
from connector.core.operations import PUT_ITEMS
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import IN_USE, Delivered, Fatal, Outcome, Retryable, Status, Throttled
from connector.ending import Refusal, by_kafka, by_personalize, by_schema_registry, without_credentials
from connector.kafka.startup import FIRST_ANSWER
from connector.ports import Refused
from tests.deploy.alerts.staging import Pod, Recording, lives, mixed
from tests.support.programs import ROOT, found

BUSY = Retryable(IN_USE, Status.SERVER_ERROR)

pytestmark = pytest.mark.timeout(300)  # an hour of the loop and of the rules, on a machine that is busy otherwise


@pytest.fixture
def recording() -> Recording:
    found("promtool")  # without it, an hour of the loop would be for nothing
    return Recording()


def test_calm_traffic_a_spare_replica_a_quiet_night_and_a_rollout_raise_nothing(
    recording: Recording, tmp_path: Path
) -> None:
    pods = [Pod("a"), Pod("b"), Pod("spare", partitions=0)]
    for _ in range(10):
        recording.scrape(*pods)
    for pod in pods:
        pod.a_minute = 0
    for _ in range(30):
        recording.scrape(*pods)
    for old in range(3):
        pods[old].up = False
        recording.scrape(*pods)
        pods[old] = Pod(f"new-{old}", partitions=int(old < 2), config="new")
    for _ in range(10):
        recording.scrape(*pods)
    recording.assert_firing(tmp_path)


def test_a_new_group_that_works_off_old_records_raises_nothing(recording: Recording, tmp_path: Path) -> None:
    pod = Pod("a")
    for _ in range(3000):
        pod.source.produce(pod.own[0], "1", session=str(_ % 500))
    pod.clock.now += 7 * 86_400.0  # they are a week old when the first is read
    for _ in range(25):
        recording.scrape(pod)
    recording.assert_firing(tmp_path)


def test_a_bad_mapping_that_is_deployed_shows_as_dead_letters(recording: Recording, tmp_path: Path) -> None:
    pods = [Pod("a"), Pod("b")]
    for _ in range(15):
        recording.scrape(*pods)
    pods = [Pod("c", config="new"), Pod("d", config="new")]
    for pod in pods:
        pod.word = lambda number: "invalid" if number % 3 else "1"
    for _ in range(22):
        recording.scrape(*pods)
    recording.assert_firing(tmp_path, "PutEventsDeadLettersRising", "PutEventsMostlyDeadLetters")


def test_a_mapping_that_drops_what_it_delivered_before_shows_without_any_error(
    recording: Recording, tmp_path: Path
) -> None:
    pod = Pod("a", a_minute=20)
    pod.word = lambda number: "1" if number % 10 else "filtered"
    for _ in range(70):
        recording.scrape(pod)
    pod = Pod("b", a_minute=20, config="new")
    pod.word = lambda _: "skipped"
    for _ in range(40):
        recording.scrape(pod)
    recording.assert_firing(tmp_path, "PutEventsDropsRose")


def test_dead_letters_that_rise_a_little_wait_for_the_morning(recording: Recording, tmp_path: Path) -> None:
    pod = Pod("a", a_minute=120)
    for _ in range(10):
        recording.scrape(pod)
    pod.word = lambda number: "invalid" if number % 25 == 0 else "1"
    for _ in range(25):
        recording.scrape(pod)
    recording.assert_firing(tmp_path, "PutEventsDeadLettersRising")


def test_a_dataset_that_is_busy_for_an_hour_shows_under_its_operation_and_as_the_lag_of_its_records(
    recording: Recording, tmp_path: Path
) -> None:
    pod = Pod("a", partitions=2)
    pod.word = lambda number: "item" if number % 2 else mixed(number)
    for _ in range(10):
        recording.scrape(pod)
    pod.sender.outcome = lambda batch: BUSY if batch.operation is PUT_ITEMS else Delivered()
    for _ in range(50):
        recording.scrape(pod)
    lag = ("PutEventsLagging", "PutEventsFallingBehind")
    recording.assert_firing(tmp_path, "PutEventsPersonalizeErrors", "PutEventsDatasetStalled", *lag)
    assert pod.value("events_total", operation="put_events", outcome="delivered") > 500


def test_an_exhausted_quota_shows_as_throttling_and_as_lag(recording: Recording, tmp_path: Path) -> None:
    pod = Pod("a", a_minute=120)
    for _ in range(65):
        recording.scrape(pod)
    tokens, asked = 0.0, pod.clock.now

    def quota(_: Batch) -> Outcome:
        nonlocal tokens, asked
        tokens, asked = min(1.2, tokens + (pod.clock.now - asked) * 1.2), pod.clock.now
        if tokens < 1:
            return Throttled("ThrottlingException")
        tokens -= 1
        return Delivered()

    pod.sender.outcome = quota
    for _ in range(55):
        recording.scrape(pod)
    recording.assert_firing(tmp_path, "PutEventsThrottled", "PutEventsLagging", "PutEventsLatencyBudgetBurning")


def test_an_endpoint_that_is_away_shows_as_events_that_are_not_delivered(recording: Recording, tmp_path: Path) -> None:
    pods = [Pod("a"), Pod("b")]
    for _ in range(10):
        recording.scrape(*pods)
    for pod in pods:
        pod.sender.outcome = lambda _: Retryable("ServiceUnavailable", Status.SERVER_ERROR)
    for _ in range(30):
        recording.scrape(*pods)
    recording.assert_firing(tmp_path, "PutEventsNotDelivering", "PutEventsPersonalizeErrors", "PutEventsLagging")


def test_a_broker_that_is_away_shows_as_nobody_having_partitions(recording: Recording, tmp_path: Path) -> None:
    """As measured: after its session's time-out a member loses its partitions, and with them the series of its lag."""
    pods = [Pod("a"), Pod("b")]
    for _ in range(10):
        recording.scrape(*pods)
    for pod in pods:
        pod.lose(*pod.own)
        pod.own = []
    for _ in range(35):
        for pod in pods:
            pod.metrics.kafka_errors.labels("_TRANSPORT").inc(60)
        recording.scrape(*pods)
    recording.assert_firing(tmp_path, "PutEventsNoPartitions", "PutEventsKafkaErrors")


def test_a_schema_registry_that_is_away_shows_as_partitions_that_wait(recording: Recording, tmp_path: Path) -> None:
    pods = [Pod("a"), Pod("b")]
    for _ in range(10):
        recording.scrape(*pods)
    pods[1].word = lambda _: "needs 7 1"  # a producer has a new schema
    for _ in range(22):
        recording.scrape(*pods)
    recording.assert_firing(tmp_path, "PutEventsSchemaRegistryAway", "PutEventsLagging")


def test_new_schemas_that_take_a_minute_each_raise_nothing(recording: Recording, tmp_path: Path) -> None:
    pod = Pod("a")
    for schema in range(10):
        pod.word = lambda _, needed=schema: f"needs {needed} 1"  # type: ignore[misc]
        recording.scrape(pod)
        pod.fetcher.answer(str(schema))
        recording.scrape(pod)
        recording.scrape(pod)
    recording.assert_firing(tmp_path)


LINGERS = ServerConfig().linger_after_refusal
DENIED = by_personalize(Fatal("AccessDeniedException", "allow personalize:PutEvents"))
REFUSALS = {
    "personalize": DENIED,
    "kafka": by_kafka(Refused("GROUP_AUTHORIZATION_FAILED", "", "allow Read")),
    "schema_registry": by_schema_registry(Fatal("401", "check schema_registry.basic_auth")),
    "credentials": without_credentials(NotConfigured("expected AWS credentials")),
}


@pytest.fixture(params=REFUSALS)
def refusal(request: pytest.FixtureRequest) -> Refusal:
    return REFUSALS[request.param]


def refused_life(refusal: Refusal) -> Pod:
    pod = Pod("a")
    pod.refused(refusal)
    return pod


def test_a_refusal_shows_minutes_after_the_first_life_that_ends_in_one(refusal: Refusal, tmp_path: Path) -> None:
    recording, pod = Recording(interval=15), Pod("a")
    while recording.now < 900:
        recording.scrape(pod)
    pod.refused(refusal)
    lives(recording, 900 + 180, 900, LINGERS, lambda life: refused_life(refusal) if life else pod)
    recording.assert_firing(tmp_path, "PutEventsDenied")


def test_a_revoked_permission_shows_as_refusals_and_as_processes_that_are_down(
    refusal: Refusal, tmp_path: Path
) -> None:
    """Each life answers for 40 s, ends with exit code 77 and is started again, at last after five minutes."""
    recording, pod = Recording(interval=15), Pod("a")
    while recording.now < 900:
        recording.scrape(pod)
    pod.refused(refusal)
    lives(recording, 900 + 2700, 900, LINGERS, lambda life: refused_life(refusal) if life else pod)
    recording.assert_firing(tmp_path, "PutEventsDown", "PutEventsDenied")


def test_a_pod_that_is_moved_between_refusals_does_not_hide_them(tmp_path: Path) -> None:
    recording, pod = Recording(interval=15), Pod("a")
    while recording.now < 900:
        recording.scrape(pod)
    pod.refused(DENIED)
    lives(recording, 1200, 900, LINGERS, lambda life: refused_life(DENIED) if life else pod)

    def moved(_: int) -> Pod:
        other = refused_life(DENIED)
        other.instance = "b"
        return other

    lives(recording, 1600, 1300, LINGERS, moved)
    recording.assert_firing(tmp_path, "PutEventsDenied")


def test_brokers_that_no_start_finds_show_as_processes_that_are_down(tmp_path: Path) -> None:
    """Each life answers while it waits for a broker, and ends with exit code 69."""
    recording, pod = Recording(interval=15), Pod("a")
    while recording.now < 900:
        recording.scrape(pod)
    lives(recording, 900 + 2700, 900, FIRST_ANSWER, lambda _: Pod("a", partitions=0))
    recording.assert_firing(tmp_path, "PutEventsDown")


def test_a_permission_that_no_scrape_sees_denied_still_shows(recording: Recording, tmp_path: Path) -> None:
    pod = Pod("a")
    for _ in range(15):
        recording.scrape(pod)
    pod.up = False
    for _ in range(20):
        recording.scrape(pod)
    recording.assert_firing(tmp_path, "PutEventsAbsent", "PutEventsDown")


def test_the_table_of_the_runbooks_has_each_incident() -> None:
    table = (ROOT / "docs" / "runbooks.md").read_text().split("## What you see", 1)[1].split("\n## ", 1)[0]
    for incident in (
        "a bad mapping was deployed",
        "the quota is exhausted",
        "a broker or all of Kafka is away",
        "a permission was revoked",
        "the schema registry is away",
        "the dead letters rise",
        "Amazon Personalize is away",
    ):
        assert incident in table, incident
