"""Where requests go: host, port and TLS of one URL, and the proxy in between."""

import base64
import os
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from botocore.httpsession import get_cert_path
from botocore.session import Session
from botocore.utils import get_environ_proxies

from connector.aws.credentials import NotConfigured


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


def origin_of(session: Session, url: str) -> Origin:
    """Where requests go, by boto3's own rules for certificates and proxies."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    bundle: Any = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True
    try:
        tls = ssl.create_default_context(cafile=get_cert_path(bundle)) if secure else None
    except OSError as error:
        raise NotConfigured(f"expected a bundle of certificates at {bundle} ({error.strerror})") from error
    port = parts.port or (443 if secure else 80)
    return Origin(parts.hostname or "", port, tls, _proxy(get_environ_proxies(url).get(parts.scheme)))


def _proxy(value: str | None) -> str | None:
    """The proxy of the environment as a URL. Without a scheme it means http, as in curl and botocore."""
    if not value:
        return None
    url = value if "://" in value else f"http://{value.removeprefix('//')}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if usable:
        return url
    raise NotConfigured("expected the proxy of the environment (HTTPS_PROXY, HTTP_PROXY) as http://host:port")
