"""Classifies Kafka errors: final or temporary, and what to do.

At the start a refused login is final: somebody has to correct something, and is watching. Later it may be temporary,
because a password is being replaced or the token provider is away, so it is final only after it has lasted. TLS errors
have no code of their own, only the client's words; the table here holds the words that matter.
"""

import re
import time
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaError, KafkaException

from connector.kafka import advertised as addresses
from connector.ports import Refused

LOGIN_REFUSED_FOR = 180.0  # seconds; the kubelet takes one or two minutes to deliver a replaced secret
REFUSALS_APART = 60.0  # seconds without a refusal; the next one is a new series

_USER = "check kafka.auth: the broker does not know this user or password, or has no such mechanism at this listener"
_REFUSED: Mapping[int, str] = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "allow Read and Describe on the topics to this principal",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "allow Read on the consumer group to this principal",
    KafkaError._AUTO_OFFSET_RESET: (  # noqa: SLF001
        "kafka.auto_offset_reset is error, and a partition has no position to start from: none was committed yet, or "
        "retention has deleted it. Set earliest or latest, or the group's offsets with kafka-consumer-groups"
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "allow the operation on the cluster to this principal",
    KafkaError._FATAL: "restart; where it speaks of group.instance.id, give each process its own",  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED: _USER,
    KafkaError._AUTHENTICATION: _USER,  # noqa: SLF001
}
# Can be corrected elsewhere while this process waits: never final.
MENDED_ELSEWHERE: Mapping[int, str] = {
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: (
        "another consumer uses kafka.group_id with another assignment protocol: stop it, or set another group_id"
    ),
}
ABSENT = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001
_LOGIN = frozenset({KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._AUTHENTICATION})  # noqa: SLF001
# Words of the client, and what to do; the first that fits.
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"certificate verify failed|unable to get local issuer"),
        (
            "the brokers' certificate is not trusted here: set kafka.tls.ca_file to the certificate of the "
            "authority that signed it; it may also have expired, or be for another host name"
        ),
    ),
    (
        re.compile(r"alert (bad certificate|certificate|unknown ca|unsupported certificate|handshake failure)"),
        (
            "the brokers refuse this client's certificate: set kafka.tls.cert_file and key_file to one that has "
            "not expired and is signed by an authority that the brokers trust"
        ),
    ),
    (
        re.compile(r"PLAINTEXT broker listener|wrong version number"),
        "this listener does not speak TLS: use the port of one that does, or set kafka.tls.enabled: false",
    ),
)
_NO_TOKEN = re.compile(r"Failed to acquire SASL OAUTHBEARER token: |there is no token available")
# The client also reports a connection that breaks off during a login as a refusal.
_BROKEN = re.compile(r"Local: Broker transport failure|Request not valid in current SASL state")
_ANSWERED = re.compile(r"token: \s*[{<]")  # with JSON or a page: the provider answers, and refuses
_PROVIDER = "check token_endpoint_url, client_id, client_secret and scope of kafka.auth: the provider gives no token"


class ErrorClassifier:
    """Classifies the errors of one client, in the order in which they arrive.

    Args:
        token_outage: whether logins are refused only because this process gets no tokens, which is temporary.
        clock: seconds that never go back.
    """

    def __init__(
        self, token_outage: Callable[[], bool] = lambda: False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._token_outage = token_outage
        self._clock = clock
        self._running = False
        self._words: tuple[KafkaError, str] | None = None
        self._since = 0.0
        self._last: float | None = None
        self._no_token: float | None = None

    def running(self) -> None:
        """The start is over: the cluster has accepted this client."""
        self._running = True

    def classify(self, error: KafkaError) -> Refused | None:
        """What stops the process; None if the error may be temporary."""
        code = error.code()
        if not self._running and code == KafkaError._ALL_BROKERS_DOWN and self._words:  # noqa: SLF001
            # One broker's certificate may be being replaced right now; when all brokers fail alike, it is ours.
            why, advice = self._words
            return Refused(why.name(), why.str(), advice)
        if code in _LOGIN and not error.fatal():
            final = self._lasts(error) if self._running else not _passes(error)
            return refusal(error) if final else None
        words = advice_on(error)
        if words is not None:
            self._words = (error, words)
        return refusal(error) if error.fatal() or code in _REFUSED else None

    def _lasts(self, error: KafkaError) -> bool:
        now = self._clock()
        if _NO_TOKEN.search(error.str()):
            self._no_token = now
        # Without a new token the brokers refuse the old one. That is the provider's outage, however long it lasts.
        if self._token_outage() or (self._no_token is not None and now - self._no_token < LOGIN_REFUSED_FOR):
            return False
        if self._last is None or now - self._last > REFUSALS_APART:
            self._since = now
        self._last = now
        return now - self._since >= LOGIN_REFUSED_FOR


def _passes(error: KafkaError) -> bool:
    """Whether the cause may be only that the token provider is away, or that a broker stops."""
    text = error.str()
    return bool(_BROKEN.search(text)) or (bool(_NO_TOKEN.search(text)) and not _ANSWERED.search(text))


def advice_on(error: KafkaError) -> str | None:
    """What to do about an error that only its words explain; None for any other."""
    text = error.str()
    if _NO_TOKEN.search(text):
        return _PROVIDER
    return next((advice for words, advice in _WORDS if words.search(text)), None)


def what_to_do(error: KafkaError, servers: str) -> str | None:
    """What to do about an error, if that is known; ``servers`` is kafka.bootstrap_servers, joined with commas."""
    known = MENDED_ELSEWHERE.get(error.code())
    return advice_on(error) or addresses.advice_on(error, servers) or known


def refusal(error: KafkaError) -> Refused:
    """The error as the exception that ends the process."""
    known = _REFUSED.get(error.code(), "restart; if it comes back, look at the brokers' logs")
    return Refused(error.name(), error.str(), advice_on(error) or known)


def refused(raised: BaseException) -> Exception:
    """The exception for what a poll raised: ``Refused`` for a fatal error of the client; anything else is a bug."""
    cause = raised if isinstance(raised, KafkaException) else raised.__cause__
    return refusal(cause.args[0]) if isinstance(cause, KafkaException) else RuntimeError(type(raised).__name__)
