"""Which properties librdkafka refuses, alone or together: it is asked, by making a client that has no broker.

That takes a third of a millisecond and no network. The library is loaded only when there is something to ask, since it
takes longer to load than a file to check.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.config.client_properties import (
    TLS_FILES,
    Properties,
    Refusal,
    for_producer,
    owned,
    producer_properties,
    tls_properties,
)
from connector.config.models import TlsConfig
from connector.core.words import suggest

_SILENT = logging.getLogger("connector.config.client_checks.silent")
_SILENT.disabled = True  # nobody needs the log of a client that is only made to be checked
_RANGE = re.compile(r"outside allowed range (\S+)\.\.(\S+)")
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


def refused(properties: Mapping[str, Any]) -> Iterator[Refusal]:
    """The properties that librdkafka refuses, alone or together; it is not asked for ``owned`` ones."""
    ours = {refusal.name for refusal in owned(properties)}
    good: Properties = {}
    for name, value in properties.items():
        reason = None if name in ours else _ask({name: value})
        # Alone, a property may only clash with another's default; that is for all of them together. The library checks
        # some ranges no sooner than when it makes a client (fetch.min.bytes is at least 1).
        if reason is not None and (_RANGE.search(reason) or not reason.startswith("Failed to create")):
            yield _refusal(name, reason)
        elif name not in ours:
            good[name] = value
    reason = (_ask(good) or _ask_producer(good)) if good else None
    if reason is not None:
        name = next((name for name in good if re.search(f'[`"]{re.escape(name)}[`"]', reason)), next(iter(good)))
        yield Refusal(name, "bad-property", f"expected properties that fit together: {_without(reason, good)}")


def refused_tls(tls: TlsConfig) -> Iterator[Refusal]:
    """The keys of ``tls`` whose files OpenSSL cannot use."""
    reason = _ask({"security.protocol": "SSL", **tls_properties(tls)}) if tls.files else None
    if reason is not None:
        keys = {prop: key for key, prop in TLS_FILES.items()}
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

    settings = {**_THROWAWAY, **producer_properties(for_producer(properties))}
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
    allowed = _RANGE.search(reason)
    what = f"from {allowed[1]} to {allowed[2]}" if allowed else "that librdkafka takes"
    return Refusal(name, "bad-property", f"expected a value {what} for {name}")


def _without(reason: str, properties: Mapping[str, Any]) -> str:
    """The library's reason, unless it quotes a value."""
    text = re.sub(r"^Failed to create \w+: ", "", reason).replace("`must", "` must").replace("`", "").strip()
    quoted = any(len(str(value)) > 3 and str(value) in text for value in properties.values())
    return "librdkafka refuses them" if quoted else text
