"""Where schemas come from: a registry with Confluent's API, or AWS Glue. Descriptions are the reference."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from connector.config.auth import AssumeRole, NoAuth
from connector.config.scalars import Endpoint, OptionalText, RegistryUrls, Secret, Text, Url
from connector.config.section import Blank, Rereadable, Section
from connector.config.tls import CertificateFiles


class BasicAuth(Rereadable):
    """HTTP Basic: a user name and a password, such as an API key and its secret."""

    type: Literal["basic"]
    """How to authenticate: `basic` is a user name and a password, or an API key and its secret."""
    username: Text
    """User name, or API key. Required."""
    password: Secret
    """Password, or API secret. Required; better a reference than the text itself."""


class CloudExtensions(Section):
    """What Confluent Cloud wants to know beside a token; named as the extensions of `kafka.auth`."""

    logicalCluster: OptionalText = None  # noqa: N815  Confluent's names
    """Id of the registry's cluster, lsrc-…; none unless set."""
    identityPoolId: OptionalText = None  # noqa: N815
    """Id of the identity pool, pool-…; none unless set."""


class BearerAuth(Rereadable):
    """A token in the Authorization header, as it is."""

    type: Literal["bearer"]
    """How to authenticate: `bearer` is a token that somebody else renews, usually in a file."""
    token: Secret
    """The token. Required; better a reference than the text itself. A file is read again for every request."""
    extensions: Annotated[CloudExtensions, Blank] = CloudExtensions()
    """What Confluent Cloud wants to know beside a token."""


class RegistryOidcAuth(Rereadable):
    """OAuth 2.0 client credentials; tokens are fetched and renewed here."""

    type: Literal["oidc"]
    """How to authenticate: `oidc` gets tokens from an OpenID Connect provider as a client with a secret."""
    token_endpoint_url: Url = Field(repr=False)  # its query may hold a key
    """The provider's token endpoint, http or https. Required."""
    client_id: Text
    """Client id at the provider. Required."""
    client_secret: Secret
    """Client secret at the provider. Required; better a reference than the text itself."""
    scope: OptionalText = None
    """Scope to ask for; none unless set."""
    extensions: Annotated[CloudExtensions, Blank] = CloudExtensions()
    """What Confluent Cloud wants to know beside a token."""


RegistryAuth = Annotated[
    NoAuth | BasicAuth | BearerAuth | RegistryOidcAuth,
    Field(discriminator="type"),
    BeforeValidator(lambda value: {"type": "none"} if value is None else value),
]


class ConfluentRegistry(Section):
    """A registry with Confluent's API: Confluent, Redpanda, Karapace, Apicurio."""

    type: Literal["confluent"] = "confluent"
    """Which kind of registry: `confluent` is any with Confluent's API, such as Redpanda, Karapace and Apicurio."""
    url: RegistryUrls
    """URL of the registry with its path, or a list, of which the next is asked where one does not answer. Required."""
    auth: RegistryAuth = NoAuth()
    """How to authenticate, by `type`: none, basic, bearer, oidc. Default: none."""
    tls: Annotated[CertificateFiles, Blank] = CertificateFiles()
    """Whom to trust, and a certificate to show, with https."""


class GlueRegistry(Section):
    """The schema registry of AWS Glue."""

    type: Literal["glue"]
    """Which kind of registry: `glue` is AWS Glue; the credentials come from the usual AWS chain."""
    region: OptionalText = None
    """AWS region of the registry; unless set, the one that the AWS chain finds (AWS_REGION, profile, instance)."""
    endpoint_url: Endpoint = None
    """Another endpoint, http or https, such as a local one for tests; unless set, the region's."""
    assume_role: AssumeRole | None = None
    """A role to assume before calling AWS Glue; unless set, the process's own identity."""


def _with_type(value: Any) -> Any:
    return {"type": "confluent", **value} if isinstance(value, dict) and "type" not in value else value


SchemaRegistry = (
    Annotated[ConfluentRegistry | GlueRegistry, Field(discriminator="type"), BeforeValidator(_with_type)] | None
)
