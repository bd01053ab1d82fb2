"""Addresses as the file writes them: of brokers, of our own server, of URLs.

Nothing is resolved here: what cannot be an address is found, whether somebody answers there is not.
"""

import ipaddress
import re
from urllib.parse import urlsplit

ANY = "*"  # every address of the machine, IPv4 and IPv6

HIGHEST_PORT = 65535
USUAL_PORT = "9092"  # where librdkafka looks for a broker whose address has no port
_LABEL = r"[^\W_](?:[\w-]{0,61}\w)?"  # Docker and Windows have names with underscores, so they are allowed inside
_NAME = re.compile(rf"_?{_LABEL}(?:\._?{_LABEL})*\.?")
_LONGEST_NAME = 253
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_FORM = "expected host:port, such as broker-1:9092"


class AddressError(ValueError):
    """What is wrong with an address, without the address; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def server(text: str) -> str:
    """The address of a broker, unchanged; raises AddressError."""
    if not text.strip():
        raise AddressError(
            "expected the address of a broker, such as broker-1:9092, not an empty item", "remove a comma"
        )
    if _SCHEME.match(text):
        raise AddressError(
            f"{_FORM}, without a scheme", "remove the scheme; kafka.tls and kafka.auth say how to connect"
        )
    if "@" in text:
        raise AddressError(f"{_FORM}, without a user and a password", "write them in kafka.auth")
    has_port = ":" in text and not text.endswith("]")
    host, _, port = text.rpartition(":") if has_port else (text, "", USUAL_PORT)
    if ":" in host and not host.startswith("["):
        raise AddressError(f"{_FORM}, one address per item", "write an IPv6 address in brackets: [::1]:9092")
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise AddressError(f"{_FORM}: a port is a number from 1 to {HIGHEST_PORT}")
    if not _is_host(host):
        raise AddressError(f"{_FORM}: the part before the port is not a host name")
    return text


def listener(text: str) -> str:
    """Where to listen: ``*``, a host name, or an IP address, which loses its brackets; raises AddressError."""
    if text == ANY:
        return text
    if _SCHEME.match(text):
        raise AddressError("expected an address to listen on, not a URL", "write the port in server.port")
    bare = _without_brackets(text)
    if _is_host(text) or _is_ipv6(bare):
        return bare
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and (host == ANY or _is_host(host)):
        raise AddressError("expected an address to listen on, without a port", "write the port in server.port")
    raise AddressError('expected an address to listen on: "*" for all, an IP address, or a host name')


def url(text: str) -> str:
    """An http or https URL, unchanged; raises AddressError."""
    form = "expected a URL that starts with http:// or https:// and names a host"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressError(form) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or re.search(r"\s", text):
        raise AddressError(form)
    if "@" in parts.netloc:
        raise AddressError("expected a URL without a user and a password in it")
    return text


def endpoint(text: str) -> str:
    """The URL of a service: no query, no fragment; raises AddressError."""
    url(text)
    if "?" in text or "#" in text:
        raise AddressError("expected a URL without a query and a fragment", "remove ? or #, and what follows")
    return text


def registry(text: str) -> str:
    """The URL of a schema registry, unchanged; raises AddressError."""
    try:
        return endpoint(text)
    except AddressError as error:
        hint = (
            "write them in schema_registry.auth, of type basic" if "user and a password" in str(error) else error.hint
        )
        raise AddressError(str(error), hint) from None


def _without_brackets(text: str) -> str:
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    if text.startswith("["):
        return text.endswith("]") and _is_ipv6(text[1:-1])
    if re.fullmatch(r"[0-9.]+", text):
        return _is_ipv4(text)
    return len(text) <= _LONGEST_NAME and bool(_NAME.fullmatch(text))


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
