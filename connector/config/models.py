"""The configuration, validated: one class a section, names and defaults as users write them.

The text under a field is its description: editors show it, and it is the reference in the documentation.
Durations are float seconds here and text such as ``250ms`` in the file.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from connector.config.addresses import ANY
from connector.config.auth import AssumeRole, Auth, NoAuth
from connector.config.examples import Example
from connector.config.references import Reference
from connector.config.registry import SchemaRegistry
from connector.config.scalars import (
    ActionsDataset,
    Buffer,
    Count,
    Endpoint,
    Flag,
    ItemsDataset,
    Listener,
    OptionalFlag,
    OptionalText,
    Period,
    Port,
    Property,
    Rate,
    SenderThread,
    Servers,
    Share,
    Text,
    TopicName,
    TrackingId,
    UsersDataset,
    Wait,
    Window,
)
from connector.config.section import Blank, BlankList, Kept, Rereadable, Section
from connector.config.tls import CertificateFiles
from connector.core.mapping.specs import PipelineSpec
from connector.core.operations import (
    BY_ACTION,
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)


class TlsConfig(CertificateFiles):
    """Encryption to the brokers. Certificates are always verified."""

    enabled: OptionalFlag = None
    """Whether to use TLS. Unless set: yes with any `auth` but `none`, and yes with any file above."""


class KafkaConfig(Section):
    """Where the records are, and as whom to read them."""

    bootstrap_servers: Servers
    """First brokers to ask, host:port: a list, or text with commas. Required."""
    group_id: Text
    """Consumer group; after a restart, reading resumes at its committed offsets. Required."""
    auth: Auth = NoAuth()
    """How to authenticate, by `type`: none, plain, scram, oidc, msk_iam. Default: none."""
    tls: Annotated[TlsConfig, Blank] = TlsConfig()
    """Encryption to the brokers. Off by default with `auth: {type: none}`, on with any other type."""
    auto_offset_reset: Annotated[Literal["earliest", "latest", "error"], Reference()] = "earliest"
    """Where to start in a partition without a usable offset: `earliest`, `latest`, or stop with an `error`."""
    librdkafka: Annotated[dict[str, Property], Blank, Kept] = Field(default_factory=dict, repr=False)
    """Any other property of librdkafka, by its own name and in its own units. Default: none."""

    @property
    def uses_tls(self) -> bool:
        """What ``tls.enabled`` says or, where it says nothing, what the other settings imply."""
        implied = bool(self.tls.files) or self.auth.type != "none"
        return implied if self.tls.enabled is None else self.tls.enabled


class PersonalizeConfig(Rereadable):
    """Where the events go."""

    region: OptionalText = None
    """AWS region; unless set, the one that the AWS chain finds (AWS_REGION, profile, instance)."""
    tracking_id: TrackingId = None
    """Tracking id of the event tracker, 1 to 256 characters. Required unless every rule of events maps `trackingId`."""
    users_dataset_arn: UsersDataset = None
    """ARN of the users dataset. Required unless every rule with `put_users` maps `datasetArn`."""
    items_dataset_arn: ItemsDataset = None
    """ARN of the items dataset. Required unless every rule with `put_items` maps `datasetArn`."""
    actions_dataset_arn: ActionsDataset = None
    """ARN of the actions dataset. Required unless every rule with `put_actions` maps `datasetArn`."""
    endpoint_url: Endpoint = None
    """Another endpoint, http or https, such as a local one for tests; unless set, the region's."""
    assume_role: AssumeRole | None = None
    """A role to assume before calling Personalize; unless set, the process's own identity."""


class RetryConfig(Section):
    """Exponential backoff with full jitter, for as long as an outage lasts."""

    initial: Period = 0.1
    """Upper bound of the first wait, a duration above 0."""
    maximum: Period = 20.0
    """Upper bound of every wait, a duration of at least `initial`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maximum < self.initial:
            raise PydanticCustomError(
                "out_of_range", "expected maximum to be at least initial", {"hint": "raise maximum, or lower initial"}
            )
        return self


class RatesConfig(Section):
    """Calls per second to each target, at most, of operations other than PutEvents; above 0."""

    put_users: Rate = PUT_USERS.rate
    """To each users dataset; AWS allows a dataset group 10."""
    put_items: Rate = PUT_ITEMS.rate
    """To each items dataset; AWS allows a dataset group 10."""
    put_actions: Rate = PUT_ACTIONS.rate
    """To each actions dataset; AWS does not publish its quota."""
    put_action_interactions: Rate = PUT_ACTION_INTERACTIONS.rate
    """To each tracking id; AWS does not publish its quota."""


class DeliveryConfig(Section):
    """How events are batched into calls, at what rate, and with what timeouts."""

    linger: Wait = 1.0
    """How long an event may wait at most to be batched with others, a duration of 0 or more."""
    max_in_flight: SenderThread = 64
    """Calls in flight at the same time, at most; 1 to 1000."""
    requests_per_second: Rate = 1000.0
    """PutEvents calls per second to each tracking id, at most; above 0. The rate drops below it while AWS throttles."""
    rates: Annotated[RatesConfig, Blank] = RatesConfig()
    """The same for other operations, each by its name. Default: 10 each."""
    max_buffered_events: Buffer = 20_000
    """Events held in memory, at most; 10 or more. When it is reached, the connector pauses partitions."""
    request_timeout: Period = 10.0
    """How long a call may take before it counts as failed and is retried, a duration above 0."""
    retry: Annotated[RetryConfig, Blank] = RetryConfig()
    """Waits between attempts. Default: 100ms, doubling up to 20s."""
    stop_after_rejections: Count = 20
    """Rejected calls in a row after which the process stops, because the tracking id is probably wrong; 1 or more."""
    commit_interval: Period = 1.0
    """How often offsets are committed, a duration above 0."""
    shutdown_timeout: Wait = 25.0
    """How long a stop may take to deliver the buffered events, a duration; set it below the pod's grace period."""

    @property
    def by_operation(self) -> Mapping[Operation, float]:
        """Calls a second to each target, of each operation."""
        return {PUT_EVENTS: self.requests_per_second} | {BY_ACTION[name]: rate for name, rate in self.rates}


class FloodConfig(Section):
    """What to do when nearly all records of a pipeline turn invalid for one reason, rule and member."""

    share: Share = 0.9
    """Which part of the last records makes a flood, above 0% and up to 100%; records that are skipped do not count."""
    of_last: Window = 1000
    """Of how many records of the pipeline; 10 to 100000."""
    action: Annotated[Literal["hold", "stop", "off"], Reference()] = "hold"
    """`hold` the pipeline until a restart, `stop` the process with exit code 65, or `off`: dead-letter all of it."""


class DeadLetterConfig(Section):
    """Where records go that cannot become events."""

    topic: TopicName
    """Topic for the records that cannot be mapped or are refused; must exist. Required."""
    connect_headers: Flag = False
    """Whether to also write the `__connect.errors.*` headers, which tools for Kafka Connect read."""
    flood: Annotated[FloodConfig, Blank] = FloodConfig()
    """What to do when nearly all records of a pipeline turn invalid. Default: hold it at 90% of the last 1000."""


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


class Config(Section):
    """The configuration of a Kafka to Amazon Personalize connector."""

    version: Literal[1] = 1
    """Version of this configuration language."""
    kafka: Annotated[KafkaConfig, Blank, Kept]
    """Where the records are, and as whom to read them. Required."""
    personalize: Annotated[PersonalizeConfig, Blank, Kept] = PersonalizeConfig()
    """Where the events go."""
    delivery: Annotated[DeliveryConfig, Blank] = DeliveryConfig()
    """How events are batched into calls, at what rate, and with what timeouts."""
    dead_letter: Annotated[DeadLetterConfig, Blank, Kept]
    """Where records go that cannot become events. Required."""
    server: Annotated[ServerConfig, Blank] = ServerConfig()
    """HTTP: status page, metrics and health."""
    log: Annotated[LogConfig, Blank] = LogConfig()
    """What is logged, to stderr."""
    schema_registry: Annotated[SchemaRegistry, Kept] = None
    """Where the schemas of `avro`, `protobuf` and `json_schema` are; none unless set."""
    pipelines: Annotated[list[PipelineSpec], Field(min_length=1), Kept]
    """Topics and the rules that make events of their records. Required, at least one."""
    tests: Annotated[list[Example], BlankList] = Field(default_factory=list)
    """Records with their expected events, for `putevents test`. Default: none."""
