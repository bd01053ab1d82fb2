"""Files of certificates: what brokers and registries are checked against, and what they know this process by."""

from connector.config.scalars import OptionalSecret, OptionalText
from connector.config.section import Rereadable


class CertificateFiles(Rereadable):
    """Encryption with TLS. Certificates are always verified."""

    ca_file: OptionalText = None
    """Path of the PEM file with the authorities to trust; unless set, those of the system."""
    cert_file: OptionalText = None
    """Path of the PEM file with the client's certificate chain; goes with `key_file`."""
    key_file: OptionalText = None
    """Path of the PEM file with the client's private key; goes with `cert_file`."""
    key_password: OptionalSecret = None
    """Password of the private key, where it has one."""

    @property
    def files(self) -> dict[str, str]:
        """The paths that are set, by the key that sets them."""
        paths = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        return {key: path for key, path in paths.items() if path is not None}
