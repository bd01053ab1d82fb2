"""librdkafka's properties: which are ours, which it refuses itself, and what our settings become.

A property that is ours would undo a promise (offsets are committed after delivery), so it is refused with
that reason. Everything else is checked by the library, by making a client that has no broker: that takes a
third of a millisecond and no network. The library is loaded only for that, since it takes longer to load than a
file to check.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from connector.config.auth import Auth, MskIamAuth, NoAuth, OidcAuth, PlainAuth, ScramAuth
from connector.config.clients import CONSUMERS, PRODUCERS, SUBSCRIPTION
from connector.config.models import KafkaConfig, TlsConfig
from connector.core.words import suggest

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
# With KIP-848 the brokers decide these, and the library refuses to be told.
_BROKER_SIDE = ("session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type")

# What dead_letters.py sets and the user's have to fit to: its defaults, and what is not for the user to change.
_LINGERS: Mapping[str, Any] = {"linger.ms": 5, "message.timeout.ms": 30_000}
_IDEMPOTENT: Mapping[str, Any] = {"acks": "all", "enable.idempotence": True}
_SILENT = logging.getLogger("connector.config.client_properties.silent")
_SILENT.disabled = True  # what is said about a throwaway client is of no interest
_THROWAWAY: Mapping[str, Any] = {"bootstrap.servers": "", "logger": _SILENT}

# What users tune, for `did you mean`; a test asks the library for each.
KNOWN = (
    "allow.auto.create.topics", "api.version.request", "batch.num.messages", "batch.size",
    "broker.address.family", "broker.address.ttl", "check.crcs", "client.dns.lookup", "client.id",
    "client.rack", "compression.level", "compression.type", "connections.max.idle.ms", "debug",
    "delivery.timeout.ms", "enable.metrics.push", "fetch.error.backoff.ms", "fetch.max.bytes",
    "fetch.message.max.bytes", "fetch.min.bytes", "fetch.queue.backoff.ms", "fetch.wait.max.ms",
    "group.instance.id", "group.protocol", "group.remote.assignor", "heartbeat.interval.ms",
    "https.ca.location", "isolation.level", "linger.ms", "log.connection.close", "log_level", "max.in.flight",
    "max.partition.fetch.bytes", "max.poll.interval.ms", "message.max.bytes", "message.timeout.ms",
    "metadata.max.age.ms", "metadata.recovery.strategy", "queue.buffering.max.kbytes",
    "queue.buffering.max.messages", "queue.buffering.max.ms", "queued.max.messages.kbytes",
    "queued.min.messages", "receive.message.max.bytes", "reconnect.backoff.max.ms", "reconnect.backoff.ms",
    "request.timeout.ms", "retries", "retry.backoff.max.ms", "retry.backoff.ms", "session.timeout.ms",
    "socket.connection.setup.timeout.ms", "socket.keepalive.enable", "socket.max.fails",
    "socket.nagle.disable", "socket.receive.buffer.bytes", "socket.send.buffer.bytes", "socket.timeout.ms",
    "ssl.cipher.suites", "ssl.crl.location", "ssl.curves.list", "ssl.sigalgs.list", "statistics.interval.ms",
    "topic.metadata.refresh.interval.ms",
)  # fmt: skip


def base_properties(kafka: KafkaConfig) -> Properties:
    """What every client of the cluster needs, secrets in clear: servers, security, the user's own properties.

    Groups and tuning are the caller's. For ``msk_iam`` auth.py adds the callback that gives tokens.
    """
    properties: Properties = {"bootstrap.servers": ",".join(kafka.bootstrap_servers)}
    sasl = _sasl(kafka.auth)
    properties["security.protocol"] = ("SASL_" if sasl else "") + ("SSL" if kafka.uses_tls else "PLAINTEXT")
    return {**properties, **sasl, **(_ssl(kafka.tls) if kafka.uses_tls else {}), **kafka.librdkafka}


def for_consumer(properties: Properties) -> Properties:
    """Without what is the producers' only."""
    return {name: value for name, value in properties.items() if name not in PRODUCERS}


def for_producer(properties: Properties) -> Properties:
    """Without what is the consumers' only, or about their subscription."""
    return {name: value for name, value in properties.items() if name not in CONSUMERS | SUBSCRIPTION}


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


_TLS_FILES = {
    "ca_file": "ssl.ca.location",
    "cert_file": "ssl.certificate.location",
    "key_file": "ssl.key.location",
}


def _ssl(tls: TlsConfig) -> Properties:
    properties: Properties = {_TLS_FILES[key]: path for key, path in tls.files.items()}
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


def refused(properties: Mapping[str, Any]) -> Iterator[Refusal]:
    """The properties that librdkafka refuses, alone or together; it is not asked for ``owned`` ones."""
    ours = {refusal.name for refusal in owned(properties)}
    good: Properties = {}
    for name, value in properties.items():
        reason = None if name in ours else _ask({name: value})
        # Alone, a property may only clash with another's default; that is for all of them together.
        if reason is not None and not reason.startswith("Failed to create"):
            yield _refusal(name, reason)
        elif name not in ours:
            good[name] = value
    reason = (_ask(good) or _ask_producer(good)) if good else None
    if reason is not None:
        name = next((name for name in good if f"`{name}`" in reason), next(iter(good)))
        yield Refusal(name, "bad-property", f"expected properties that fit together: {_without(reason, good)}")


def refused_tls(tls: TlsConfig) -> Iterator[Refusal]:
    """The keys of ``tls`` whose files OpenSSL cannot use."""
    reason = _ask({"security.protocol": "SSL", **_ssl(tls)}) if tls.files else None
    if reason is not None:
        keys = {prop: key for key, prop in _TLS_FILES.items()}
        key = next((key for prop, key in keys.items() if prop in reason), next(iter(tls.files)))
        hint = "is key_password right?" if key == "key_file" and tls.key_password else None
        yield Refusal(key, "bad-tls", "expected a PEM file that OpenSSL can use", hint)


def _ask(properties: Mapping[str, Any]) -> str | None:
    """Why the library makes no consumer of these, None where it does."""
    import confluent_kafka  # noqa: PLC0415  see above

    return _made(lambda: confluent_kafka.Consumer({**_THROWAWAY, "group.id": "validate", **properties}).close())


def _ask_producer(properties: Properties) -> str | None:
    """Why the library makes no producer of dead letters of these, None where it does."""
    import confluent_kafka  # noqa: PLC0415  see above

    settings = {**_THROWAWAY, **_LINGERS, **for_producer(properties), **_IDEMPOTENT}
    return _made(lambda: confluent_kafka.Producer(settings))


def _made(make: Callable[[], object]) -> str | None:
    from confluent_kafka import KafkaException  # noqa: PLC0415  see above

    try:
        make()
    except KafkaException as error:
        return str(error.args[0].str())
    except (TypeError, ValueError, AttributeError, SystemError):
        return "not a value"
    return None


def _refusal(name: str, reason: str) -> Refusal:
    if reason.startswith("No such"):
        return Refusal(name, "unknown-property", "expected a property of librdkafka", suggest(name, KNOWN))
    allowed = re.search(r"outside allowed range (\S+)\.\.(\S+)", reason)
    what = f"from {allowed[1]} to {allowed[2]}" if allowed else "that librdkafka takes"
    return Refusal(name, "bad-property", f"expected a value {what} for {name}")


def _without(reason: str, properties: Mapping[str, Any]) -> str:
    """The library's reason, unless it quotes a value."""
    text = re.sub(r"^Failed to create \w+: ", "", reason).replace("`must", "` must").replace("`", "").strip()
    quoted = any(len(str(value)) > 3 and str(value) in text for value in properties.values())
    return "librdkafka refuses them" if quoted else text
