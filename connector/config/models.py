"""The configuration, validated: one class a section, names and defaults as users write them.

The text under a field is its description: editors show it, and it is the reference in the documentation.
Durations are float seconds here and text such as ``250ms`` in the file.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connector.config.addresses import ANY
from connector.config.references import Reference
from connector.config.scalars import (
    Buffer,
    Count,
    Endpoint,
    Flag,
    Listener,
    OptionalFlag,
    OptionalRoleArn,
    OptionalSecret,
    OptionalText,
    Period,
    Port,
    Property,
    Rate,
    RoleArn,
    Secret,
    SenderThread,
    Servers,
    SessionName,
    Text,
    TopicName,
    TrackingId,
    Url,
    Wait,
)
from connector.core.mapping.specs import PipelineSpec
from connector.core.records import Reason


class Section(BaseModel):
    """Strict base: an unknown key is an error, a loaded section does not change, errors carry no input."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def _empty(value: Any) -> Any:
    """A section whose lines are all commented out says nothing, and so means its defaults."""
    return {} if value is None else value


Blank = BeforeValidator(_empty)
BlankList = BeforeValidator(lambda value: [] if value is None else value)


class NoAuth(Section):
    """No authentication."""

    type: Literal["none"] = "none"
    """How to authenticate: `none` asks for nothing."""


class _Said:
    """How a section was written, which is no part of what it says: any two are equal."""

    def __init__(self, data: Any = None, context: Any = None) -> None:
        self.data, self.context = data, context

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Said)

    __hash__ = None  # type: ignore[assignment]  # nothing is looked up by it


class Rereadable(Section):
    """A section whose ``{file: …}`` may say something else later: secrets that are mounted are replaced in place."""

    _said: _Said = PrivateAttr(default_factory=_Said)

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        section = handler(data)
        section._said = _Said(data, info.context)  # noqa: SLF001  its own
        return section

    @property
    def references(self) -> dict[str, str]:
        """The paths of ``{file: …}``, by the key that has one."""
        found = self._said.data.items() if isinstance(self._said.data, dict) else ()
        return {key: value["file"] for key, value in found if isinstance(value, dict) and "file" in value}

    def reread(self) -> Self | None:
        """The section as it would be loaded now; None where it would be refused, as in the middle of a change."""
        try:
            return type(self).model_validate(self._said.data, context=self._said.context, by_name=False)
        except ValidationError:
            return None


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


Auth = Annotated[
    NoAuth | PlainAuth | ScramAuth | OidcAuth | MskIamAuth,
    Field(discriminator="type"),
    BeforeValidator(lambda value: {"type": "none"} if value is None else value),
]


class TlsConfig(Rereadable):
    """Encryption to the brokers. Certificates are always verified."""

    enabled: OptionalFlag = None
    """Whether to use TLS. Unless set: yes with any `auth` but `none`, and yes with any file below."""
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


class KafkaConfig(Section):
    """Where the records are, and as whom to read them."""

    bootstrap_servers: Servers
    """First brokers to ask, host:port: a list, or text with commas. Required."""
    group_id: Text
    """Consumer group; its committed offsets are where a restart goes on. Required."""
    auth: Auth = NoAuth()
    """How to authenticate, by `type`: none, plain, scram, oidc, msk_iam. Default: none."""
    tls: Annotated[TlsConfig, Blank] = TlsConfig()
    """Encryption to the brokers. Off by default with `auth: {type: none}`, on with any other type."""
    auto_offset_reset: Annotated[Literal["earliest", "latest", "error"], Reference()] = "earliest"
    """Where to begin in a partition without a usable offset: `earliest`, `latest`, or stop with an `error`."""
    librdkafka: Annotated[dict[str, Property], Blank] = Field(default_factory=dict, repr=False)
    """Any other property of librdkafka, by its own name and in its own units. Default: none."""

    @property
    def uses_tls(self) -> bool:
        """What ``tls.enabled`` says or, where it says nothing, what the other settings imply."""
        implied = bool(self.tls.files) or self.auth.type != "none"
        return implied if self.tls.enabled is None else self.tls.enabled


class AssumeRole(Section):
    """A role to take on before calling Personalize."""

    role_arn: RoleArn
    """ARN of the role. Required."""
    external_id: OptionalText = None
    """External id that the role's trust policy asks for; none unless set."""
    session_name: SessionName = "putevents-connector"
    """Name of the session, as CloudTrail shows it."""


class PersonalizeConfig(Section):
    """Where the events go."""

    region: OptionalText = None
    """AWS region; unless set, the one that the AWS chain finds (AWS_REGION, profile, instance)."""
    tracking_id: TrackingId = None
    """Tracking id of the event tracker, 1 to 256 characters. Required unless every rule maps `trackingId`."""
    endpoint_url: Endpoint = None
    """Another endpoint, http or https, such as a local one for tests; unless set, the region's."""
    assume_role: AssumeRole | None = None
    """A role to take on before calling Personalize; unless set, the process's own identity."""


class RetryConfig(Section):
    """Exponential backoff with full jitter, for as long as an outage lasts."""

    initial: Period = 0.1
    """Upper bound of the first wait, a duration above 0."""
    maximum: Period = 20.0
    """Upper bound of every wait, a duration of at least `initial`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maximum < self.initial:
            raise PydanticCustomError("out_of_range", "expected a maximum of at least initial")
        return self


class DeliveryConfig(Section):
    """How events are gathered into calls, how fast, and for how long."""

    linger: Wait = 1.0
    """How long an event may wait for company in its call, a duration of 0 or more."""
    max_in_flight: SenderThread = 64
    """Calls at once, 1 to 1000."""
    requests_per_second: Rate = 1000.0
    """Most calls a second to each tracking id, above 0; the real rate adapts below it when throttled."""
    max_buffered_events: Buffer = 20_000
    """Events held in memory, 10 or more; past this, partitions pause."""
    request_timeout: Period = 10.0
    """How long a call may take before it counts as failed and is sent again, a duration above 0."""
    retry: Annotated[RetryConfig, Blank] = RetryConfig()
    """Waits between attempts. Default: 100ms, doubling up to 20s."""
    stop_after_rejections: Count = 20
    """Calls refused in a row, none accepted between, that stop the process: then the tracking id is wrong."""
    commit_interval: Period = 1.0
    """How often offsets are committed, a duration above 0."""
    shutdown_timeout: Wait = 25.0
    """How long a stop may take to deliver what is buffered, a duration; below the pod's grace period."""


class DeadLetterConfig(Section):
    """Where records go that can never become events."""

    topic: TopicName
    """Topic for the records that cannot be mapped or are refused; must exist. Required."""
    connect_headers: Flag = False
    """Whether to write the `__connect.errors.*` headers, too, that tools for Kafka Connect read."""


class ServerConfig(Section):
    """HTTP: the status page at /, /metrics, /livez, /readyz."""

    host: Listener = ANY
    """Address to listen on: `"*"` is every one of the machine, IPv4 and IPv6; or an IP address, or a host name."""
    port: Port = 8080
    """TCP port to listen on, 0 to 65535; 0 takes any free one."""
    linger_after_refusal: Wait = 40.0
    """How long to answer after a refusal (exit code 77), a duration; more than the time between two scrapes."""


class LogConfig(Section):
    """What is logged, to stderr."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Reference()] = "info"
    """Least severity that is logged: `debug`, `info`, `warning` or `error`."""
    format: Annotated[Literal["json", "text"], Reference()] = "json"
    """`json` is an object a line, `text` is for reading."""


class ExampleInput(Section):
    """A record, as an example gives it."""

    value: Any = None
    """The record's value as a document; null for a record without one."""
    key: Any = None
    """The record's key: text, or a document where the pipeline's key format is json."""
    headers: dict[str, str | None] = Field(default_factory=dict)
    """The record's headers, name to text."""
    topic: str | None = None
    """Topic of the record; unless set, the pipeline's first."""
    partition: Annotated[int, Field(strict=True, ge=0)] = 0
    """Partition of the record, 0 or more."""
    offset: Annotated[int, Field(strict=True, ge=0)] = 0
    """Offset of the record, 0 or more."""
    timestamp: Annotated[int, Field(strict=True)] | None = None
    """The record's timestamp in milliseconds since 1970; none unless set."""


class SkippedOutput(Section):
    """The record makes no event, on purpose."""

    skipped: str
    """The reason that the rule gives. Required."""


class FilteredOutput(Section):
    """No rule matches the record."""

    filtered: Literal[True]
    """Always true. Required."""


class RejectedOutput(Section):
    """The record goes to the dead letters."""

    rejected: Reason
    """The reason, as dead letters and metrics name it. Required."""


_OUTPUTS = ("skipped", "filtered", "rejected")


def _output_kind(value: Any) -> str | None:
    if isinstance(value, list):
        return "events"
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return next((kind for kind in _OUTPUTS if kind in keys), None)


ExampleOutput = Annotated[
    Annotated[list[dict[str, Any]], Tag("events")]
    | Annotated[SkippedOutput, Tag("skipped")]
    | Annotated[FilteredOutput, Tag("filtered")]
    | Annotated[RejectedOutput, Tag("rejected")],
    Discriminator(
        _output_kind,
        custom_error_type="output",
        custom_error_message="expected a list of events, or one of skipped, filtered, rejected",
    ),
]


class Example(Section):
    """A record, and what has to become of it. Its form is checked; `putevents map` shows what does become of one."""

    name: Annotated[str, Field(min_length=1)]
    """What the test shows, in a few words. Required."""
    pipeline: Annotated[str, Field(min_length=1)]
    """Name of the pipeline that maps the record. Required."""
    input: ExampleInput
    """The record. Required."""
    output: ExampleOutput
    """Each event's members in order, or {skipped: reason}, {filtered: true}, {rejected: reason}. Required."""


class Config(Section):
    """The configuration of a Kafka to Amazon Personalize connector."""

    version: Literal[1] = 1
    """Version of this configuration language."""
    kafka: Annotated[KafkaConfig, Blank]
    """Where the records are, and as whom to read them. Required."""
    personalize: Annotated[PersonalizeConfig, Blank] = PersonalizeConfig()
    """Where the events go."""
    delivery: Annotated[DeliveryConfig, Blank] = DeliveryConfig()
    """How events are gathered into calls, how fast, and for how long."""
    dead_letter: Annotated[DeadLetterConfig, Blank]
    """Where records go that can never become events. Required."""
    server: Annotated[ServerConfig, Blank] = ServerConfig()
    """HTTP: status page, metrics and health."""
    log: Annotated[LogConfig, Blank] = LogConfig()
    """What is logged, to stderr."""
    pipelines: Annotated[list[PipelineSpec], Field(min_length=1)]
    """Topics and the rules that make events of their records. Required, at least one."""
    tests: Annotated[list[Example], BlankList] = Field(default_factory=list)
    """Records with their expected events. Their form is checked; see `putevents map` for the rest. Default: none."""
