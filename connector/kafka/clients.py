"""Makes the Kafka clients of this process, and follows the secrets and certificates that they log in with.

librdkafka reads its configuration once, when a client is made. A running client accepts only a new user name and
password. New certificates need new clients, so the process restarts, once, when the new files fit together. For MSK the
client asks a callback for tokens from a thread of its own, and **nothing raises out of that callback**.
"""

import hashlib
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from botocore.exceptions import ClientError
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from connector.aws.credentials import NotConfigured
from connector.aws.failures import code_of, untrusted, verdict
from connector.config.auth import MskIamAuth, OidcAuth, PlainAuth, ScramAuth
from connector.config.client_checks import refused_tls
from connector.config.models import KafkaConfig
from connector.kafka.certificates import expires
from connector.kafka.msk_tokens import Tokens
from connector.logs import LogLimiter
from connector.metrics import Metrics
from connector.ports import Environment, Unavailable

log = structlog.get_logger()

INTERVAL = 10.0  # seconds between two looks at the files
SPREAD = 300.0  # seconds over which the members of a group restart, so that not all do at once
SHARE = 10  # or, if a certificate expires sooner, this part of the time that it has left
SOON = timedelta(days=3)  # before a certificate expires, a warning is logged
DAY = 86_400.0  # seconds between two such warnings


class _Consumer(Consumer):
    """A consumer that weak references can point to: the library's own type does not allow that."""


class _Producer(Producer):
    """The same for a producer."""


class ClientFactory:
    """Makes the clients of one process, and keeps what they log in with.

    Args:
        kafka: the section of the file.
        metrics: where failures are counted.
        environment: time and chance.

    Raises:
        NotConfigured: for ``msk_iam``, there is no region, or there are no credentials, or AWS refuses the role.
        Unavailable: for ``msk_iam``, AWS does not answer.
    """

    def __init__(self, kafka: KafkaConfig, metrics: Metrics, environment: Environment) -> None:
        self._kafka = kafka
        self._environment = environment
        self._limiter = LogLimiter(60.0, environment.clock)
        self._warnings = LogLimiter(DAY, environment.clock)
        # Weak, since a client belongs to its caller: the dead letters replace their producers.
        self._clients: weakref.WeakSet[Consumer | Producer] = weakref.WeakSet()
        self._tokens = _tokens(kafka.auth, metrics, environment) if isinstance(kafka.auth, MskIamAuth) else None
        self._user = _user(kafka.auth)
        self._ends = _certificate_ends(kafka)
        self._digest = _digest(kafka)
        self._next = environment.clock()
        self._due: float | None = None

    def consumer(self, configuration: dict[str, Any]) -> Consumer:
        """A consumer that logs in with the current secrets."""
        client = _Consumer({**configuration, **self._current()})
        self._clients.add(client)
        return client

    def asker(self, configuration: dict[str, Any]) -> Consumer:
        """A consumer for one question, in any thread; it does not live long enough to need a new password."""
        return Consumer({**configuration, **self._current()})

    def admin(self, configuration: dict[str, Any]) -> AdminClient:
        """A client for one question about groups or topics."""
        return AdminClient({**configuration, **self._current()})

    def producer(self, configuration: dict[str, Any]) -> Producer:
        """A producer that logs in with the current secrets."""
        client = _Producer({**configuration, **self._current()})
        self._clients.add(client)
        return client

    def _current(self) -> dict[str, Any]:
        if self._tokens is not None:
            return {"oauth_cb": self._tokens}
        return {} if self._user is None else {"sasl.username": self._user[0], "sasl.password": self._user[1]}

    def token_outage(self) -> bool:
        """Whether logins are refused only because AWS issues no credentials at the moment."""
        return self._tokens is not None and self._tokens.failing

    def restart_due(self) -> bool:
        """Look at the files, if it is time. Returns whether the process has to restart with them now."""
        now = self._environment.clock()
        if now >= self._next:
            self._next = now + INTERVAL
            self._look_at_user()
            self._look_at_files(now)
            self._warn_of_end()
        return self._due is not None and now >= self._due

    def _look_at_user(self) -> None:
        auth = self._kafka.auth
        if self._user is None or not isinstance(auth, PlainAuth | ScramAuth) or not auth.references:
            return
        user = _user(auth.reread())
        if user is None or user == self._user:
            return
        self._user = user
        for client in self._clients:
            try:
                client.set_sasl_credentials(*user)
            except KafkaException as error:
                log.error("a Kafka client refuses the new password", code=error.args[0].name())
        log.info("the password in the file has changed: new connections log in with it")

    def _look_at_files(self, now: float) -> None:
        if self._due is not None or (digest := _digest(self._kafka)) == self._digest:
            return
        if not self._whole():
            if self._limiter.allow(("files",)):
                log.warning(
                    "the files of kafka.tls or kafka.auth have changed and do not fit together: "
                    "the old ones stay in use until they do"
                )
            return
        self._digest = digest
        left = SPREAD * SHARE if self._ends is None else self._ends.timestamp() - self._environment.wall()
        delay = self._environment.chance() * max(0.0, min(SPREAD, left / SHARE))
        self._due = now + delay
        log.warning(
            "certificates or a secret for Kafka have changed: everything read is delivered, then the connector "
            "restarts with them",
            in_seconds=round(delay, 1),
            old_expires=_text(self._ends),
            new_expires=_text(_certificate_ends(self._kafka)),
        )

    def _whole(self) -> bool:
        tls, auth = self._kafka.tls.reread(), self._kafka.auth
        if tls is None or any(refused_tls(tls)):
            return False
        return not isinstance(auth, OidcAuth) or auth.reread() is not None

    def _warn_of_end(self) -> None:
        wall = datetime.fromtimestamp(self._environment.wall(), UTC)
        if self._ends is not None and self._ends - wall < SOON and self._warnings.allow(("end",)):
            log.warning(
                "the client's certificate expires soon: after that no new connection to Kafka succeeds",
                expires=_text(self._ends),
                what_to_do="replace the files of kafka.tls.cert_file and key_file; the connector notices",
            )


def _user(auth: Any) -> tuple[str, str] | None:
    if isinstance(auth, PlainAuth | ScramAuth):
        return auth.username, auth.password.get_secret_value()
    return None


def _tokens(auth: MskIamAuth, metrics: Metrics, environment: Environment) -> Tokens:
    def failed(kind: str) -> None:
        metrics.kafka_errors.labels(kind).inc()

    try:
        tokens = Tokens(auth.region, auth.role_arn, failed, environment.wall)
        tokens.make()
    except NotConfigured as error:
        raise NotConfigured(f"for kafka.auth of type msk_iam: {error}") from None
    except ClientError as error:
        code = code_of(error)
        if not code:  # a proxy's page
            raise _no_answer("HTTP") from None
        raise NotConfigured(
            f"kafka.auth: AWS issues no credentials ({code}): check role_arn, its trust policy, and who assumes it"
        ) from None
    except Exception as error:  # noqa: BLE001  a page makes botocore raise much that is no BotoCoreError
        certificate = untrusted(error)
        if certificate is not None:
            raise NotConfigured(
                "kafka.auth: no AWS credentials for Kafka: the certificate of the server that issues them is not "
                f"trusted ({verdict(certificate)}): name a bundle of certificates in AWS_CA_BUNDLE"
            ) from None
        raise _no_answer(type(error).__name__) from None
    return tokens


def _no_answer(kind: str) -> Unavailable:
    return Unavailable(
        f"kafka.auth: no AWS credentials for Kafka ({kind}): AWS, or the agent that issues them, does not answer, "
        "or something answers in its place"
    )


def _watched(kafka: KafkaConfig) -> Iterator[str]:
    """The files whose content only a new client reads."""
    yield from kafka.tls.files.values()
    yield from kafka.tls.references.values()
    if isinstance(kafka.auth, OidcAuth):
        yield from kafka.auth.references.values()


def _digest(kafka: KafkaConfig) -> bytes:
    digest = hashlib.sha256()
    for path in _watched(kafka):
        try:
            content = Path(path).read_bytes()
        except OSError:
            content = b""
        digest.update(b"%d:" % len(content) + content)
    return digest.digest()


def _certificate_ends(kafka: KafkaConfig) -> datetime | None:
    if kafka.tls.cert_file is None:
        return None
    try:
        return expires(Path(kafka.tls.cert_file).read_bytes())
    except OSError:
        return None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
