"""The schema registry for commands that map records; see ``schema_wait`` for how they wait."""

import random
import time

from connector import logs
from connector.aws.credentials import NotConfigured
from connector.config.registry import ConfluentRegistry, GlueRegistry
from connector.exits import Exit
from connector.metrics import Metrics
from connector.ports import Environment
from connector.registry.opening import open_registry
from connector.registry.schemas import Registry
from connector.schema_wait import NoSchema


def started(settings: ConfluentRegistry | GlueRegistry) -> Registry:
    """The registry, which asks for nothing before a record needs it.

    Raises:
        NoSchema: it cannot be asked, for lack of a region, of credentials or of certificates.
    """
    logs.configure("error", "text")  # the command says itself what is wrong
    try:
        registry = open_registry(settings, Metrics(), Environment(time.monotonic, time.time, random.random))
    except NotConfigured as error:
        raise NoSchema(f"the schema registry cannot be asked: {error}", Exit.REFUSED) from None
    registry.start()
    return registry
