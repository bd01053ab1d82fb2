"""Names, connections and TLS of `kafka.bootstrap_servers`, before the client is asked: it cannot tell these apart."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from connector.checks.finding import Finding, failed, ok, warning
from connector.checks.world import World
from connector.exits import Exit
from connector.kafka.advertised import unresolvable
from connector.kafka.certificates import expires
from connector.kafka.dialing import Dialled, address_of, dial_all
from connector.registry.certificates import context_of

SOON = 14 * 86_400.0  # seconds before a certificate expires, from which on that is a warning
_NAMES = "correct kafka.bootstrap_servers, or make the name known here (DNS, /etc/hosts, hostAliases of the pod)"
_WAY = "check the port in kafka.bootstrap_servers, that the broker runs, and firewalls and network policies on the way"


def names(world: World) -> Iterator[Finding]:
    """Each host of `kafka.bootstrap_servers` has an address."""
    hosts = list(dict.fromkeys(address_of(server)[0] for server in world.loaded.config.kafka.bootstrap_servers))
    unknown = set(unresolvable(hosts))
    for host in hosts:
        if host not in unknown:
            yield ok(f"{host} has an address")
        elif len(unknown) == len(hosts):
            yield failed("unresolved-name", f"{host} of kafka.bootstrap_servers does not resolve here", _NAMES)
        else:
            yield warning("unresolved-name", f"{host} of kafka.bootstrap_servers does not resolve here", _NAMES)


def connections(world: World) -> Iterator[Finding]:
    """Each bootstrap server accepts connections, or at least one does."""
    yield from judged(dial_all(world.loaded.config.kafka.bootstrap_servers), "unreachable-broker", _WAY)


def judged(found: dict[str, Dialled], code: str, advice: str) -> Iterator[Finding]:
    """A failure where no address can be reached, a warning for some."""
    down = [server for server, dialled in found.items() if dialled.trouble is not None]
    for server, dialled in found.items():
        if dialled.trouble is None:
            yield ok(f"{server} accepts connections")
        elif len(down) == len(found):
            yield failed(code, dialled.trouble.detail, advice)
        else:
            yield warning(code, dialled.trouble.detail, advice)


def encryption(world: World) -> Iterator[Finding]:
    """The brokers' certificates are trusted, of the right name, and last; so does the client's own."""
    kafka = world.loaded.config.kafka
    if not kafka.uses_tls:
        yield ok("not used: records, and passwords of SASL PLAIN, travel in clear")
        return
    try:
        context = context_of(kafka.tls)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        yield failed("bad-tls", f"the files of kafka.tls cannot be used: {why}", "replace them", Exit.BAD_FILE)
        return
    # librdkafka does not check certificates as strictly as newer versions of Python do.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    now = world.environment.wall()
    tried = dial_all(kafka.bootstrap_servers, context)
    reached = {server: each for server, each in tried.items() if not _away(each)}
    final = all(each.trouble is not None for each in tried.values())
    for server, dialled in (reached or tried).items():
        yield _certificate(server, dialled, now, final=final)
    yield from _own(kafka.tls.cert_file, now)


def _away(dialled: Dialled) -> bool:
    """Whether there was no connection at all, which another category says."""
    return dialled.trouble is not None and dialled.trouble.code != "SSLError"


def _certificate(server: str, dialled: Dialled, now: float, *, final: bool) -> Finding:
    trouble = dialled.trouble
    if trouble is None:
        return _lasting(f"the certificate of {server}", dialled.expires, now)
    if trouble.timed_out:  # it may speak TLS or not: it says nothing at all
        return failed("no-answer", trouble.detail, _SILENT) if final else warning("no-answer", trouble.detail, _SILENT)
    code, advice = ("untrusted-certificate", _TRUST) if trouble.untrusted else ("no-tls", _NO_TLS)
    return failed(code, trouble.detail, advice, Exit.REFUSED) if final else warning(code, trouble.detail, advice)


_SILENT = "look at the broker, and at what stands between: it takes connections, and does not answer on them"
_TRUST = (
    "set kafka.tls.ca_file to the certificate of the authority that signed it; a name mismatch needs an address that "
    "the certificate has, and an expired one needs replacing at the broker"
)
_NO_TLS = "this listener does not speak TLS: use the port of one that does, or set kafka.tls.enabled: false"


def _own(path: str | None, now: float) -> Iterator[Finding]:
    if path is None:
        return
    try:
        ends = expires(Path(path).read_bytes())
    except OSError:
        ends = None
    seconds = None if ends is None else ends.timestamp()
    if seconds is not None and seconds <= now:
        advice = "replace kafka.tls.cert_file and key_file: brokers refuse it"
        yield failed("expired-certificate", "the certificate in kafka.tls.cert_file has expired", advice, Exit.REFUSED)
    else:
        yield _lasting("the certificate in kafka.tls.cert_file", seconds, now)


def _lasting(whose: str, expires_at: float | None, now: float) -> Finding:
    if expires_at is None:
        return ok(f"{whose} is accepted")
    left = expires_at - now
    days = f"{left / 86_400:.0f} days" if left >= 2 * 86_400 else f"{left / 3600:.0f} hours"
    if left < SOON:
        return warning("certificate-expires", f"{whose} expires in {days}", "replace it before that")
    return ok(f"{whose} is valid for {days}")
