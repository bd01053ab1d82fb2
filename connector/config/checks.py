"""Checks across sections: names that must differ, topics that would loop, files that must exist.

Each check takes only the parts that it needs, so that a mistake in one section hides nothing in another.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from connector.config.advice import left_empty
from connector.config.auth import MskIamAuth
from connector.config.client_checks import refused, refused_tls
from connector.config.client_properties import owned
from connector.config.located import Located
from connector.config.models import DeadLetterConfig, KafkaConfig, PersonalizeConfig
from connector.config.paths import at
from connector.config.problems import Problem, printable
from connector.config.regions import RegionProblem, region_problem
from connector.config.scalars import is_topic
from connector.config.yaml_tree import Path
from connector.core.mapping.specs import PUT_KEYS, PUT_SPECS, Const, PipelineSpec
from connector.core.mapping.targets import TYPES, region_of
from connector.core.mapping.topics import INTERNAL, fault, is_internal, is_pattern

Pipelines = Mapping[int, PipelineSpec]


def check_names(pipelines: Pipelines, located: Located) -> Iterator[Problem]:
    """Pipelines have names of their own and topics of their own."""
    names: dict[str, int] = {}
    topics: dict[str, int] = {}
    for index, pipeline in pipelines.items():
        path: Path = ("pipelines", index)
        if names.setdefault(pipeline.name, index) != index:
            message = f"expected each pipeline to have its own name: {printable(pipeline.name)} is used above"
            yield located.at_value((*path, "name"), "duplicate-name", message, "rename one of the two")
        for number, topic in enumerate(pipeline.topics):
            if topic in topics:
                owner = pipelines[topics[topic]].name
                message = f"expected each topic once: pipeline {printable(owner)} reads it already"
                yield located.at_value((*path, "topics", number), "duplicate-topic", message)
            topics.setdefault(topic, index)


def check_late(pipelines: Pipelines, located: Located) -> Iterator[Problem]:
    """Nothing is late without a bound."""
    for index, pipeline in pipelines.items():
        if pipeline.late is not None and pipeline.max_age is None:
            message = "expected max_age beside late: nothing is late without it"
            path: Path = ("pipelines", index, "late")
            yield located.at_key(path, "inconsistent", message, "add max_age: 14d, or remove late")


def check_topics(pipelines: Pipelines, dead_letter: DeadLetterConfig | None, located: Located) -> Iterator[Problem]:
    """Topic names are possible in Kafka, and no pipeline reads the dead-letter topic, which would loop for ever."""
    for index, pipeline in pipelines.items():
        path: Path = ("pipelines", index, "topics")
        for number, topic in enumerate(pipeline.topics):
            yield from _topic((*path, number), topic, located)
            # A pattern never takes it; see core/mapping/topics.py.
            if dead_letter is not None and topic == dead_letter.topic:
                message = (
                    "expected another topic than dead_letter.topic: dead letters would be read and written for ever"
                )
                yield located.at_value(
                    (*path, number), "dead-letter-loop", message, "name another topic here or in dead_letter"
                )
        for number, topic in enumerate(pipeline.exclude):
            yield from _topic(("pipelines", index, "exclude", number), topic, located)
        if pipeline.exclude and not any(map(is_pattern, pipeline.topics)):
            message = "expected a pattern in topics: exclude only limits what a pattern matches"
            yield located.at_key(("pipelines", index, "exclude"), "idle-exclude", message, "remove exclude")


def _topic(path: Path, topic: str, located: Located) -> Iterator[Problem]:
    if is_pattern(topic):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constructs whose meaning may change one day
            wrong = fault(topic)
        if wrong is not None and wrong.position is not None:
            yield located.in_scalar(path, wrong.position, "bad-regex", wrong.message, wrong.hint)
        elif wrong is not None:
            yield located.at_value(path, "bad-regex", wrong.message, wrong.hint)
    elif not is_topic(topic):
        message = "expected a topic name, or a regular expression that starts with ^"
        yield located.at_value(path, "bad-topic", message, _as_pattern(topic))
    elif is_internal(topic):
        message = f"expected a topic that does not begin with {INTERNAL}: those are Kafka's own"
        yield located.at_value(path, "internal-topic", message)


def _as_pattern(topic: str) -> str | None:
    """A pattern for a name that looks like one of a shell, or like an expression without its start."""
    pattern = "^" + re.sub(r"(?<![.\])])\*", ".*", topic)
    if not re.search(r"[*+?$(|\[]", topic) or fault(pattern) or not topic.isprintable():
        return None
    return f"did you mean '{printable(pattern)}'?"


def check_tracking_id(
    pipelines: Pipelines, personalize: PersonalizeConfig | None, located: Located
) -> Iterator[Problem]:
    """Every entry has somewhere to go: what its rule maps, or the default."""
    rules = [rule for pipeline in pipelines.values() for rule in pipeline.rules]
    lacking: dict[str, tuple[str, str]] = {}  # setting → the first rule, and the member that it does not map
    for rule in rules:
        operation = rule.operation
        if operation is not None and getattr(rule.put, operation.target) is None:
            lacking.setdefault(operation.setting, (rule.name, operation.target))
    for setting, (name, member) in lacking.items():
        path: Path = ("personalize", setting)
        faulty = any(fault.path == path for fault in located.tree.faults)  # that is said of it already
        if personalize is None or getattr(personalize, setting) is not None or faulty:
            continue
        message = f"expected the key {setting} in personalize: rule {printable(name)} maps no {member}"
        hint, section = f"set it, or map {member} in every rule", ("personalize",)
        if setting == "tracking_id":
            yield located.at_key(section, "missing-tracking-id", message, hint)
        else:
            yield located.at_key(section, "missing-dataset", message, hint)


def check_kafka(kafka: KafkaConfig, located: Located) -> Iterator[Problem]:
    """TLS settings that fit each other, and files that are there."""
    path: Path = ("kafka", "tls")
    if (kafka.tls.cert_file is None) != (kafka.tls.key_file is None):
        lacking = "key_file" if kafka.tls.key_file is None else "cert_file"
        yield located.at_key(path, "incomplete-tls", f"expected cert_file and key_file together: {lacking} is missing")
    if kafka.tls.enabled is False and kafka.tls.files:
        message = "expected no certificate and key files with enabled: false"
        yield located.at_value((*path, "enabled"), "inconsistent", message, "remove enabled, or remove the files")
    if kafka.tls.enabled is False and kafka.auth.type == "msk_iam":
        yield located.at_value(
            (*path, "enabled"), "inconsistent", "expected TLS with auth of type msk_iam", "remove enabled"
        )
    missing = dict(unreadable(kafka.tls.files))
    for key, why in missing.items():
        yield located.at_value((*path, key), "unreadable-file", f"expected a readable file: {why}")
    unfit = missing or (kafka.tls.cert_file is None) != (kafka.tls.key_file is None)
    for refusal in () if unfit else refused_tls(kafka.tls):
        yield located.at_value((*path, refusal.name), refusal.code, refusal.message, refusal.hint)


def unreadable(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys whose files cannot be opened, and why."""
    for key, path in files.items():
        try:
            with FilePath(path).open("rb"):
                pass
        except (OSError, ValueError) as error:
            yield key, (getattr(error, "strerror", None) or "not a path").lower()


def check_librdkafka(raw: Any, properties: Mapping[str, Any] | None, located: Located) -> Iterator[Problem]:
    """Properties that are ours, or that the library refuses; ``properties`` are ``raw``'s, where valid."""
    path: Path = ("kafka", "librdkafka")
    refusals = [*owned(properties), *refused(properties)] if properties is not None else list(owned(raw))
    for refusal in refusals:
        point = located.at_value if refusal.code == "bad-property" else located.at_key
        yield point((*path, refusal.name), refusal.code, refusal.message, refusal.hint)


def check_regions(
    personalize: PersonalizeConfig | None, kafka: KafkaConfig | None, located: Located
) -> Iterator[Problem]:
    """Regions that AWS can have. With another endpoint, the region is only a part of the signature."""
    if personalize is not None and personalize.region is not None:
        path: Path = ("personalize", "region")
        if personalize.endpoint_url is None:
            yield from region(path, region_problem(personalize.region, personalize=True), located)
        elif not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", personalize.region):
            yield located.at_value(path, "bad-region", "expected the name of a region: letters, digits and -")
    if kafka is not None and isinstance(kafka.auth, MskIamAuth) and kafka.auth.region is not None:
        yield from region(("kafka", "auth", "region"), region_problem(kafka.auth.region, personalize=False), located)


def check_datasets(pipelines: Pipelines, personalize: PersonalizeConfig | None, located: Located) -> Iterator[Problem]:
    """Datasets are where calls go: one of another region is never found. With another endpoint anything may be."""
    if personalize is None or personalize.region is None or personalize.endpoint_url is not None:
        return
    given: list[tuple[Path, str | None]] = [
        (("personalize", each.setting), getattr(personalize, each.setting)) for each in TYPES
    ]
    for index, pipeline in pipelines.items():
        for number, rule in enumerate(pipeline.rules):
            arn = getattr(rule.put, "datasetArn", None)
            if rule.operation is not None and isinstance(arn, Const) and isinstance(arn.const, str):
                path: Path = ("pipelines", index, "rules", number, rule.operation.action, "datasetArn", "const")
                given.append((path, arn.const))
    for path, arn in given:
        found = region_of(arn or "")
        if found not in {None, personalize.region}:
            message = f"expected a dataset of region {printable(personalize.region)}, where calls go"
            hint = "name a dataset of that region, or set personalize.region to its own"
            yield located.at_value(path, "wrong-region", message, hint)


def region(path: Path, found: RegionProblem | None, located: Located) -> Iterator[Problem]:
    """What is wrong with a region: an error where AWS cannot have it, else a warning."""
    if found is not None:
        code = "bad-region" if found.sure else "unknown-region"
        problem = located.at_value(path, code, found.message, found.hint)
        yield problem if found.sure else problem._replace(severity="warning")


# Keys whose absence has a meaning. A key with nothing after its colon would silently mean the same.
_OF_A_RULE = ("when", "for_each", *PUT_KEYS, "skip")
_OF_FROM = ("lookup", "otherwise", "format", "timezone", "as")
_OF_A_FORMAT = ("root", "columns", "delimiter", "schema_file", "message")


def check_left_empty(data: Any, located: Located) -> Iterator[Problem]:
    """A key of a rule or a format with nothing after its colon: such a `when:` would match every record."""
    for index, pipeline in enumerate(_list(at(data, ("pipelines",)))):
        yield from _left_empty(("pipelines", index), pipeline, ("max_age", "late"), located)
        for part in ("value", "key"):
            yield from _left_empty(("pipelines", index, part), at(pipeline, (part,)), _OF_A_FORMAT, located)
        for number, rule in enumerate(_list(at(pipeline, ("rules",)))):
            path: Path = ("pipelines", index, "rules", number)
            yield from _left_empty(path, rule, _OF_A_RULE, located)
            for operation, model in PUT_SPECS.items():
                put, place = at(rule, (operation.action,)), (*path, operation.action)
                optional = [name for name, field in model.model_fields.items() if not field.is_required()]
                yield from _left_empty(place, put, optional, located)
                yield from _left_empty_inside(place, put, located)


def _left_empty_inside(path: Path, part: Any, located: Located) -> Iterator[Problem]:
    """The same in field specs, however deep; constants and tables are the user's own."""
    if isinstance(part, dict) and "from" in part:
        yield from _left_empty(path, part, _OF_FROM, located)
    inside = part.items() if isinstance(part, dict) else enumerate(_list(part))
    for key, value in inside:
        if key not in ("const", "lookup", "default"):
            yield from _left_empty_inside((*path, key), value, located)


def _left_empty(path: Path, part: Any, keys: Iterable[str], located: Located) -> Iterator[Problem]:
    for key in keys if isinstance(part, dict) else ():
        faulty = any(fault.path == (*path, key) for fault in located.tree.faults)  # that is said of it already
        if key in part and part[key] is None and not faulty:
            yield located.at_key((*path, key), "left-empty", *left_empty(key))


def note_tests(data: Any, located: Located) -> Iterator[Problem]:
    """Whoever validates a file should not think that its tests have run."""
    if _list(at(data, ("tests",))):
        message = "validate checks the form of these tests and does not run them"
        hint = "`putevents test` runs them"
        yield located.at_key(("tests",), "tests-not-run", message, hint)._replace(severity="note")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
