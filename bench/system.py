"""What processes and the machine use, from /proc: seen from outside, so that being measured costs them nothing."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import confluent_kafka

_TICKS = os.sysconf("SC_CLK_TCK")
_UPTIME_OF_CPU = slice(1, 9)  # user nice system idle iowait irq softirq steal, of the line "cpu"
_IDLE = (3, 4)
_PACKAGES = ("boto3", "botocore", "confluent-kafka", "httptools", "orjson", "pydantic", "uvloop")
ROOT = Path(__file__).parents[1]


def cpu_seconds(pid: int | None) -> float:
    """CPU that a process has used with all its threads, in seconds; 0 for none, or one that has ended."""
    if pid is None:
        return 0.0
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # The command may hold spaces and brackets; what follows the last bracket does not.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def machine_seconds() -> float:
    """CPU that the whole machine has used, in seconds over all cores."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    ticks = [int(field) for field in line.split()[_UPTIME_OF_CPU]]
    return sum(value for index, value in enumerate(ticks) if index not in _IDLE) / _TICKS


def memory(pid: int) -> tuple[int, int]:
    """Bytes that a process holds in memory now, and the most that it ever held; zeros for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return tuple(int(found.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]  # two names, two numbers


def load_average() -> float:
    """Of the last minute: what else this machine was doing shows here."""
    return os.getloadavg()[0]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit(folder: Path = ROOT) -> str:
    """The commit of a folder, with a plus where the connector's files differ from it; empty outside of a repository."""
    try:
        found, changes = (
            subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607  our own words
            for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "connector"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{found}+" if changes else found


def machine() -> Mapping[str, Any]:
    """The machine and the versions that a result belongs to."""
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(memory_kib / 1024 / 1024, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "librdkafka": confluent_kafka.libversion()[0],
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "commit": commit(),
        "load_average": load_average(),
    }
