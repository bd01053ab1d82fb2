"""A stage for incidents: processes with the connector's own loop on simulated time, and what Prometheus sees of them.

What is scraped is what the registry holds then: once a minute, or every 15 s where processes live shorter than that.
The traffic is mixed: most records become an event, some are filtered, some skipped, and a few are bad.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from connector.core.records import TopicPartition
from connector.core.sending.backpressure import Bounds
from connector.ending import Refusal
from connector.life import Life
from connector.watch import Watch
from tests.deploy.alerts.contract import names
from tests.deploy.alerts.promtool import RULES, groups, promtool
from tests.support.fakes import QUICK, TOPIC, FakeFetcher, Harness
from tests.support.views import FACTS

USED = set().union(*(names(rule["expr"]) for group in groups() for rule in group["rules"]))
MISSING = "_"
# How long Kubernetes waits before it starts a container again, the longest time and again; a start takes a few seconds.
BACK_OFF = [10.0, 20.0, 40.0, 80.0, 160.0, *[300.0] * 20]
START = 3.0


def mixed(number: int) -> str:
    """What is in the n-th record: of a thousand 250 are filtered, 75 skipped and 8 bad."""
    if number % 125 == 0:
        return "invalid"
    if number % 4 == 1:
        return "filtered"
    return "skipped" if number % 40 in {3, 18, 39} else "1"


class Pod(Harness):
    """A process with a number of partitions of its own, and records that arrive by time."""

    def __init__(self, instance: str, partitions: int = 1, a_minute: int = 60, config: str = "old") -> None:
        self.fetcher = FakeFetcher()
        super().__init__(QUICK, Bounds(2000, 1 << 24, 100_000), self.fetcher.transform, self.fetcher)
        self.instance = instance
        self.metrics.initialise([TOPIC], [("web", "view")])
        self.metrics.config.info({"hash": config})
        self.watch = Watch(self.loop, self.source, self.metrics, self.environment)
        # The fake source counts nothing, as the metric is the real one's.
        self.source.on_commit = lambda _: self.metrics.commits.labels("ok").inc()
        self.a_minute = a_minute
        self.up = True
        self.started = -1.0  # time of its first scrape
        self.word: Callable[[int], str] = mixed
        self._made = 0
        self.own = [TopicPartition(TOPIC, number) for number in range(partitions)]
        if partitions:
            self.assign(*self.own)
        else:
            self.loop.on_assign([])

    def passes(self, seconds: float) -> None:
        """Time passes: records come second by second, and the loop does what it does."""
        until = self.clock.now + seconds
        due = self.clock.now
        while self.clock.now < until and not self.loop.fatal:
            while self.a_minute and self.own and due <= self.clock.now:
                self._made += 1
                place = self.own[self._made % len(self.own)]
                self.source.produce(place, self.word(self._made), session=str(self._made))
                due += 60 / self.a_minute
            self.loop.step()
            self.watch.look()
        self.clock.now = until

    def refused(self, refusal: Refusal) -> None:
        """It gives everything back, and answers for a little longer."""
        self.revoke(*self.own)
        self.own = []
        Life(FACTS, self.metrics, self.environment).refused(refusal)


class Recording:
    """What Prometheus would have scraped, every so many seconds."""

    def __init__(self, interval: int = 60) -> None:
        self.interval = interval
        self._series: dict[str, list[str]] = defaultdict(list)
        self._scrapes = 0

    @property
    def now(self) -> int:
        """Seconds since the first scrape, at the next."""
        return self._scrapes * self.interval

    def scrape(self, *pods: Pod) -> None:
        """Let the time pass for each, then scrape it; one that is down gives only ``up``."""
        for pod in pods:
            if pod.up:
                pod.passes(self.interval)
                pod.started = self.now if pod.started < 0 else pod.started
                self._note("process_start_time_seconds", {}, pod.instance, pod.started)
                for family in pod.metrics.registry.collect():
                    for sample in family.samples:
                        if sample.name in USED and not sample.name.startswith("process_"):  # not of this process
                            self._note(sample.name, sample.labels, pod.instance, sample.value)
            self._note("up", {}, pod.instance, float(pod.up))
        self._scrapes += 1
        for values in self._series.values():
            if len(values) < self._scrapes:
                values.append(MISSING if values[-1] in {MISSING, "stale"} else "stale")

    def _note(self, name: str, labels: Mapping[str, str], instance: str, value: float) -> None:
        every = {"namespace": "shop", "job": "putevents", "instance": instance, **labels}
        inner = ",".join(f'{label}="{text}"' for label, text in every.items())
        values = self._series[f"{name}{{{inner}}}"]
        values += [MISSING] * (self._scrapes - len(values))
        values.append(f"{value:.6g}" if value != int(value) else str(int(value)))

    def assert_firing(self, folder: Path, *alerts: str) -> None:
        """Assert that these alerts fire at the end, and no others."""
        expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
        asked = {
            "expr": 'sum by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{self.now - self.interval}s",
            "exp_samples": expected,
        }
        inputs = [{"series": name, "values": " ".join(values)} for name, values in self._series.items()]
        case = {"interval": f"{self.interval}s", "input_series": inputs, "promql_expr_test": [asked]}
        written = folder / "incident.yaml"
        # JSON is YAML, too, and quick to write.
        written.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
        tested = promtool("test", "rules", written)
        assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]


def lives(recording: Recording, until: float, began: float, long: float, live: Callable[[int], Pod | None]) -> None:
    """A container that is started again and again, as the kubelet does it; each life answers for ``long`` seconds.

    ``live`` makes the process of the n-th life.
    """
    at, down, lived = began, Pod("a", partitions=0), 0
    down.up = False
    current: Pod | None = None
    while recording.now < until:
        if current is not None and recording.now >= at + long:
            at, current = at + long + BACK_OFF[lived] + START, None
            lived += 1
        if current is None and recording.now >= at:
            current = live(lived)
        recording.scrape(current or down)
