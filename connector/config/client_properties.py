"""librdkafka's properties, all in one place: which are ours, which client takes which, what our settings become.

A property that is ours would undo a promise (offsets are committed after delivery), so it is refused with that reason.
The library checks all others, see client_checks.py. Nothing here needs the library, which is slow to load.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connector.config.auth import Auth, MskIamAuth, NoAuth, OidcAuth, PlainAuth, ScramAuth
from connector.config.models import KafkaConfig, TlsConfig

Properties = dict[str, str | int | float | bool]


class Refusal(NamedTuple):
    """Why a property may not be set, or not so; the message never has its value."""

    name: str
    code: str
    message: str
    hint: str | None = None


_OFFSETS = "offsets are committed by this connector, after delivery"
_CALLBACKS = "callbacks belong to this connector"
_DEAD_LETTERS = "a dead letter must be acknowledged by every in-sync replica before its record is done"
# The first pattern that matches a whole name decides; None: the user's after all.
_OURS: tuple[tuple[str, str | None], ...] = (
    (r"enable\.auto\.(commit|offset\.store)|auto\.commit\..*|offset\.store\..*", _OFFSETS),
    (r"bootstrap\.servers|metadata\.broker\.list", "set kafka.bootstrap_servers"),
    (r"group\.id", "set kafka.group_id"),
    (r"auto\.offset\.reset", "set kafka.auto_offset_reset"),
    (r"partition\.assignment\.strategy", "rebalances are handled for cooperative-sticky"),
    (r"topic\.blacklist", "it would hide topics from the dead letters, too; set exclude in the pipeline"),
    (r"enable\.partition\.eof", "the end of a partition is no event of this connector"),
    (r"ssl\.(cipher\.suites|curves\.list|sigalgs\.list|crl\.location)", None),
    (
        r"enable\.ssl\.certificate\.verification|ssl\.endpoint\.identification\.algorithm",
        "certificates are always verified",
    ),
    (r"ssl\.(engine|provider).*|plugin\.library\.paths", "code is not loaded from a configuration"),
    (r"ssl\..*", "set kafka.tls"),
    (r"security\.protocol", "it follows from kafka.auth and kafka.tls"),
    (r"sasl\..*|enable\.sasl\..*", "set kafka.auth"),
    (r"test\.mock\..*", "it is for tests of librdkafka"),
    (r".*_cb|on_.*|logger|opaque|interceptors|default\.topic\.config|enabled_events|log\.queue", _CALLBACKS),
    (r"acks|request\.required\.acks|delivery\.report\.only\.error", _DEAD_LETTERS),
    (r"enable\.idempotence|enable\.gapless\.guarantee", _DEAD_LETTERS),
    (r"transactional\.id|transaction\.timeout\.ms", "dead letters are not written in transactions"),
)
# With KIP-848 the brokers decide these, and the library refuses them.
_BROKER_SIDE = ("session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type")

# What this connector sets itself: of the consumer, and of the producer of dead letters. The defaults come before the
# user's properties, what is fixed comes after them (and the patterns above refuse it in the file).
CONSUMER_FIXED: Mapping[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
}
CONSUMER_DEFAULTS: Mapping[str, Any] = {
    "client.id": "putevents",
    # Prefetching is per partition; the client's own defaults can hold gigabytes.
    "queued.min.messages": 5_000,
    "queued.max.messages.kbytes": 32_768,
    # An answer is one block, which is kept while any of its records is. Of answers of 8 MiB, 1 a partition, a backlog
    # held 106 MiB; of these 97 where the buffer was not full, and the partitions are read more evenly: 2 % fewer calls.
    "fetch.max.bytes": 2 * 1024 * 1024,
    "fetch.queue.backoff.ms": 100,
    "statistics.interval.ms": 2_000,
}
PRODUCER_FIXED: Mapping[str, Any] = {"acks": "all", "enable.idempotence": True}
# Of two names for one property the client takes the later, so the order counts.
PRODUCER_DEFAULTS: Mapping[str, Any] = {
    "linger.ms": 5,
    "message.timeout.ms": 30_000,  # then the letter is written again, so this only bounds how long the client tries
    # The topic's own limit shall decide, not the client's: a record of the largest size gains headers here.
    "message.max.bytes": 16_000_000,
    # A topic that refuses a batch as too large refuses every record of it, and each is written again alone. In small
    # batches that is only what is large itself, unless the topic takes less than these.
    "batch.size": 16_384,
}
# For letters that were refused in a batch. An idempotent producer restarts after each refusal, which takes a tenth of
# a second, and here refusals may follow each other. Without idempotence a letter whose answer is lost can be written
# twice; that is allowed, and no letter is lost.
PRODUCER_OF_SINGLE_LETTERS: Mapping[str, Any] = {"batch.num.messages": 1, "enable.idempotence": False}
# A client that only asks which topics there are is in no group and reports nothing.
_NOT_FOR_QUESTIONS = frozenset({"group.instance.id", "group.protocol", "debug", "statistics.interval.ms"})

# ms: what the client takes where the file says nothing. Who needs such a time asks ``seconds_of``.
DEFAULTS: Mapping[str, int] = {
    "topic.metadata.refresh.interval.ms": 300_000,
    "max.poll.interval.ms": 300_000,
    "heartbeat.interval.ms": 3_000,
}
HEARTBEAT_OF_BROKERS = 5_000  # ms, the brokers' default where they decide (KIP-848)


def seconds_of(properties: Mapping[str, Any], name: str, default: int | None = None) -> float:
    """What a property in milliseconds is for the client: as set, else ``default`` or the client's own."""
    return float(properties.get(name, DEFAULTS[name] if default is None else default)) / 1000


# Which properties are for one of the clients only; all others are for both. The library calls a property a consumer's
# or a producer's, and a test holds these tables against it. A client that is given the other's logs a warning at
# every start, at best.
CONSUMERS = frozenset({
    "auto.commit.enable", "auto.commit.interval.ms", "auto.offset.reset", "check.crcs",
    "consume.callback.max.messages", "consume_cb", "coordinator.query.interval.ms", "enable.auto.commit",
    "enable.auto.offset.store", "enable.partition.eof", "fetch.error.backoff.ms", "fetch.max.bytes",
    "fetch.message.max.bytes", "fetch.min.bytes", "fetch.queue.backoff.ms", "fetch.wait.max.ms", "group.id",
    "group.instance.id", "group.protocol", "group.protocol.type", "group.remote.assignor",
    "heartbeat.interval.ms", "isolation.level", "max.partition.fetch.bytes", "max.poll.interval.ms",
    "max.poll.records", "offset.store.method", "offset.store.path", "offset.store.sync.interval.ms",
    "offset_commit_cb", "partition.assignment.strategy", "queued.max.messages.kbytes", "queued.min.messages",
    "rebalance_cb", "session.timeout.ms", "share.acknowledgement.mode",
})  # fmt: skip
PRODUCERS = frozenset({
    "acks", "batch.num.messages", "batch.size", "compression.codec", "compression.level", "compression.type",
    "delivery.report.only.error", "delivery.timeout.ms", "dr_cb", "dr_msg_cb", "enable.gapless.guarantee",
    "enable.idempotence", "linger.ms", "message.send.max.retries", "message.timeout.ms", "msg_order_cmp",
    "partitioner", "partitioner_cb", "produce.offset.report", "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes", "queue.buffering.max.messages", "queue.buffering.max.ms", "queuing.strategy",
    "request.required.acks", "request.timeout.ms", "retries", "sticky.partitioning.linger.ms",
    "transaction.timeout.ms", "transactional.id",
})  # fmt: skip
# A producer cannot write to topics that its blacklist hides.
SUBSCRIPTION = frozenset({"allow.auto.create.topics", "topic.blacklist"})


def base_properties(kafka: KafkaConfig) -> Properties:
    """What every client of the cluster needs, secrets in clear: servers, security, the user's own properties.

    Groups and tuning are the caller's. For ``msk_iam`` kafka/clients.py adds the callback that gives tokens.
    """
    properties: Properties = {"bootstrap.servers": ",".join(kafka.bootstrap_servers)}
    sasl = _sasl(kafka.auth)
    properties["security.protocol"] = ("SASL_" if sasl else "") + ("SSL" if kafka.uses_tls else "PLAINTEXT")
    return {**properties, **sasl, **(tls_properties(kafka.tls) if kafka.uses_tls else {}), **kafka.librdkafka}


def for_consumer(properties: Properties) -> Properties:
    """Without what is the producers' only."""
    return {name: value for name, value in properties.items() if name not in PRODUCERS}


def for_producer(properties: Properties) -> Properties:
    """Without what is the consumers' only, or about their subscription."""
    return {name: value for name, value in properties.items() if name not in CONSUMERS | SUBSCRIPTION}


def consumer_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the consumer that reads, given the connection's and the user's own."""
    # With KIP-848 the brokers assign.
    kip_848 = properties.get("group.protocol") == "consumer"
    assignor = {} if kip_848 else {"partition.assignment.strategy": "cooperative-sticky"}
    made = {**CONSUMER_DEFAULTS, **assignor, **properties, **CONSUMER_FIXED}
    if "message.max.bytes" in properties and "fetch.max.bytes" not in properties:
        # The client refuses an answer that is to be smaller than a message, and fits what nobody has set.
        del made["fetch.max.bytes"]
    return made


def producer_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the producer of dead letters, given the connection's and the user's own."""
    return {**PRODUCER_DEFAULTS, **properties, **PRODUCER_FIXED}


def question_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a client for one question about topics; silent, since the client that reads logs what is wrong."""
    kept = {name: value for name, value in properties.items() if name not in _NOT_FOR_QUESTIONS}
    return {**kept, "log_level": 0}


def _sasl(auth: Auth) -> Properties:
    match auth:
        case NoAuth():
            return {}
        case PlainAuth():
            return _password("PLAIN", auth)
        case ScramAuth():
            return _password(auth.mechanism, auth)
        case MskIamAuth():
            return {"sasl.mechanism": "OAUTHBEARER"}
        case OidcAuth():
            return _oidc(auth)


def _password(mechanism: str, auth: PlainAuth | ScramAuth) -> Properties:
    return {
        "sasl.mechanism": mechanism,
        "sasl.username": auth.username,
        "sasl.password": auth.password.get_secret_value(),
    }


def _oidc(auth: OidcAuth) -> Properties:
    properties: Properties = {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": auth.token_endpoint_url,
        "sasl.oauthbearer.client.id": auth.client_id,
        "sasl.oauthbearer.client.secret": auth.client_secret.get_secret_value(),
    }
    if auth.scope is not None:
        properties["sasl.oauthbearer.scope"] = auth.scope
    if auth.extensions:
        pairs = (f"{name}={value}" for name, value in auth.extensions.items())
        properties["sasl.oauthbearer.extensions"] = ",".join(pairs)
    return properties


TLS_FILES = {
    "ca_file": "ssl.ca.location",
    "cert_file": "ssl.certificate.location",
    "key_file": "ssl.key.location",
}


def tls_properties(tls: TlsConfig) -> Properties:
    """The files of ``tls``, and the password of the key."""
    properties: Properties = {TLS_FILES[key]: path for key, path in tls.files.items()}
    if tls.key_password is not None:
        properties["ssl.key.password"] = tls.key_password.get_secret_value()
    return properties


def owned(names: Mapping[str, Any]) -> Iterator[Refusal]:
    """The properties that are not the user's to set."""
    kip_848 = names.get("group.protocol") == "consumer"
    for name in names:
        reason = next((why for pattern, why in _OURS if re.fullmatch(pattern, name)), None)
        if reason is not None:
            yield Refusal(name, "owned-property", f"expected no {name} here: {reason}")
        elif kip_848 and name in _BROKER_SIDE:
            message = f"expected no {name} with group.protocol consumer: the brokers set it"
            yield Refusal(name, "owned-property", message)
