"""From the section of the file to the registry."""

import ssl

from connector.aws.credentials import Account, NotConfigured, Role
from connector.config.registry import ConfluentRegistry, GlueRegistry
from connector.metrics import Metrics
from connector.ports import Environment
from connector.registry.answers import Origin, Request
from connector.registry.certificates import Certificates
from connector.registry.confluent import Confluent
from connector.registry.http import Http
from connector.registry.logins import Login
from connector.registry.schemas import Registry


def open_registry(settings: ConfluentRegistry | GlueRegistry, metrics: Metrics, environment: Environment) -> Registry:
    """The registry that the file names; nothing is asked before ``start()`` and a record that needs it.

    Raises:
        NotConfigured: there is no AWS region, there are no credentials, or the certificates cannot be read any more.
    """
    for outcome in Request:
        metrics.schema_registry_requests.labels(outcome)
    return Registry(open_origin(settings, metrics, environment), metrics, environment)


def open_origin(settings: ConfluentRegistry | GlueRegistry, metrics: Metrics, environment: Environment) -> Origin:
    """What answers the registry's questions, without its threads; raises as ``open_registry``."""
    if isinstance(settings, GlueRegistry):
        return _glue(settings, metrics)
    try:
        http = Http(Certificates(settings.tls), environment.clock)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise NotConfigured(f"the files of schema_registry.tls cannot be used: {why}") from None
    login = Login(settings.auth, http, environment.clock)
    urls = [url.rstrip("/") for url in settings.url]
    return Confluent(urls, http, login, metrics.schema_registry_requests)


def _glue(settings: GlueRegistry, metrics: Metrics) -> Origin:
    from connector.registry.glue import Glue  # noqa: PLC0415  boto3's client is slow to load

    assume = settings.assume_role
    role = None if assume is None else Role(assume.role_arn, assume.external_id, assume.session_name)
    account = Account(settings.region, settings.endpoint_url, role)
    return Glue(account, metrics.schema_registry_requests)
