"""AWS Signature Version 4 for one endpoint. Whatever is the same for every call is computed once.

botocore's signer takes any request and costs a hundred microseconds. Here method, path and headers are always the same,
and all but the body's hash is the same for a second, which leaves that hash, the end of two others, and the signature.
A test compares every signature with botocore's.

Nothing here releases the GIL. Hashing more than two kilobytes at once would, and so would every ``hmac.digest``; beside
a busy thread, getting the GIL back takes milliseconds.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
CONTENT_TYPE = "application/json"
PIECE = 2_000  # bytes; hashing 2,048 or more at once releases the GIL
BLOCK = 64  # bytes; the block size of SHA-256


class Keys(NamedTuple):
    """Frozen AWS credentials. ``token`` is the session token; None for long-term keys."""

    access: str
    secret: str
    token: str | None = None


class Moment(NamedTuple):
    """What is the same for all calls of one second with the same keys.

    ``request`` and ``text`` are hashed up to the first byte that differs; ``before`` and ``after`` stand around the
    signature in the header lines.
    """

    second: int
    keys: Keys
    request: "hashlib._Hash"
    text: "Hmac"
    before: bytes
    after: bytes


class Signer:
    """Signs POST requests with a JSON body to one URL.

    Args:
        url: the URL that is posted to.
        service: signing name of the service.
        region: AWS region.
    """

    def __init__(self, url: str, service: str, region: str) -> None:
        parts = urlsplit(url)
        self.path = quote(parts.path or "/", safe="/-_.~")
        self._host = _host(parts.scheme, parts.hostname or "", parts.port)
        self._scope = f"{region}/{service}/aws4_request"
        self._region, self._service = region, service
        self._key = ("", "", Hmac.of(b""))  # the secret and the day that the key was derived from
        self._moment: Moment | None = None

    def lines(self, keys: Keys, body: bytes, now: float) -> bytes:
        """The header lines for one body: content type, date, authorization and token.

        Args:
            keys: the credentials to sign with.
            body: exactly the bytes that will be sent.
            now: Unix seconds; AWS accepts signatures that are at most five minutes old.
        """
        moment = self._moment
        if moment is None or moment.second != int(now) or moment.keys != keys:
            moment = self._moment = self._at(int(now), keys)
        request = moment.request.copy()
        request.update(_digest(body))
        return moment.before + moment.text.sign(request.hexdigest().encode()) + moment.after

    def _at(self, second: int, keys: Keys) -> Moment:
        stamp = f"{datetime.fromtimestamp(second, UTC):%Y%m%dT%H%M%SZ}"
        signed = "content-type;host;x-amz-date"
        canonical = f"content-type:{CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{stamp}\n"
        if keys.token is not None:
            signed += ";x-amz-security-token"
            canonical += f"x-amz-security-token:{keys.token}\n"
        scope = f"{stamp[:8]}/{self._scope}"
        before = (
            f"Content-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {stamp}\r\n"
            f"Authorization: {ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={signed}, Signature="
        )
        after = "\r\n" if keys.token is None else f"\r\nX-Amz-Security-Token: {keys.token}\r\n"
        return Moment(
            second,
            keys,
            hashlib.sha256(f"POST\n{self.path}\n\n{canonical}\n{signed}\n".encode()),
            self._day_key(keys.secret, stamp[:8]).begun(f"{ALGORITHM}\n{stamp}\n{scope}\n".encode()),
            before.encode(),
            after.encode(),
        )

    def _day_key(self, secret: str, day: str) -> "Hmac":
        if self._key[:2] != (secret, day):
            key = ("AWS4" + secret).encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (secret, day, Hmac.of(key))
        return self._key[2]


class Hmac:
    """HMAC-SHA256 (RFC 2104) with one key of at most ``BLOCK`` bytes; takes a third of ``hmac.digest``'s time."""

    def __init__(self, inner: "hashlib._Hash", outer: "hashlib._Hash") -> None:
        self._inner = inner
        self._outer = outer

    @classmethod
    def of(cls, key: bytes) -> Self:
        """With this key."""
        padded = key.ljust(BLOCK, b"\0")
        return cls(*(hashlib.sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C)))

    def begun(self, text: bytes) -> "Hmac":
        """One that has this text before each text that it signs."""
        inner = self._inner.copy()
        inner.update(text)
        return Hmac(inner, self._outer)

    def sign(self, text: bytes) -> bytes:
        """The signature, in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest().encode()


def _digest(content: bytes) -> bytes:
    """The hash of the content, in hexadecimal."""
    hashed = hashlib.sha256(content[:PIECE])
    for start in range(PIECE, len(content), PIECE):
        hashed.update(content[start : start + PIECE])
    return hashed.hexdigest().encode()


def _host(scheme: str, host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    return host if port in {None, default} else f"{host}:{port}"
