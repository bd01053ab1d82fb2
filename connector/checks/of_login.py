"""The login, and the names that brokers advertise: every connection but the first goes to those."""

from collections.abc import Iterator

from connector.aws.credentials import NotConfigured
from connector.checks.finding import Finding, failed, ok, warning
from connector.checks.of_network import judged
from connector.checks.world import World
from connector.config.auth import NoAuth
from connector.exits import Exit
from connector.kafka.advertised import advertised, unresolvable
from connector.kafka.dialing import address_of, dial_all, speak_tls
from connector.kafka.following import existing
from connector.kafka.reading import ANSWERED_WITHIN
from connector.ports import Refused, Unavailable

_NO_ANSWER = (
    "check kafka.tls and kafka.auth: a listener for TLS or SASL does not answer a client that speaks neither, "
    "and a client that waits for a login"
)
_TLS_EXPECTED = (
    "set kafka.tls.enabled: true, and kafka.tls.ca_file where an authority of your own signed the brokers' "
    "certificates; or use the port of a listener without TLS"
)
_REACH = (
    "correct advertised.listeners of the brokers, or open the way to these addresses: the connector connects to "
    "them, not only to kafka.bootstrap_servers"
)


def login(world: World) -> Iterator[Finding]:
    """The brokers let this principal in, and tell which topics there are."""
    try:
        cluster = world.reader.cluster(ANSWERED_WITHIN)
    except NotConfigured as error:
        yield failed("no-aws-credentials", str(error), "see AWS credentials below", Exit.REFUSED)
        return
    except Refused as error:
        yield failed("login-refused", f"{error.code}: {error.detail}", error.advice, Exit.REFUSED)
        return
    except Unavailable as error:
        yield _silent(world, str(error))
        return
    if cluster is None:  # only where the wait was given up
        return
    world.known = existing(cluster.topics)
    world.advertised = tuple(f"{broker.host}:{broker.port}" for broker in cluster.brokers.values())
    auth = world.loaded.config.kafka.auth
    how = "without a login" if isinstance(auth, NoAuth) else f"with kafka.auth of type {auth.type}"
    count = len(cluster.brokers)
    yield ok(f"{count} broker{'' if count == 1 else 's'} let this client in, {how}")


def _silent(world: World, why: str) -> Finding:
    """Nobody answered. A listener for TLS hangs up on a client without it, and the client cannot tell why."""
    kafka = world.loaded.config.kafka
    secured = () if kafka.uses_tls else speak_tls(kafka.bootstrap_servers)
    if not secured:
        return failed("no-answer", why, _NO_ANSWER)
    found = f"{', '.join(secured)} expect{'s' if len(secured) == 1 else ''} TLS, and kafka.tls is not enabled"
    return failed("tls-expected", found, _TLS_EXPECTED, Exit.REFUSED)


def advertised_names(world: World) -> Iterator[Finding]:
    """The names and addresses that the brokers advertise lead to them."""
    hosts = {server: address_of(server)[0] for server in world.advertised}
    unknown = unresolvable(set(hosts.values()))
    if unknown:
        advice = "what is in kafka.bootstrap_servers is only asked first: the records come from the advertised names"
        every = len(unknown) == len(set(hosts.values()))
        yield (failed if every else warning)("unresolved-advertised-name", advertised(unknown), advice)
    tried = dial_all([server for server, host in hosts.items() if host not in unknown])
    yield from judged(tried, "unreachable-advertised-address", _REACH)
