"""The schema registry: it answers, and accepts the login. It is asked for a schema that nobody has."""

from collections.abc import Iterator

from connector.aws.credentials import NotConfigured
from connector.checks.finding import Finding, failed, ok, warning
from connector.checks.world import World
from connector.config.formats import uses_registry
from connector.config.registry import GlueRegistry
from connector.core.sending.outcomes import Fatal
from connector.exits import Exit
from connector.registry.answers import Answer, Away
from connector.registry.opening import open_origin

_NO_ID, _NO_UUID = 2_147_483_647, "00000000-0000-0000-0000-000000000000"


def registry(world: World) -> Iterator[Finding]:
    """Ask it, if a pipeline needs it."""
    config = world.loaded.config
    if config.schema_registry is None or not uses_registry(config.pipelines):
        yield ok("not used: no pipeline needs one")
        return
    try:
        origin = open_origin(config.schema_registry, world.metrics, world.environment)
    except NotConfigured as error:
        yield failed("registry-refused", str(error), "mend what the message names", Exit.REFUSED)
        return
    try:
        schema = _NO_UUID if isinstance(config.schema_registry, GlueRegistry) else _NO_ID
        yield meaning(origin.fetch(schema, "avro"))
    finally:
        origin.rest()


def meaning(answer: Answer) -> Finding:
    """What the answer about a schema that does not exist says of the registry."""
    match answer:
        case Fatal("HTTP 403", advice):
            # Some registries check the right to a subject before they look whether there is a schema.
            what = "the registry accepts the login, but not the question for a schema"
            return warning("registry-right", what, advice)
        case Fatal(code, advice):
            return failed("registry-refused", f"the schema registry refuses this client ({code})", advice, Exit.REFUSED)
        case Away(_, detail):
            return failed("registry-away", detail, "check schema_registry.url, and the network between here and there")
        case _:
            return ok("the schema registry answers, and accepts the login")
