"""Where requests go: host, port and TLS of one URL, and the proxy in between."""

import base64
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Origin(NamedTuple):
    """Host and port that requests go to, and the proxy in between.

    ``tls`` is None for plain http. ``proxy`` is an http or https URL; it may hold a user and a password.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: str | None = None

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def where(self) -> str:
        """Host and port for messages, with the proxy in between; never a user or a password."""
        there = _address(self.host, self.port)
        return there if self.proxy is None else f"{there} (by way of the proxy {self.way})"

    @property
    def way(self) -> str:
        """The proxy's host and port, for people."""
        return _address(*proxy_address(self.proxy or ""))

    def head(self, path: str, headers: Mapping[str, str]) -> bytes:
        """The start of a request, which is the same for every call; more headers may follow."""
        # TLS goes through a tunnel (CONNECT). For plain http the proxy needs the whole URL and its credentials here.
        plain = self.proxy is not None and self.tls is None
        target = f"http://{self.authority}{path}" if plain else path
        lines = [f"POST {target} HTTP/1.1", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        credentials = proxy_authorization(self.proxy) if plain and self.proxy else ""
        return ("\r\n".join(lines) + "\r\n" + credentials).encode()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def proxy_address(proxy: str) -> tuple[str, int]:
    """Host and port of a proxy's URL."""
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def proxy_authorization(proxy: str) -> str:
    """The header line with the proxy's user and password; empty where its URL has none."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
