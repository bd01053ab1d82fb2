"""Staged incidents: the connector's own loop makes the series, Prometheus judges them, and just these alerts fire.

Time is simulated on both sides, so that an hour of trouble takes seconds. What is scraped once a minute is what the
registry holds then. docs/runbooks.md has the same incidents in its table "what you see".
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from connector.core.batching import Batch
from connector.core.flow import Bounds
from connector.core.outcomes import Delivered, Fatal, Outcome, Retryable, Status, Throttled
from connector.core.records import TopicPartition
from connector.watch import Watch
from tests.deploy.alerts.contract import names
from tests.deploy.alerts.promtool import RULES, groups, promtool
from tests.deploy.tools import ROOT
from tests.loop.fakes import QUICK, TOPIC, House

pytestmark = pytest.mark.timeout(300)  # an hour of the loop and of the rules, on a machine that is busy otherwise

USED = set().union(*(names(rule["expr"]) for group in groups() for rule in group["rules"]))
MISSING = "_"


class Pod(House):
    """A process with a number of partitions of its own, and records that arrive by time."""

    def __init__(self, instance: str, partitions: int = 1, a_minute: int = 60, config: str = "old") -> None:
        super().__init__(limits=QUICK, bounds=Bounds(2000, 1 << 24, 100_000))
        self.instance = instance
        self.metrics.initialise([TOPIC], [("web", "view")])
        self.metrics.config.info({"hash": config})
        self.watch = Watch(self.loop, self.source, self.metrics, self.outside)
        # The fake source counts nothing, as the metric is the real one's.
        self.source.on_commit = lambda _: self.metrics.commits.labels("ok").inc()
        self.a_minute = a_minute
        self.up = True
        self.started = -1  # minute of its first scrape
        self.word: Callable[[int], str] = lambda _: "1"
        self._made = 0
        self.own = [TopicPartition(TOPIC, number) for number in range(partitions)]
        if partitions:
            self.assign(*self.own)
        else:
            self.loop.on_assign([])

    def minute(self) -> None:
        """A minute passes: records come second by second, and the loop does what it does."""
        until = self.clock.now + 60
        due = self.clock.now
        while self.clock.now < until and not self.loop.fatal:
            while self.a_minute and self.own and due <= self.clock.now:
                self._made += 1
                place = self.own[self._made % len(self.own)]
                self.source.produce(place, self.word(self._made), session=str(self._made))
                due += 60 / self.a_minute
            self.loop.step()
            self.watch.look()


class Recording:
    """What Prometheus would have scraped, minute by minute."""

    def __init__(self) -> None:
        self._series: dict[str, list[str]] = defaultdict(list)
        self.minutes = 0

    def scrape(self, *pods: Pod) -> None:
        """Let a minute pass for each, then scrape it; one that is down gives only ``up``."""
        for pod in pods:
            if pod.up:
                pod.minute()
                pod.started = self.minutes if pod.started < 0 else pod.started
                self._note("process_start_time_seconds", {}, pod.instance, pod.started * 60.0)
                for family in pod.metrics.registry.collect():
                    for sample in family.samples:
                        if sample.name in USED and not sample.name.startswith("process_"):  # not of this process
                            self._note(sample.name, sample.labels, pod.instance, sample.value)
            self._note("up", {}, pod.instance, float(pod.up))
        self.minutes += 1
        for values in self._series.values():
            if len(values) < self.minutes:
                values.append(MISSING if values[-1] in {MISSING, "stale"} else "stale")

    def _note(self, name: str, labels: Mapping[str, str], instance: str, value: float) -> None:
        every = {"namespace": "shop", "job": "putevents", "instance": instance, **labels}
        inner = ",".join(f'{label}="{text}"' for label, text in every.items())
        values = self._series[f"{name}{{{inner}}}"]
        values += [MISSING] * (self.minutes - len(values))
        values.append(f"{value:.6g}" if value != int(value) else str(int(value)))

    def assert_firing(self, folder: Path, *alerts: str) -> None:
        """Assert that these alerts fire at the end, and no others."""
        expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
        asked = {
            "expr": 'sum by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{self.minutes - 1}m",
            "exp_samples": expected,
        }
        inputs = [{"series": name, "values": " ".join(values)} for name, values in self._series.items()]
        case = {"interval": "1m", "input_series": inputs, "promql_expr_test": [asked]}
        written = folder / "incident.yaml"
        written.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
        tested = promtool("test", "rules", written)
        assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]


@pytest.fixture
def recording() -> Recording:
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


def test_a_revoked_permission_shows_as_processes_that_are_down(recording: Recording, tmp_path: Path) -> None:
    """The process dies with exit code 77 and is started again, at growing intervals; few lives see a scrape."""
    pods = [Pod("a"), Pod("b")]
    for _ in range(15):
        recording.scrape(*pods)
    denied = Fatal("AccessDeniedException", "allow personalize:PutEvents")
    for minute in range(30):
        for index, pod in enumerate(pods):
            pod.up = False
            if minute % 5 == index:  # one scrape in five meets it alive
                pods[index] = Pod(pod.instance)
                pods[index].sender.outcome = lambda _: denied
        recording.scrape(*pods)
    recording.assert_firing(tmp_path, "PutEventsDown", "PutEventsDenied")


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
        "the dead letters rise",
        "Amazon Personalize is away",
    ):
        assert incident in table, incident
