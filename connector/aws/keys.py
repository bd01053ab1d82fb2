"""The keys that a call is signed with: kept for a moment, or fetched while other calls go on; why there are none."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from connector.aws.failures import code_of
from connector.aws.sigv4 import Keys
from connector.core.sending.outcomes import Expired, Fatal, Outcome, Retryable, Status, Throttled, classify

KEPT = 1.0  # seconds that keys are used before botocore is asked again: it begins to renew them minutes ahead
NO_CREDENTIALS: Final = "no AWS credentials: the service that hands them out does not answer as AWS does"
_ROLE: Final = "check the AWS credentials: AWS refused to hand them out"
_ROLES: Final = {
    "AssumeRole": "check personalize.assume_role: allow sts:AssumeRole on role_arn to the identity this process runs "
    "as, and name that identity (and external_id, where it is set) in the role's trust policy",
    "AssumeRoleWithWebIdentity": "check the role of the service account, and that the role's trust policy names the "
    "cluster's OIDC provider and this service account",
}


class Unrenewable(Exception):
    """Credentials could not be fetched, for a reason that botocore has no exception for."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def _renew(credentials: Credentials) -> Any:
    try:
        return credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError):
        raise
    except RuntimeError:
        # botocore raises this when the credentials that it has just fetched are expired, too.
        raise Unrenewable(Expired("ExpiredToken")) from None
    except Exception as error:  # noqa: BLE001  a credential_process that prints anything, for example
        raise Unrenewable(Retryable(type(error).__name__, Status.CONNECTION, NO_CREDENTIALS)) from None


class KeysAtHand:
    """Keys that need not be fetched.

    Args:
        clock: seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock()
        self._whose: Credentials | None = None
        self._keys = Keys("", "")

    def of(self, credentials: Credentials) -> Keys | None:
        """The keys of these credentials; None where they have to be renewed."""
        now = self._clock()
        if credentials is not self._whose or now >= self._until:
            if _renewal_due(credentials):
                return None
            self._keys, self._whose, self._until = (
                _of_frozen(credentials.get_frozen_credentials()),
                credentials,
                now + KEPT,
            )
        return self._keys


def _renewal_due(credentials: Credentials) -> bool:
    renewable: Any = credentials  # or those of somebody, which are never renewed
    return bool(getattr(renewable, "refresh_needed", bool)())


def _of_frozen(frozen: Any) -> Keys:
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


async def keys_of(credentials: Credentials) -> Keys:
    """The keys of these credentials, renewed where that is due.

    Raises:
        BotoCoreError, ClientError, Unrenewable: they could not be fetched.
    """
    if not _renewal_due(credentials):
        return _of_frozen(credentials.get_frozen_credentials())
    # Fetching may take seconds. It runs in another thread, so that calls in flight go on.
    return _of_frozen(await asyncio.to_thread(_renew, credentials))


def outcome_of_fetching(error: ClientError) -> Outcome:
    """The outcome of a call for which the service that hands out credentials gave none."""
    details: Any = error.response
    code, status = code_of(error), details.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if not code:  # an error page of a proxy
        return Retryable(f"HTTP {status}", Status.CONNECTION, NO_CREDENTIALS)
    outcome = classify(code, status, details.get("Error", {}).get("Message", ""))
    match outcome:
        case Retryable() | Expired():
            return outcome
        case Throttled():
            # STS throttles, not the service that is called: slower calls would not help.
            return Retryable(code, Status.CONNECTION)
        case _:
            return Fatal(code, _ROLES.get(error.operation_name, _ROLE))
