"""AWS Signature Version 4 for one endpoint, with all that stays the same between calls worked out once.

botocore's signer takes any request and costs a hundred microseconds; here method, path and headers are always the same,
and what is left is one hash of the body and three rounds of HMAC. A test holds every signature equal to botocore's.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
CONTENT_TYPE = "application/json"


class Keys(NamedTuple):
    """Frozen AWS credentials; ``token`` is that of a session, None for a user's own keys."""

    access: str
    secret: str
    token: str | None = None


class Signer:
    """Signs POST requests with a JSON body to one URL.

    Args:
        url: where the requests go.
        service: signing name of the service.
        region: AWS region.
    """

    def __init__(self, url: str, service: str, region: str) -> None:
        parts = urlsplit(url)
        self.path = quote(parts.path or "/", safe="/-_.~")
        self._host = _host(parts.scheme, parts.hostname or "", parts.port)
        self._scope = f"{region}/{service}/aws4_request"
        self._region, self._service = region, service
        self._key: tuple[str, str, bytes] = ("", "", b"")  # of which secret, of which day

    def headers(self, keys: Keys, body: bytes, now: float) -> dict[str, str]:
        """Content type, date, token and authorization for a body at a time.

        Args:
            keys: to sign with.
            body: what will be sent, to the byte.
            now: Unix seconds; AWS takes signatures of up to five minutes ago.
        """
        stamp = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
        signed = "content-type;host;x-amz-date"
        canonical = f"content-type:{CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{stamp}\n"
        if keys.token is not None:
            signed += ";x-amz-security-token"
            canonical += f"x-amz-security-token:{keys.token}\n"
        request = f"POST\n{self.path}\n\n{canonical}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{stamp[:8]}/{self._scope}"
        text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._day_key(keys.secret, stamp[:8]), text.encode(), "sha256").hex()
        headers = {
            "Content-Type": CONTENT_TYPE,
            "X-Amz-Date": stamp,
            "Authorization": f"{ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={signed}, "
            f"Signature={signature}",
        }
        if keys.token is not None:
            headers["X-Amz-Security-Token"] = keys.token
        return headers

    def _day_key(self, secret: str, day: str) -> bytes:
        if self._key[:2] != (secret, day):
            key = ("AWS4" + secret).encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (secret, day, key)
        return self._key[2]


def _host(scheme: str, host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    return host if port in {None, default} else f"{host}:{port}"
