"""How to authenticate at the brokers: one class a ``type``. Descriptions are the reference, as in ``models``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from connector.config.references import Reference
from connector.config.scalars import OptionalRoleArn, OptionalText, RoleArn, Secret, SessionName, Text, Url
from connector.config.section import Blank, Rereadable, Section


class NoAuth(Section):
    """No authentication."""

    type: Literal["none"] = "none"
    """How to authenticate: `none` is without authentication."""


class PlainAuth(Rereadable):
    """SASL PLAIN: user name and password, over TLS unless `tls.enabled` is false."""

    type: Literal["plain"]
    """How to authenticate: `plain` is SASL PLAIN with a user name and a password."""
    username: Text
    """User name, or API key. Required."""
    password: Secret
    """Password, or API secret. Required; better a reference than the text itself."""


class ScramAuth(Rereadable):
    """SASL SCRAM: user name and password, never sent as such."""

    type: Literal["scram"]
    """How to authenticate: `scram` is SASL SCRAM with a user name and a password."""
    mechanism: Annotated[Literal["SCRAM-SHA-256", "SCRAM-SHA-512"], Reference()] = "SCRAM-SHA-512"
    """The hash that the brokers have credentials for: `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    username: Text
    """User name. Required."""
    password: Secret
    """Password. Required; better a reference than the text itself."""


class OidcAuth(Rereadable):
    """OAuth 2.0 client credentials; librdkafka fetches and renews the token itself."""

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
    extensions: Annotated[dict[str, Text], Blank] = Field(default_factory=dict)
    """SASL extensions that the brokers ask for, name to text, such as `logicalCluster`; none unless set."""


class MskIamAuth(Section):
    """IAM of Amazon MSK; the credentials come from the usual AWS chain."""

    type: Literal["msk_iam"]
    """How to authenticate: `msk_iam` is IAM of Amazon MSK and MSK Serverless, always over TLS."""
    region: OptionalText = None
    """AWS region of the cluster; unless set, the one that the AWS chain finds."""
    role_arn: OptionalRoleArn = None
    """ARN of a role to assume for Kafka; unless set, the process's own identity."""


class AssumeRole(Section):
    """A role to assume before calling AWS."""

    role_arn: RoleArn
    """ARN of the role. Required."""
    external_id: OptionalText = None
    """External id that the role's trust policy asks for; none unless set."""
    session_name: SessionName = "putevents-connector"
    """Name of the session, as CloudTrail shows it."""


Auth = Annotated[
    NoAuth | PlainAuth | ScramAuth | OidcAuth | MskIamAuth,
    Field(discriminator="type"),
    BeforeValidator(lambda value: {"type": "none"} if value is None else value),
]
