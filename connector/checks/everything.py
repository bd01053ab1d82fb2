"""Which categories there are, in their order, and what each needs."""

from collections.abc import Iterator, Sequence
from typing import Final

from connector.checks.finding import Finding, failed, ok, warning
from connector.checks.inspection import Category, Section, needing
from connector.checks.of_aws import credentials, endpoint, tracker
from connector.checks.of_datasets import datasets
from connector.checks.of_dead_letters import dead_letters
from connector.checks.of_group import group
from connector.checks.of_login import advertised_names, login
from connector.checks.of_network import connections, encryption, names
from connector.checks.of_quota import quota
from connector.checks.of_registry import registry
from connector.checks.of_topics import topics
from connector.checks.world import World
from connector.config import Problem
from connector.exits import Exit

CONFIGURATION: Final = "configuration"


def configuration(world: World) -> Iterator[Finding]:
    """The file is valid, since it was loaded; its warnings are worth reading."""
    warnings = [each for each in world.loaded.warnings if each.severity == "warning"]
    count = len(world.loaded.config.pipelines)
    yield ok(f"the file is valid, with {count} pipeline{'' if count == 1 else 's'}")
    for each in warnings:
        yield warning(each.code, f"{each.file}:{each.line}:{each.column}: {each.message}", each.hint or "")


CATEGORIES: Final = (
    Category(CONFIGURATION, configuration),
    Category("name resolution", names),
    Category("brokers", connections, ("name resolution",)),
    Category("TLS", encryption, ("brokers",)),
    Category("authentication", login, ("TLS", "brokers")),
    Category("advertised addresses", advertised_names, ("authentication",)),
    Category("topics", topics, ("advertised addresses",)),
    Category("consumer group", group, ("advertised addresses",)),
    Category("dead-letter topic", dead_letters, ("advertised addresses",)),
    Category("schema registry", registry, lane="registry"),
    Category("AWS credentials", credentials, lane="AWS"),
    Category("Amazon Personalize", endpoint, ("AWS credentials",), "AWS"),
    Category("event tracker", tracker, ("Amazon Personalize",), "AWS"),
    Category("datasets", datasets, ("AWS credentials",), "AWS"),
    Category("calls a second", quota, ("topics",)),
)


def of_problems(problems: Sequence[Problem]) -> Iterator[Section]:
    """The categories where the file is not valid: its problems, and nothing else."""
    yield Section(
        CONFIGURATION,
        tuple(
            failed(each.code, f"{each.file}:{each.line}:{each.column}: {each.message}", each.hint or "", Exit.BAD_FILE)
            for each in problems
            if each.severity == "error"
        ),
    )
    yield from (needing(category.name, CONFIGURATION) for category in CATEGORIES[1:])
