"""Which metrics and labels there are, and which of them a query names.

A query on a metric that does not exist answers nothing, without an error: an alert on it never fires.
"""

import re
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector

from connector.core.operations import OPERATIONS
from connector.metrics import Metrics

TARGET = {"namespace", "job", "instance"}  # what Prometheus adds
OWN = {"up": set[str](), "ALERTS": {"alertname", "alertstate", "severity"}}  # what Prometheus makes itself
_WORD = re.compile(r"\b(?:putevents|process)_\w+|\bup\b|\bALERTS\b|\bnamespace_job\w*:[\w:]+")
_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.initialise(["clicks"], [("web", "view")], OPERATIONS)
    metrics.config.info({"hash": "0123456789ab"})
    metrics.lag_seconds.labels("clicks", "0")
    metrics.lag_records.labels("clicks", "0")
    metrics.skipped_records.labels("clicks", "bot")
    metrics.kafka_errors.labels("_TRANSPORT")
    metrics.refused.labels("personalize", "AccessDeniedException")
    metrics.schema_registry_requests.labels("ok")
    return metrics


def samples() -> Iterator[tuple[str, dict[str, str]]]:
    """Name and labels of each series that a process has, those of the process itself included."""
    process = CollectorRegistry()
    ProcessCollector(registry=process)
    for registry in (_metrics().registry, process):
        for family in registry.collect():
            for sample in family.samples:
                yield sample.name, sample.labels


def known() -> dict[str, set[str]]:
    """Labels by name of the metric, as Prometheus sees both."""
    found: dict[str, set[str]] = {name: set(labels) for name, labels in OWN.items()}
    for name, labels in samples():
        found.setdefault(name, set()).update(labels)
    return found


def names(query: str) -> set[str]:
    """The metrics that a query names."""
    return set(_WORD.findall(_TEXT.sub('""', query)))


def problems(query: str, recorded: set[str]) -> list[str]:
    """What a query names and no process has; ``recorded`` are the names that rules record."""
    metrics = known()
    used = names(query)
    wrong = [f"no metric {name}" for name in used - metrics.keys() - recorded]
    labels = TARGET.union(*(metrics.get(name, set()) for name in used), *(_recorded(name) for name in used & recorded))
    for listed in _GROUPING.findall(query):
        wrong += [f"no label {name.strip()}" for name in listed.split(",") if name.strip() not in labels]
    for name, inside in _SELECTOR.findall(query):
        own = metrics.get(name, set()) | _recorded(name)
        for label, how, value in _MATCHER.findall(inside):
            if label not in own | TARGET:
                wrong.append(f"no label {label} on {name}")
            elif (
                not value.startswith("$") and how in {"=", "=~"} and name not in OWN and not _occurs(name, label, value)
            ):
                wrong.append(f"no {label} of {name} is {value}")
    return wrong


def _recorded(name: str) -> set[str]:
    # The level of a recorded metric says its labels: namespace_job_status:...
    return set(name.split(":", maxsplit=1)[0].split("_")) if ":" in name else set()


def _occurs(name: str, label: str, pattern: str) -> bool:
    every = [labels[label] for found, labels in samples() if found == name and label in labels]
    return not every or any(re.fullmatch(pattern.replace("\\\\", "\\"), value) for value in every)
