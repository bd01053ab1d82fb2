"""The certificates of `schema_registry.tls`, read again when a file has changed.

Mounted secrets are replaced while the process runs. A connection is rare here, so the files are looked at for each.
"""

import hashlib
import ssl
from pathlib import Path

import structlog

from connector.config.tls import CertificateFiles

log = structlog.get_logger()


class Certificates:
    """What to trust, and what to show.

    Args:
        tls: the section of the file.

    Raises:
        ssl.SSLError, OSError: the files cannot be used; they could when the file was checked.
    """

    def __init__(self, tls: CertificateFiles) -> None:
        self._tls = tls
        self._digest = self._content()
        self._context = context_of(tls)

    def context(self) -> ssl.SSLContext:
        """The context of the files as they are now; the one before where they do not fit together."""
        digest = self._content()
        if digest == self._digest:
            return self._context
        self._digest = digest  # what does not fit is reported once, and looked at again when it changes
        tls = self._tls.reread()
        context = None if tls is None else _fitting(tls)
        if tls is None or context is None:
            log.warning(
                "the files of schema_registry.tls have changed and do not fit together: the old ones stay in use "
                "until they do"
            )
        else:
            self._tls, self._context = tls, context
            log.info("the certificates for the schema registry have changed: new connections use them")
        return self._context

    def _content(self) -> bytes:
        digest = hashlib.sha256()
        for path in (*self._tls.files.values(), *self._tls.references.values()):
            try:
                content = Path(path).read_bytes()
            except OSError:
                content = b""
            digest.update(b"%d:" % len(content) + content)
        return digest.digest()


def _fitting(tls: CertificateFiles) -> ssl.SSLContext | None:
    try:
        return context_of(tls)
    except (OSError, ValueError):
        return None


def context_of(tls: CertificateFiles) -> ssl.SSLContext:
    """What the files mean for a connection; raises ssl.SSLError or OSError where they cannot be used."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        # Without a password OpenSSL would ask for one at the terminal.
        password = "" if tls.key_password is None else tls.key_password.get_secret_value()
        context.load_cert_chain(tls.cert_file, tls.key_file, password)
    return context
