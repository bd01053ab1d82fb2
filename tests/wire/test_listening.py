"""What ``server.host`` means, in a network of its own: nothing here listens where another machine could reach it."""

import errno
import socket
import subprocess
import sys

import pytest

from connector import listening
from connector.listening import listen

UP = """
import errno, fcntl, socket, struct, sys, urllib.request
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, struct.pack("16sh", b"lo", 0x49))
"""
ASK = """
from connector.metrics import Metrics
from connector.server import Health, Server

def answers(host):
    health = lambda: Health(True, "well")
    server = Server(host, 0, Metrics().registry, health, health)
    for address in ("127.0.0.1", "[::1]"):
        try:
            yield urllib.request.urlopen(f"http://{address}:{server.port}/livez", timeout=10).status
        except OSError:
            yield None
    server.close()

print(*answers(sys.argv[1]))
"""
WITHOUT_IPV6 = """
class Socket(socket.socket):
    def __init__(self, family=-1, *others, **named):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *others, **named)

socket.socket = Socket
"""
OWN_NETWORK = ["unshare", "--map-root-user", "--net"]


def in_a_network_of_its_own(script: str, host: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*OWN_NETWORK, sys.executable, "-c", script, host], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module", autouse=True)
def _own_network() -> None:
    try:
        up = in_a_network_of_its_own(UP, "")
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if up.returncode:
        pytest.skip("this user may not make a network of its own")


@pytest.mark.parametrize(
    ("host", "said"),
    [("*", "200 200"), ("::", "200 200"), ("0.0.0.0", "200 None"), ("127.0.0.1", "200 None"), ("::1", "None 200")],  # noqa: S104
)
def test_a_host_listens_on_the_addresses_that_it_names(host: str, said: str) -> None:
    answered = in_a_network_of_its_own(UP + ASK, host)
    assert answered.stdout.strip() == said, answered.stderr


def test_the_default_works_on_a_machine_without_ipv6() -> None:
    answered = in_a_network_of_its_own(UP + WITHOUT_IPV6 + ASK, "*")
    assert answered.stdout.strip() == "200 None", answered.stderr
    assert "Address family not supported" in in_a_network_of_its_own(UP + WITHOUT_IPV6 + ASK, "::").stderr


def test_a_name_with_addresses_of_both_kinds_listens_on_the_first_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0)),  # kept for documents: nobody's
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    opened = listen("name", 0)
    assert opened.getsockname()[0] == "127.0.0.1"
    opened.close()


def test_a_taken_port_is_an_error_and_no_reason_to_listen_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def taken(place: tuple[object, object]) -> socket.socket:
        tried.append(place)
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(listening, "_bound", taken)
    with pytest.raises(OSError, match="in use"):
        listen("*", 8080)
    assert tried == [(socket.AF_INET6, ("::", 8080))]
