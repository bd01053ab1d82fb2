"""What no single section can know: names that must differ, topics that would loop, files that must be there.

Each check takes only the parts that it needs, so that a mistake in one section hides nothing in another.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from connector.config.librdkafka import owned, refused, refused_tls
from connector.config.located import Located
from connector.config.models import DeadLetterConfig, KafkaConfig, PersonalizeConfig
from connector.config.problems import Problem, key_word, printable, suggest_or_list
from connector.config.scalars import is_topic
from connector.config.wording import at
from connector.config.yaml_tree import Path
from connector.core.specs import PipelineSpec, PutEventsSpec

Pipelines = Mapping[int, PipelineSpec]


def check_names(pipelines: Pipelines, located: Located) -> Iterator[Problem]:
    """Pipelines have names of their own and topics of their own."""
    names: dict[str, int] = {}
    topics: dict[str, int] = {}
    for index, pipeline in pipelines.items():
        path: Path = ("pipelines", index)
        if names.setdefault(pipeline.name, index) != index:
            message = f"expected one pipeline called {printable(pipeline.name)}"
            yield located.at_value((*path, "name"), "duplicate-name", message)
        for number, topic in enumerate(pipeline.topics):
            if topic in topics:
                owner = pipelines[topics[topic]].name
                message = f"expected each topic in one place: {printable(owner)} reads it already"
                yield located.at_value((*path, "topics", number), "duplicate-topic", message)
            topics.setdefault(topic, index)


def check_topics(pipelines: Pipelines, dead_letter: DeadLetterConfig | None, located: Located) -> Iterator[Problem]:
    """Topics can exist, and none is the one that dead letters go to: they would come back for ever."""
    for path, topic in _topics(pipelines):
        if not topic.startswith("^"):
            if not is_topic(topic):
                message = "expected a topic name, or a regular expression that starts with ^"
                yield located.at_value(path, "bad-topic", message)
            loops = dead_letter is not None and topic == dead_letter.topic
        else:
            pattern, problem = _pattern(path, topic, located)
            if problem is not None:
                yield problem
            loops = dead_letter is not None and pattern is not None and bool(pattern.match(dead_letter.topic))
        if loops:
            message = "expected topics without dead_letter.topic: its records would come back for ever"
            yield located.at_value(path, "dead-letter-loop", message)


def _topics(pipelines: Pipelines) -> Iterator[tuple[Path, str]]:
    for index, pipeline in pipelines.items():
        for number, topic in enumerate(pipeline.topics):
            yield ("pipelines", index, "topics", number), topic


def _pattern(path: Path, topic: str, located: Located) -> tuple[re.Pattern[str] | None, Problem | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constructs whose meaning may change one day
            return re.compile(topic), None
    except re.error as error:
        message = f"expected a regular expression: {error.msg}"
        return None, located.in_scalar(path, error.pos or 0, "bad-regex", message)
    except (RecursionError, OverflowError):
        return None, located.at_value(path, "bad-regex", "expected a simpler regular expression")


def check_tracking_id(
    pipelines: Pipelines, personalize: PersonalizeConfig | None, located: Located
) -> Iterator[Problem]:
    """Every event has a tracking id: its rule's, or the default."""
    if personalize is None or personalize.tracking_id is not None:
        return
    rules = [rule for pipeline in pipelines.values() for rule in pipeline.rules]
    lacking = [rule.name for rule in rules if rule.put_events and rule.put_events.trackingId is None]
    if lacking:
        message = f"expected the key tracking_id in personalize: rule {printable(lacking[0])} maps no trackingId"
        yield located.at_key(("personalize",), "missing-tracking-id", message, "or map trackingId in every rule")


def check_kafka(kafka: KafkaConfig, located: Located) -> Iterator[Problem]:
    """TLS settings that fit each other, and files that are there."""
    path: Path = ("kafka", "tls")
    if (kafka.tls.cert_file is None) != (kafka.tls.key_file is None):
        yield located.at_key(path, "incomplete-tls", "expected cert_file and key_file together")
    if kafka.tls.enabled is False and kafka.tls.files:
        message = "expected no files with enabled: false"
        yield located.at_value((*path, "enabled"), "inconsistent", message, "remove enabled, or the files")
    if kafka.tls.enabled is False and kafka.auth.type == "msk_iam":
        yield located.at_value((*path, "enabled"), "inconsistent", "expected TLS with auth of type msk_iam")
    missing = dict(_unreadable(kafka.tls.files))
    for key, why in missing.items():
        yield located.at_value((*path, key), "unreadable-file", f"expected a readable file: {why}")
    unfit = missing or (kafka.tls.cert_file is None) != (kafka.tls.key_file is None)
    for refusal in () if unfit else refused_tls(kafka.tls):
        yield located.at_value((*path, refusal.name), refusal.code, refusal.message, refusal.hint)


def _unreadable(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
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


def check_tests(data: Any, located: Located) -> Iterator[Problem]:
    """Tests name a pipeline of the file, and members that PutEvents has."""
    pipelines = [at(pipeline, ("name",)) for pipeline in _list(at(data, ("pipelines",)))]
    names = [name for name in pipelines if isinstance(name, str)]
    members = list(PutEventsSpec.model_fields)
    for index, test in enumerate(_list(at(data, ("tests",)))):
        name = at(test, ("pipeline",))
        if isinstance(name, str) and name and name not in names:
            hint = suggest_or_list(name, [printable(each) for each in names], "pipelines")
            path: Path = ("tests", index, "pipeline")
            yield located.at_value(path, "unknown-pipeline", "expected the name of a pipeline", hint)
        yield from _members(("tests", index, "output"), at(test, ("output",)), members, located)


def _members(path: Path, output: Any, members: Sequence[str], located: Located) -> Iterator[Problem]:
    for number, event in enumerate(_list(output)):
        for key in event if isinstance(event, dict) else ():
            if key not in members:
                message = f"expected a member of PutEvents, not {key_word(key)}"
                hint = suggest_or_list(key, members, "members")
                yield located.at_key((*path, number, key), "unknown-key", message, hint)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
