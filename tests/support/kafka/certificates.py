"""Certificates for tests: an authority, and what it signs; made anew each time, so that no key is in the repository."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_ENCODING, _FORMAT = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


class Pair(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """The paths of both, and beside them ``name``.pem with one below the other."""
        paths = folder / f"{name}.crt", folder / f"{name}.key"
        for path, content in zip(paths, self, strict=True):
            path.write_bytes(content)
        (folder / f"{name}.pem").write_bytes(self.key + self.certificate)
        return str(paths[0]), str(paths[1])


class Authority:
    """Signs certificates; ``certificate`` is its own, as PEM."""

    def __init__(self, name: str = "an authority for this test") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = datetime.now(UTC)
        builder = _builder(self._name, self._name, self._key, now - timedelta(days=1), now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(_ENCODING)

    def issue(self, name: str, *, expires: timedelta = timedelta(hours=1), password: str | None = None) -> Pair:
        """A certificate for the name, and for this machine under any name; ``expires`` may lie in the past."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(UTC) + expires
        builder = _builder(_named(name), self._name, key, until - timedelta(hours=3), until)
        here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(here), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        return Pair(
            builder.sign(self._key, hashes.SHA256()).public_bytes(_ENCODING),
            key.private_bytes(_ENCODING, _FORMAT, encryption),
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(ends)
