"""A listening socket for ``server.host``: all addresses of the machine, IPv4 and IPv6, or just one.

``*`` works on a machine without IPv6, too: there it means all addresses of IPv4.
"""

import errno
import socket
from collections.abc import Iterator

BACKLOG = 128  # connections that wait to be accepted; 5, socketserver's own, makes a probe wait when many come at once
# What a machine says that has no IPv6, or not all of it.
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EADDRNOTAVAIL, errno.ENOPROTOOPT, errno.EINVAL}

_Place = tuple[socket.AddressFamily, tuple[object, ...]]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        OSError: the address is not this machine's, is taken, or is no address.
    """
    if host != "*":
        return _first(list(_places(host, port)))
    try:
        return _bound((socket.AF_INET6, ("::", port)))
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        return _bound((socket.AF_INET, ("0.0.0.0", port)))  # noqa: S104  a pod is probed and scraped from outside


def _places(host: str, port: int) -> Iterator[_Place]:
    """The addresses of a name, those of IPv4 first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in sorted(found, key=lambda each: each[0] != socket.AF_INET):
        yield family, address


def _first(places: list[_Place]) -> socket.socket:
    for place in places[:-1]:
        try:
            return _bound(place)
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
    return _bound(places[-1])


def _bound(place: _Place) -> socket.socket:
    family, address = place
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` is all addresses; what the system does unless told depends on net.ipv6.bindv6only.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened
