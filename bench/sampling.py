"""Where the connector spends its time, by a sampling profiler from outside: py-spy, since cProfile weighs by calls.

A backlog without a quota, so that the process is busy all the time.
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.runs import START_SECONDS, UNBOUNDED, Watch, start_connector
from bench.stage import fill, open_stage
from bench.streams import SHAPES, clicks
from tests.support.processes import Endpoint

RECORDS = 300_000
SECONDS = 10
RATE = 200  # samples a second: at more, py-spy itself is what is measured on two cores
SHOWN = 75


def _py_spy() -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def stacks(raw: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    """Frames, outermost first, and how often they were seen, of py-spy's raw format."""
    for line in raw:
        frames, _, count = line.rstrip("\n").rpartition(" ")
        if frames and count.isdecimal():
            yield frames.split(";"), int(count)


def own_time(found: Iterable[tuple[list[str], int]]) -> Counter[str]:
    """Samples by the function that ran."""
    own: Counter[str] = Counter()
    for frames, count in found:
        own[frames[-1]] += count
    return own


def whole_time(found: Iterable[tuple[list[str], int]]) -> Counter[str]:
    """Samples by every function that ran or waited for one that did, each once a stack."""
    whole: Counter[str] = Counter()
    for frames, count in found:
        for frame in set(frames):
            whole[frame] += count
    return whole


def print_profile(seed: int, *, mock: bool = False) -> int:
    """Profile `putevents run` for a few seconds; the exit code."""
    py_spy = _py_spy()
    if py_spy is None:
        sys.stderr.write("expected py-spy beside python or on the path: pip install py-spy\n")
        return 1
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage(mock=mock))
        fill(stage, "long", clicks(SHAPES["long"], seed, min(RECORDS, stage.most_records or RECORDS)))
        endpoint = stack.enter_context(Endpoint(stage.folder, "--latency", "20ms"))
        member = stack.enter_context(start_connector(stage, "long", endpoint.url, UNBOUNDED))
        Watch(stage, endpoint, member).until(lambda sample: sample.events > 0, START_SECONDS)
        raw = stage.folder / "profile.txt"
        arguments = [py_spy, "record", "--pid", str(member.popen.pid), "--duration", str(SECONDS), "--rate", str(RATE)]
        arguments += ["--format", "raw", "--function", "--threads", "--gil", "--output", str(raw)]
        subprocess.run(arguments, check=True, timeout=SECONDS + 60, stdout=subprocess.DEVNULL)  # noqa: S603  our own words
        found = list(stacks(raw.read_text().splitlines()))
    total = sum(count for _, count in found)
    for title, times in (("own time", own_time(found)), ("with what it calls", whole_time(found))):
        sys.stdout.write(f"{title}, of {total} samples in {SECONDS} s:\n")
        for frame, count in times.most_common(SHOWN):
            sys.stdout.write(f"{100 * count / total:6.1f} %  {frame}\n")
        sys.stdout.write("\n")
    return 0
