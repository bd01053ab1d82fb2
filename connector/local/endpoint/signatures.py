"""Checks that a request is signed for this service and for now, and who signed it where the key is known.

Without credentials any key is accepted and only the structure is checked: that finds an unsigned request, a wrong
signing name and a wrong clock. With credentials the signature is computed from the request, as Signature Version 4
describes it. Codes, words and the five minutes are AWS's, from its documentation and from users' reports. No message
quotes a key or a signature.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from connector.local.endpoint.errors import ServiceError
from connector.local.endpoint.exchange import Headers, Request

SIGNING_NAME = "personalize"
MAX_SKEW_SECONDS = 300

_AUTHORIZATION = re.compile(
    rb"AWS4-HMAC-SHA256\s+Credential=([^\s,]+)\s*,\s*SignedHeaders=([^\s,]+)\s*,\s*Signature=([0-9a-f]{64})\s*"
)
_BAD_DATE = "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601"
_WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


class Scope(NamedTuple):
    """The parts of ``Credential=``: the access key, and the day, region and service that the signature is for."""

    access_key: str
    date: str
    region: str
    service: str


def _incomplete(message: str) -> ServiceError:
    return ServiceError("IncompleteSignatureException", message)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message)


@lru_cache(maxsize=256)
def _scope(credential: bytes) -> Scope:
    # Some tools generate access keys with slashes; the scope never has any.
    parts = credential.decode("latin-1").rsplit("/", 4)
    if len(parts) != 5 or not all(parts):
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
        )
    access_key, date, region, service, terminator = parts
    if service != SIGNING_NAME:
        raise _invalid(f"Credential should be scoped to correct service: '{SIGNING_NAME}'.")
    if terminator != "aws4_request":
        raise _invalid("Credential should be scoped with a valid terminator: 'aws4_request'.")
    return Scope(access_key, date, region, service)


@lru_cache(maxsize=256)
def _seconds(amz_date: bytes) -> int:
    """Seconds since the epoch of a time like 20261124T083011Z."""
    text = amz_date.decode("latin-1")
    if not _AMZ_DATE.fullmatch(text):
        raise _incomplete(_BAD_DATE)
    fields = (text[0:4], text[4:6], text[6:8], text[9:11], text[11:13], text[13:15])
    try:
        return calendar.timegm((*map(int, fields), 0, 0, 0))
    except (ValueError, OverflowError):
        raise _incomplete(_BAD_DATE) from None


def _check_time(scope: Scope, amz_date: bytes, now: float) -> None:
    then = _seconds(amz_date)
    signed = amz_date.decode("latin-1")
    if scope.date != signed[:8]:
        said = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{signed}'."
        raise _invalid(said)
    earliest, latest = now - MAX_SKEW_SECONDS, now + MAX_SKEW_SECONDS
    if then < earliest:
        raise _invalid(f"Signature expired: {signed} is now earlier than {_text(earliest)} ({_text(now)} - 5 min.)")
    if then > latest:
        raise _invalid(
            f"Signature not yet current: {signed} is still later than {_text(latest)} ({_text(now)} + 5 min.)"
        )


def _text(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


@lru_cache(maxsize=256)
def _signing_key(secret_key: str, scope: Scope) -> bytes:
    """The key of one day, region and service: five hashes, once a day instead of once a call."""
    key = b"AWS4" + secret_key.encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode("latin-1"), "sha256")
    return key


@lru_cache(maxsize=256)
def _canonical_target(target: bytes) -> bytes:
    """Path and query as they are signed: the path encoded once more, the query sorted."""
    path, _, query = target.partition(b"?")
    pairs = sorted(
        tuple(quote(unquote_to_bytes(part), safe="-_.~") for part in (name, value))
        for name, _, value in (pair.partition(b"=") for pair in query.split(b"&") if pair)
    )
    return f"{quote(path, safe='/-_.~')}\n{'&'.join(f'{name}={value}' for name, value in pairs)}".encode()


def _canonical_headers(names: bytes, headers: Headers) -> bytes:
    lines = []
    for name in names.split(b";"):
        value = headers.get(name)
        if value is None:
            raise _invalid(_WRONG)
        lines.append(name + b":" + b" ".join(value.split()) + b"\n")
    return b"".join(lines)


def signature_of(request: Request, secret_key: str, scope: Scope, signed: bytes) -> str:
    """The signature, in hexadecimal, that the owner of ``secret_key`` would have put on this request.

    ``signed`` names the signed headers, separated by semicolons.
    """
    canonical = b"\n".join(
        (
            request.method,
            _canonical_target(request.target),
            _canonical_headers(signed, request.headers),
            signed,
            hashlib.sha256(request.body).hexdigest().encode(),
        )
    )
    digest = hashlib.sha256(canonical).hexdigest()
    where = f"{scope.date}/{scope.region}/{scope.service}/aws4_request"
    amz_date = request.headers[b"x-amz-date"].decode("latin-1")
    to_sign = f"AWS4-HMAC-SHA256\n{amz_date}\n{where}\n{digest}".encode("latin-1")
    return hmac.digest(_signing_key(secret_key, scope), to_sign, "sha256").hex()


def _lacking(authorization: bytes) -> str:
    if not authorization.startswith(b"AWS4-HMAC-SHA256"):
        return "Unsupported 'Authorization' header: expected the algorithm AWS4-HMAC-SHA256."
    parts = ("Credential", "Signature", "SignedHeaders")
    missing = [part for part in parts if f"{part}=".encode() not in authorization]
    said = [f"Authorization header requires '{part}' parameter." for part in missing]
    return " ".join(said) or "Authorization header is not of the form Credential=, SignedHeaders=, Signature=."


def check_signature(request: Request, now: float, credentials: Mapping[str, str] | None) -> str:
    """The access key that signed the request; ``now`` in seconds since the epoch.

    ``credentials`` maps access keys to secret keys; None accepts any key and does not compute the signature.

    Raises:
        ServiceError: 403 with the code that AWS gives for what is wrong.
    """
    headers = request.headers
    authorization = headers.get(b"authorization")
    if not authorization:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise _incomplete(_lacking(authorization))
    amz_date = headers.get(b"x-amz-date")
    if amz_date is None:
        raise _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    credential, signed, given = match.groups()
    scope = _scope(credential)
    _check_time(scope, amz_date, now)
    if not {b"host", b"x-amz-date"}.issubset(signed.split(b";")):
        raise _invalid("'Host' and 'X-Amz-Date' must be 'SignedHeaders' in the AWS Authorization.")
    if credentials is not None:
        secret_key = credentials.get(scope.access_key)
        if secret_key is None:
            raise ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")
        expected = signature_of(request, secret_key, scope, signed)
        if not hmac.compare_digest(expected.encode(), given):
            raise _invalid(_WRONG)
    return scope.access_key
