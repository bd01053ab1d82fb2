"""Why there was no response, in words: which host, and what kind of failure.

Codes are botocore's, because people search for those. Kinds: dns, refused, unreachable, timeout, tls, proxy, closed.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_TLS_REASON = re.compile(r"[A-Z0-9_]{1,60}")


class CallFailed(Exception):
    """There is no response, and whether the server acted on the request is unknown.

    ``code`` is botocore's, ``detail`` names kind and host. ``untrusted``: its certificate is not trusted.
    """

    def __init__(self, code: str, detail: str, *, timed_out: bool = False, untrusted: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.timed_out = timed_out
        self.untrusted = untrusted


def closed(where: str, why: str = "closed the connection before it had answered") -> CallFailed:
    """The connection was closed before a response came."""
    return CallFailed("ConnectionClosedError", f"closed: {where} {why}")


def late(where: str, seconds: float) -> CallFailed:
    """The response did not come in time."""
    return CallFailed("ReadTimeoutError", f"timeout: no answer from {where} within {seconds:g} s", timed_out=True)


def not_connected(where: str, seconds: float) -> CallFailed:
    """No connection was made in time."""
    said = f"timeout: no connection to {where} within {seconds:g} s"
    return CallFailed("ConnectTimeoutError", said, timed_out=True)


def no_handshake(where: str, seconds: float) -> CallFailed:
    """There is a connection, and no answer to the first word of TLS on it."""
    said = f"timeout: {where} takes connections, and answers no TLS handshake within {seconds:g} s"
    return CallFailed("ConnectTimeoutError", said, timed_out=True)


def tunnel_refused(proxy: str, target: str, status: int) -> CallFailed:
    """The proxy responded, but refused to connect."""
    advice = "; check its user and password" if status == 407 else ""
    return CallFailed("ProxyConnectionError", f"proxy: {proxy} answered {status} to CONNECT {target}{advice}")


def connecting(error: OSError, where: str) -> CallFailed:
    """What went wrong while connecting to ``where``, a host and its port."""
    certificate = untrusted(error)
    if certificate is not None:
        said = f"tls: the certificate of {where} is not trusted ({verdict(certificate)})"
        return CallFailed("SSLError", said, untrusted=True)
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""
        reason = reason if _TLS_REASON.fullmatch(reason) else "no reason given"
        return CallFailed("SSLError", f"tls: no TLS with {where} ({reason})")
    if isinstance(error, socket.gaierror):
        return CallFailed("EndpointConnectionError", f"dns: no address for {where}")
    return CallFailed("EndpointConnectionError", _unreachable(error, where))


def _unreachable(error: OSError, where: str) -> str:
    numbers = _numbers(error)
    if numbers == {errno.ECONNREFUSED}:
        return f"refused: {where} takes no connections"
    if numbers & {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE}:
        return f"closed: {where} closed the connection while it was made"
    names = ", ".join(sorted(errno.errorcode.get(number, str(number)) for number in numbers))
    return f"unreachable: no connection to {where} ({names or type(error).__name__})"


def _numbers(error: OSError) -> set[int]:
    """The error numbers. For a name with several addresses asyncio raises one error that only quotes them."""
    if error.errno is not None:
        return {error.errno}
    if isinstance(error, ConnectionResetError):
        return {errno.ECONNRESET}
    return {int(number) for number in _ERRNO.findall(str(error))}


def untrusted(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The failed verification of a certificate, however deep libraries have wrapped it."""
    return next((each for each in chain(error) if isinstance(each, ssl.SSLCertVerificationError)), None)


def code_of(error: ClientError) -> str:
    """The code of an AWS error response; empty for any other page, such as a proxy's.

    Where a response names no error, botocore uses the status as its code.
    """
    details: Any = error.response
    code = str(details.get("Error", {}).get("Code", ""))
    status = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return "" if code.isdigit() or status < 400 else code


def verdict(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with the certificate, in OpenSSL's words."""
    return str(getattr(error, "verify_message", "")) or "no reason given"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps, however deep."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        kwargs = getattr(each, "kwargs", {})  # where botocore keeps what it wraps
        inner = [each.__cause__, each.__context__, kwargs.get("error"), getattr(each, "reason", None), *each.args]
        waiting += [one for one in inner if isinstance(one, BaseException)]
