"""Reads the date on which a certificate expires, which the standard library does not offer.

Only the part of the DER encoding before that date is parsed. If it cannot be parsed, the answer is None.
"""

import base64
import re
from datetime import UTC, datetime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x17, 0x18, 0xA0


def expires(pem: bytes) -> datetime | None:
    """The end of validity of the first certificate in a PEM file; None if it cannot be read."""
    found = _PEM.search(pem)
    try:
        return None if found is None else _not_after(base64.b64decode(found[1]))
    except (ValueError, IndexError):
        return None


def _not_after(der: bytes) -> datetime | None:
    _, certificate, _ = _element(der)
    _, signed, _ = _element(certificate)
    if signed[0] == _VERSION:
        _, _, signed = _element(signed)
    for _ in ("serial number", "algorithm", "issuer"):
        _, _, signed = _element(signed)
    _, validity, _ = _element(signed)
    _, _, rest = _element(validity)
    kind, content, _ = _element(rest)
    text = content.decode("ascii")
    if kind == _UTC_TIME:  # of two digits for the year, those from 50 on are of the last century (RFC 5280)
        text = ("19" if text >= "50" else "20") + text
    elif kind != _GENERALIZED_TIME:
        return None
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, and what follows it."""
    length, start = der[1], 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(der[2:start])
    if start + length > len(der):
        raise ValueError("cut off")
    return der[0], der[start : start + length], der[start + length :]
