"""Checks of `schema_registry` over more than one setting: files that are there and fit, logins that stay secret."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from connector.config.checks import region, unreadable
from connector.config.located import Located
from connector.config.problems import Problem
from connector.config.regions import region_problem
from connector.config.registry import ConfluentRegistry, GlueRegistry, RegistryOidcAuth
from connector.config.tls import CertificateFiles
from connector.config.yaml_tree import Path

_SECTION: Path = ("schema_registry",)


def check_registry(registry: ConfluentRegistry | GlueRegistry, located: Located) -> Iterator[Problem]:
    """Everything about the section that its model cannot see."""
    if isinstance(registry, GlueRegistry):
        if registry.region is not None and registry.endpoint_url is None:
            found = region_problem(registry.region, personalize=False)
            yield from region((*_SECTION, "region"), found, located)
        return
    yield from _certificates(registry, located)
    yield from _in_the_clear(registry, located)


def _certificates(registry: ConfluentRegistry, located: Located) -> Iterator[Problem]:
    path: Path = (*_SECTION, "tls")
    tls = registry.tls
    if (tls.cert_file is None) != (tls.key_file is None):
        lacking = "key_file" if tls.key_file is None else "cert_file"
        yield located.at_key(path, "incomplete-tls", f"expected cert_file and key_file together: {lacking} is missing")
    if tls.files and not any(url.startswith("https:") for url in registry.url):
        message = "expected a URL that starts with https:// where tls has files"
        yield located.at_value((*_SECTION, "url"), "inconsistent", message, "write https://, or remove tls")
    missing = dict(unreadable(tls.files))
    for key, why in missing.items():
        yield located.at_value((*path, key), "unreadable-file", f"expected a readable file: {why}")
    unfit = _unfit(tls) if tls.files and not missing else None
    if unfit is not None:
        hint = "is key_password right?" if unfit == "key_file" and tls.key_password else None
        yield located.at_value((*path, unfit), "bad-tls", "expected a PEM file that OpenSSL can use", hint)


def _unfit(tls: CertificateFiles) -> str | None:
    """The key whose file OpenSSL cannot use, None where it can use all."""
    import ssl  # noqa: PLC0415  most files name no certificates

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca_file is not None:
        try:
            context.load_verify_locations(tls.ca_file)
        except (OSError, ValueError):
            return "ca_file"
    if tls.cert_file is not None and tls.key_file is not None:
        password = "" if tls.key_password is None else tls.key_password.get_secret_value()
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file, password)
        except (OSError, ValueError):
            try:  # OpenSSL does not say which of the two it was
                context.load_verify_locations(tls.cert_file)
            except (OSError, ValueError):
                return "cert_file"
            return "key_file"
    return None


def _in_the_clear(registry: ConfluentRegistry, located: Located) -> Iterator[Problem]:
    """A login that anybody on the way can read: allowed, since a mesh may encrypt it, but nothing to overlook."""
    hint = "write https://, unless something else encrypts the way there"
    if registry.auth.type != "none":
        for number, url in enumerate(registry.url):
            if _is_readable(url):
                place = located.at_value((*_SECTION, "url", number), "unencrypted-login", _CLEAR, hint)
                yield place._replace(severity="warning")
    if isinstance(registry.auth, RegistryOidcAuth) and _is_readable(registry.auth.token_endpoint_url):
        path: Path = (*_SECTION, "auth", "token_endpoint_url")
        yield located.at_value(path, "unencrypted-login", _CLEAR, hint)._replace(severity="warning")


_CLEAR = "this login is sent over http: anybody on the way can read it"


def _is_readable(url: str) -> bool:
    """Whether what is sent there leaves this machine, and not by TLS."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not local
