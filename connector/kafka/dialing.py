"""Opens a connection to one address, as far as TLS, and closes it: the client reports only that all of them failed.

The words are those of aws/failures.py, which name the kind of failure first: dns, refused, unreachable, timeout, tls.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from connector.aws import failures
from connector.aws.failures import CallFailed
from connector.kafka.aside import Aside

DEFAULT_PORT = 9092  # librdkafka's
SECONDS = 3.0  # for one connection
MOST = 50  # addresses that are tried

_T = TypeVar("_T")


class Dialled(NamedTuple):
    """How it went: ``trouble`` is None where there was a connection.

    ``expires``: when the certificate of the other side does, in Unix seconds; None without TLS.
    """

    trouble: CallFailed | None = None
    expires: float | None = None


def address_of(server: str) -> tuple[str, int]:
    """Host and port of an address as ``bootstrap_servers`` has it."""
    plain = re.sub(r"^.*://", "", server.strip())
    host, _, port = plain.rpartition(":")
    if not host or not port.isdigit():  # without a port, or an IPv6 address in brackets alone
        return plain.strip("[]"), DEFAULT_PORT
    return host.strip("[]"), int(port)


def dial(host: str, port: int, tls: ssl.SSLContext | None = None, seconds: float = SECONDS) -> Dialled:
    """Connect, and with ``tls`` make the handshake. Never raises for what a network can do."""
    connected = False
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=seconds) as plain:
            if tls is None:
                return Dialled()
            connected = True
            with tls.wrap_socket(plain, server_hostname=host) as secured:
                ends = (secured.getpeercert() or {}).get("notAfter")
                return Dialled(None, ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None)
    except TimeoutError:
        return Dialled((failures.no_handshake if connected else failures.not_connected)(where, seconds))
    except OSError as error:
        return Dialled(failures.connecting(error, where))
    except UnicodeError:  # a label of the name is empty or too long
        return Dialled(failures.connecting(socket.gaierror(), where))


def at_once(questions: Mapping[str, Callable[[], _T]], seconds: float) -> Mapping[str, _T]:
    """The answers to the first ``MOST`` questions, asked side by side; without those that take longer."""
    asides: dict[str, Aside[_T]] = {name: Aside() for name in list(questions)[:MOST]}
    for name, aside in asides.items():
        aside.ask(questions[name])
    until = time.monotonic() + seconds
    answered = [name for name, aside in asides.items() if aside.wait(until - time.monotonic())]
    return {name: found for name in answered if (found := asides[name].found) is not None}


def dial_all(servers: Sequence[str], tls: ssl.SSLContext | None = None, seconds: float = SECONDS) -> dict[str, Dialled]:
    """How it goes with each address, asked side by side. A name that is looked up for too long counts as late."""
    asked = {server: _dialling(server, tls, seconds) for server in servers[:MOST]}
    found = at_once(asked, 3 * seconds)  # several addresses of one name are tried one after another
    late = {server: Dialled(failures.not_connected(server, 3 * seconds)) for server in asked}
    return {**late, **found}


def speak_tls(servers: Sequence[str]) -> tuple[str, ...]:
    """The addresses at which TLS is spoken, whoever their certificates are of, and whether they ask for one of ours.

    A broker without TLS logs the try as a request of an impossible size, so ask only where something is wrong.
    """
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE  # no word of ours is sent on this connection
    return tuple(server for server, dialled in dial_all(servers, anybody).items() if _spoke_tls(dialled.trouble))


def _spoke_tls(trouble: CallFailed | None) -> bool:
    """Whether the other side made the handshake, or refused it in the words of TLS."""
    return trouble is None or (trouble.code == "SSLError" and "_ALERT_" in trouble.detail)


def _dialling(server: str, tls: ssl.SSLContext | None, seconds: float) -> Callable[[], Dialled]:
    return lambda: dial(*address_of(server), tls, seconds)
