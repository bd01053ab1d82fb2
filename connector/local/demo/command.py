"""``putevents demo``: sends an hour of a shop's clicks through the real connector, with a local broker and endpoint.

It needs no setup and no network. At the end it checks what the endpoint accepted, what the dead-letter topic holds and
what was committed against the outcome that the clickstream expects of every record.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connector.exits import Exit
from connector.local.demo import catalogue
from connector.local.demo.breakages import POISON
from connector.local.demo.clickstream import SECONDS, clickstream
from connector.local.demo.judge import OUTCOMES, Seen, judge
from connector.local.demo.paths import configuration, example, program, shown, whole_shop
from connector.local.demo.processes import NAP, Failed, Interrupted, Interrupts, Part, environment, wait_for
from connector.local.demo.report import Figures, Progress, Screen, final_page, next_steps
from connector.local.demo.traffic import Broker, Page, Sent, accepted, counted, kept, page, send

PARTITIONS = 6
TRACKING_ID = "demo-tracker"
CLICKS_A_CHANGE = 5  # of a product
MOST_RECORDS = 40_000  # the embedded broker keeps 5 MiB a partition
SETTLE = 30.0  # seconds to wait after the last record, at most, until everything is committed
AT_REST = 3.0  # seconds to wait after the last commit, at most, until the metrics are complete
LOG_LINES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of this command."""
    add = parser.add_argument
    add("--records", type=_count, default=15_000, metavar="N", help="how many records (default: %(default)s)")
    add("--rate", type=_count, default=3_500, metavar="N", help="records a second (default: %(default)s)")
    add("--seed", type=int, default=1, metavar="N", help="another seed gives other records (default: %(default)s)")
    add("--keep", action="store_true", help="keep logs, records and accepted events, and print their folder")


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= MOST_RECORDS:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {MOST_RECORDS}")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Run the demo. 0 where all checks pass; 1 where not; 128 plus the number of the signal that stopped it."""
    screen = Screen(sys.stdout)
    try:
        folder = Path(tempfile.mkdtemp(prefix="putevents-demo-"))
    except OSError as error:
        sys.stderr.write(
            f"the demo failed: expected a writable folder for temporary files: {error.strerror}; "
            "set TMPDIR to one (in a container: mount a volume at /tmp)\n"
        )
        return Exit.NOT_OK
    keep: bool = arguments.keep
    try:
        with Interrupts() as interrupts:
            Demo(arguments, folder, screen, interrupts).play()
    except Interrupted as interrupted:
        screen.say(f"stopped by {interrupted}: nothing is left running")
        return 128 + interrupted.number
    except Failed as failure:
        keep = True
        screen.say()
        sys.stderr.write(f"the demo failed: {failure}\n{_end_of_log(failure, folder)}")
        return Exit.NOT_OK
    finally:
        if keep:
            screen.say(f"\nLogs and files are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return Exit.OK


def _end_of_log(failure: Failed, folder: Path) -> str:
    log = failure.log or folder / "connector.log"
    if not log.exists():
        return ""
    lines = log.read_text(errors="backslashreplace").splitlines()[-LOG_LINES:]
    return "".join(f"  {line}\n" for line in (f"the end of {log}:", *lines))


class Stage(NamedTuple):
    """What is running, and how to observe it."""

    connector: Part
    endpoint: Page
    metrics: Page
    metrics_url: str
    broker: Broker
    servers: str


class Demo:
    """One run of the demo; ``play`` holds its steps in order.

    Raises:
        Failed: a process failed, or a check does.
        Interrupted: a signal came.
    """

    def __init__(self, options: argparse.Namespace, folder: Path, screen: Screen, interrupts: Interrupts) -> None:
        self._options = options
        self._folder = folder
        self._screen = screen
        self._interrupts = interrupts
        self._begun = time.monotonic()
        self._parts: list[Part] = []
        self._file, self._shop = example(), example("shop.yaml")
        self._running = folder / "demo.yaml"
        whole_shop(self._file, self._shop, self._running)
        self._config = configuration(self._running)

    def play(self) -> None:
        """Run all steps. No process is left behind, whatever happens."""
        options = self._options
        seconds = options.records / options.rate
        self._announce(seconds)
        with ExitStack() as stack:
            try:
                stage = self._start(stack)
                clicks = clickstream(options.records, options.seed, time.time() - SECONDS)
                sent = Sent(clicks, [], {}, catalogue.rows(options.records // CLICKS_A_CHANGE, options.seed), {})
                wait_for("the connector in its consumer group", lambda: _ready(stage.metrics, "/readyz"), self._pause)
                self._screen.say(
                    f"  started in {time.monotonic() - self._begun:.1f} s; metrics: {stage.metrics_url}/metrics"
                )
                self._perform(stage, sent, seconds)
                figures = self._finish(stage, sent, seconds)
            except Failed:
                # A page that does not respond mostly means that a process has ended; report that instead.
                self._check_parts()
                raise
        self._conclude(figures)

    def _announce(self, seconds: float) -> None:
        changes = self._options.records // CLICKS_A_CHANGE
        self._screen.say(
            f"An hour of a shop in {seconds:.1f} s: {self._options.records:,} clicks, 3 % of them broken, and "
            f"{changes:,} changes\nof its products, {changes // 2:,} of its customers' profiles; from a local Kafka "
            f"broker, through `run` with\n{shown(self._file)} and the items and users of {shown(self._shop)}, to a "
            "local endpoint.\n"
        )

    # -- step 1: start everything ---------------------------------------------------------------------------

    def _start(self, stack: ExitStack) -> Stage:
        config, base = self._config, environment(os.environ)
        [topic] = config.pipelines[0].topics
        topics = [f"--topic={topic}:{PARTITIONS}", f"--topic={config.dead_letter.topic}:1"]
        topics += [f"--topic={each}:{catalogue.PARTITIONS}" for each in (catalogue.ITEMS, catalogue.USERS)]
        broker = self._part(stack, "broker", ["connector.local.broker", "--quiet", *topics], base)
        endpoint = self._part(stack, "endpoint", ["connector.local.endpoint.command", *_ENDPOINT_OPTIONS], base)
        servers, url = self._said(broker, "bootstrap_servers"), self._said(endpoint, "url")
        env = environment(
            os.environ,
            KAFKA_BOOTSTRAP_SERVERS=servers,
            PERSONALIZE_ENDPOINT_URL=url,
            PERSONALIZE_TRACKING_ID=TRACKING_ID,
            PERSONALIZE_ITEMS_DATASET_ARN=catalogue.ITEMS_ARN,
            PERSONALIZE_USERS_DATASET_ARN=catalogue.USERS_ARN,
            # The embedded broker holds an empty fetch for this long, even if a record arrives meanwhile.
            KAFKA_FETCH_WAIT_MAX_MS="50",
            SERVER_HOST="127.0.0.1",
            SERVER_PORT="0",
        )
        runs = self._part(stack, "connector", ["connector", "run", str(self._running)], env)
        metrics = f"http://127.0.0.1:{self._said(runs, 'port')}"
        observer = Broker(servers, config.kafka.group_id, topic, config.dead_letter.topic)
        return Stage(runs, page(url), page(metrics), metrics, stack.enter_context(closing(observer)), servers)

    def _part(self, stack: ExitStack, name: str, arguments: Sequence[str], env: dict[str, str]) -> Part:
        part = Part(name, arguments, self._folder, env)
        stack.callback(part.kill)
        self._parts.append(part)
        return part

    def _said(self, part: Part, key: str) -> Any:
        return wait_for(f"the {part.name} to be ready", lambda: part.said(key), self._pause)[key]

    def _pause(self) -> None:
        time.sleep(NAP)
        self._interrupts.check()
        self._check_parts()

    def _check_parts(self) -> None:
        for part in self._parts:
            part.check()

    # -- step 2: send records, wait for commits -----------------------------------------------------------

    def _perform(self, stage: Stage, sent: Sent, seconds: float) -> None:
        [topic] = self._config.pipelines[0].topics
        progress = Progress()

        def pause() -> None:
            self._pause()
            if self._screen.due():
                self._screen.progress(progress.line(sent, _stats(stage), stage.broker.dead_letter_count()))

        def done() -> bool:
            ends, row_ends = sent.ends(), sent.row_ends
            clicks_done = stage.broker.committed(list(ends)) == ends
            return clicks_done and stage.broker.committed_rows(row_ends) == row_ends

        send(stage.servers, topic, sent, seconds, pause)
        try:
            wait_for("all offsets to be committed", done, pause, SETTLE)
        except Failed as late:
            self._check_parts()
            # The checks below say what is missing.
            self._screen.say(f"{late}: what is missing is below")
        # The last line may be from before the last events; this one agrees with the page below.
        last = sent, _stats(stage), stage.broker.dead_letter_count()
        if progress.is_behind(*last):
            self._screen.progress(progress.line(*last))

    # -- step 3: read and check the result ---------------------------------------------------------------------------

    def _finish(self, stage: Stage, sent: Sent, seconds: float) -> Figures:
        took = max(seconds, (sent.times[-1] - sent.times[0]) / 1000)
        counts, row_counts = self._counts(stage, len(sent.clicks), len(sent.rows.changes))
        self._parts.remove(stage.connector)
        code = stage.connector.stop()
        events = accepted(stage.endpoint)
        committed = stage.broker.committed(list(sent.ends()))
        rows = stage.broker.committed_rows(sent.row_ends)
        letters = list(stage.broker.dead_letters())
        seen = Seen(events, letters, committed, counts, code, kept(stage.endpoint), row_counts, rows)
        if self._options.keep:
            self._write(sent, seen)
        total = time.monotonic() - self._begun
        linger, topic = self._config.delivery.linger, self._config.dead_letter.topic
        return Figures(sent, seen, judge(sent, seen), _stats(stage), took, total, linger, topic)

    def _counts(self, stage: Stage, records: int, changes: int) -> tuple[dict[str, int], dict[str, int]]:
        """The connector's counters of clicks and of rows, once they are complete; none where it does not respond."""
        [topic] = self._config.pipelines[0].topics
        deadline = time.monotonic() + AT_REST
        while True:
            try:
                text = stage.metrics("/metrics")
            except Failed:
                self._check_parts()
                return {}, {}
            counts, rows = counted(text, topic), counted(text, catalogue.ITEMS, catalogue.USERS)
            done = sum(counts.get(outcome, 0) for outcome in OUTCOMES) >= records
            rows_done = sum(rows.get(outcome, 0) for outcome in (*OUTCOMES, "superseded")) >= changes
            if (done and rows_done) or time.monotonic() > deadline:
                (self._folder / "metrics.txt").write_bytes(text)
                return counts, rows
            self._pause()

    def _write(self, sent: Sent, seen: Seen) -> None:
        with (self._folder / "records.jsonl").open("wb") as file:
            file.writelines((click.value or b"") + b"\n" for click in sent.clicks)
        with (self._folder / "accepted.jsonl").open("wb") as file:
            file.writelines(orjson.dumps(event._asdict()) + b"\n" for event in seen.accepted)

    def _conclude(self, figures: Figures) -> None:
        for line in final_page(figures, self._screen):
            self._screen.say(line)
        wrong = sum(not check.holds for check in figures.checks)
        if wrong:
            raise Failed(f"{wrong} of {len(figures.checks)} checks failed, see above")
        self._screen.say()
        for line in next_steps(program(), shown(self._file)):
            self._screen.say(line)


_ENDPOINT_OPTIONS = (
    "--ledger",
    "--strict",
    "--latency=20ms-50ms",
    f"--tracking-id={TRACKING_ID}",
    f"--poison-prefix={POISON}",
)


def _stats(stage: Stage) -> Any:
    return orjson.loads(stage.endpoint("/_local/stats"))


def _ready(get: Page, path: str) -> bool:
    try:
        get(path)
    except Failed:
        return False
    return True
