"""One request to a registry or a token service, by urllib3, and why there was no response, in words.

Requests are rare: each schema is fetched once. So nothing is kept between two of them but what costs a handshake, and
that only until nothing more is to be fetched. A redirect is never followed: it would take the credentials along.
"""

import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3
from botocore.utils import get_environ_proxies
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from connector import __version__
from connector.aws import failures
from connector.aws.failures import CallFailed
from connector.registry.answers import Away, Request
from connector.registry.certificates import Certificates

CONNECT_TIMEOUT: Final = 3.0  # seconds
TIMEOUT: Final = 10.0  # seconds for a whole response
MAX_RESPONSE: Final = 8 * 1024 * 1024  # bytes
_PIECE: Final = 64 * 1024
_HEADERS: Final = {
    "User-Agent": f"putevents-connector/{__version__}",
    "Accept": "application/vnd.schemaregistry.v1+json, application/json",
    "Accept-Encoding": "identity",
}


class Response(NamedTuple):
    """A response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Http:
    """Requests with one set of certificates.

    Args:
        certificates: what to trust, and what to show.
        clock: seconds of a monotonic clock.
        timeout: seconds that a response may take at most.
    """

    def __init__(self, certificates: Certificates, clock: Callable[[], float], timeout: float = TIMEOUT) -> None:
        self._certificates = certificates
        self._clock = clock
        self._timeout = timeout
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._context: ssl.SSLContext | None = None

    def get(self, url: str, headers: Mapping[str, str]) -> Response | Away:
        """GET; a response of any status, or why there is none."""
        return self._request("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], form: bytes) -> Response | Away:
        """POST a form, as token services want it."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", url, {**headers, **kind}, form)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        for pool in self._pools.values():
            pool.clear()
        self._pools.clear()

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response | Away:
        where, until = _where(url), self._clock() + self._timeout
        try:
            response = self._pool(url).request(
                method,
                url,
                body=body,
                headers={**_HEADERS, **headers},
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, self._timeout), read=self._timeout),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            return self._whole(response, where, until)
        except (HTTPError, OSError, ValueError) as error:  # urllib3 lets some of http.client's and ssl's pass
            return _no_response(error, where, self._timeout)

    def _whole(self, response: urllib3.BaseHTTPResponse, where: str, until: float) -> Response | Away:
        """The response with its content, as far as that comes in time and is no more than anybody needs."""
        content = bytearray()
        try:
            while piece := response.read1(_PIECE):
                content += piece
                if len(content) > MAX_RESPONSE:
                    response.close()
                    return Away(Request.GARBAGE, f"{where} sent more than {MAX_RESPONSE} bytes")
                if self._clock() > until:
                    response.close()
                    return Away(Request.TIMEOUT, failures.late(where, self._timeout).detail)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, headers, bytes(content))

    def _pool(self, url: str) -> urllib3.PoolManager:
        context = self._certificates.context()
        if context is not self._context:  # the files have changed: nothing that the old ones opened is used again
            self.close()
            self._context = context
        parts = urlsplit(url)
        proxy = get_environ_proxies(url).get(parts.scheme)
        if proxy not in self._pools:
            self._pools[proxy] = _manager(proxy, context)
        return self._pools[proxy]


def _manager(proxy: str | None, context: ssl.SSLContext) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(ssl_context=context)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=pair)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(address, proxy_headers=headers, ssl_context=context)


def _where(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _no_response(error: Exception, where: str, timeout: float) -> Away:
    inner = list(failures.chain(error))
    # urllib3 counts a refused connection among the time-outs.
    if any(isinstance(each, ConnectTimeoutError) and not isinstance(each, NewConnectionError) for each in inner):
        return _away(failures.not_connected(where, min(CONNECT_TIMEOUT, timeout)))
    if any(isinstance(each, ReadTimeoutError | TimeoutError) for each in inner):
        return _away(failures.late(where, timeout))
    for kind in (ssl.SSLError, socket.gaierror, OSError):
        found: Any = next((each for each in inner if isinstance(each, kind)), None)
        if found is not None:
            return _away(failures.connecting(found, where))
    return _away(failures.closed(where, f"closed the connection or does not speak HTTP ({type(error).__name__})"))


def _away(failed: CallFailed) -> Away:
    advice = ": check schema_registry.tls.ca_file, and the host in the URL" if failed.untrusted else ""
    return Away(Request.TIMEOUT if failed.timed_out else Request.CONNECTION, f"{failed.detail}{advice}")
