"""Tokens for IAM of Amazon MSK: a presigned URL that identifies the caller, in base64.

The broker takes the URL out of the token and asks AWS about it; this process never requests it. A test compares a token
with that of AWS's own library. librdkafka calls ``Tokens`` from a thread of its own when four fifths of the previous
token's lifetime have passed. On a failure ``Tokens`` returns the last token: after an exception nobody asks again.
"""

import base64
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import structlog
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from connector import __version__
from connector.aws.credentials import NotConfigured, Role, client_config, find_credentials, new_session
from connector.logs import LogLimiter

log = structlog.get_logger()

SIGNED_FOR: Final = 900  # seconds, the most that MSK takes
CLAIMED: Final = 600.0  # seconds: botocore's credentials have as much left, and a token lives no longer than they do
AGAIN: Final = 15.0  # seconds that an old token claims to last, so that a new one is requested soon
TIMEOUT: Final = 5.0  # seconds to wait for the service that issues credentials
SESSION_NAME: Final = "putevents-connector"


class Token(NamedTuple):
    """``expires`` is in Unix seconds, as confluent-kafka wants it; librdkafka and AWS's library count milliseconds."""

    text: str
    expires: float


def sign(region: str, keys: Any) -> str:
    """A token for any cluster of the region, good for ``SIGNED_FOR`` seconds from now; ``keys`` are botocore's."""
    url = f"https://kafka.{region}.amazonaws.com/"
    request = AWSRequest("GET", url, params={"Action": "kafka-cluster:Connect"})
    SigV4QueryAuth(keys, "kafka-cluster", region, expires=SIGNED_FOR).add_auth(request)
    signed = f"{request.url}&User-Agent={quote(f'putevents-connector/{__version__}', safe='')}"
    return base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


class Tokens:
    """The callback that gives librdkafka its tokens, for all clients of a process.

    Args:
        region: of the cluster; None is for AWS's chain to find.
        role_arn: a role to assume for Kafka, or None.
        failed: called with the kind of every failure.
        wall: Unix seconds.

    Raises:
        NotConfigured: there is no region, or there are no credentials.
    """

    def __init__(
        self,
        region: str | None,
        role_arn: str | None,
        failed: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._session = new_session(region, client_config(TIMEOUT))
        self._role = None if role_arn is None else Role(role_arn, None, SESSION_NAME)
        self._region = self._session.get_config_variable("region")
        if not self._region:
            raise NotConfigured("no AWS region: expected kafka.auth.region, AWS_REGION, or one in the profile")
        self._credentials = find_credentials(self._session, self._role)
        self._failed = failed
        self._wall = wall
        self._limiter = LogLimiter(60.0)
        self._last = Token("", 0.0)
        self.failing = False

    def make(self) -> Token:
        """A new token; raises whatever botocore does."""
        if not hasattr(self._credentials, "refresh_needed"):
            # Keys in a file or the environment may have been replaced without notice.
            self._session = new_session(self._region, client_config(TIMEOUT))
            self._credentials = find_credentials(self._session, self._role)
        self._last = Token(sign(self._region, self._credentials.get_frozen_credentials()), self._wall() + CLAIMED)
        return self._last

    def __call__(self, _: str | None = None) -> tuple[str, float]:
        """What librdkafka asks for; never raises.

        Without a new token the last one stays in use: it is valid for five minutes more than it claims. The next one is
        requested soon. Once the last one is too old the brokers refuse it, see ``failing``.
        """
        try:
            text, expires = self.make()
        except Exception as error:  # noqa: BLE001  an exception would end the renewal, and cost messages in some versions
            self._report(error)
            return self._last.text, self._wall() + AGAIN
        if self.failing:
            log.info("Kafka's tokens are renewed again")
        self.failing = False
        return text, expires

    def _report(self, error: Exception) -> None:
        self.failing = True
        kind = type(error).__name__
        self._failed(kind)
        if self._limiter.allow((kind,)):
            log.error(
                "no new token for Kafka: the last one stays in use, and a new one is requested every few seconds",
                kind=kind,
                good_for_seconds=round(max(0.0, self._last.expires + SIGNED_FOR - CLAIMED - self._wall())),
                what_to_do="check kafka.auth, and that AWS's token service or the credentials' agent answers",
            )
