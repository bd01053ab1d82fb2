"""Every answer of the service has an outcome, even one with an unknown code.

AWS's codes are translated here, once, by code and then by status. What follows from an outcome is decided elsewhere, by
``match``.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from connector.core.operations import PUT_EVENTS, Operation


class Status(StrEnum):
    """How a request ended, as counted in ``putevents_requests_total``. Values are a contract."""

    OK = "ok"
    THROTTLED = "throttled"
    INVALID_INPUT = "invalid_input"
    DENIED = "denied"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"


class Delivered(NamedTuple):
    """The service has taken all entries of the call."""

    status: Status = Status.OK


class Throttled(NamedTuple):
    """Over the rate: slow down, send again."""

    code: str
    status: Status = Status.THROTTLED


class Retryable(NamedTuple):
    """An outage, on the way or at the service; or unknown, as when the answer got lost. Send again.

    ``detail`` says which host and what kind of failure, where the code alone does not.
    """

    code: str
    status: Status
    detail: str = ""


class Rejected(NamedTuple):
    """The service will not have this call as it is: one of its entries is bad, or the tracking id or ARN is."""

    code: str
    status: Status = Status.INVALID_INPUT


class Expired(NamedTuple):
    """The credentials are too old, or the clock is wrong: refresh them once, then it is fatal."""

    code: str
    status: Status = Status.DENIED


class Fatal(NamedTuple):
    """No call will succeed until somebody changes the configuration. ``advice`` says what to check."""

    code: str
    advice: str
    status: Status = Status.DENIED


Outcome = Delivered | Throttled | Retryable | Rejected | Expired | Fatal

_CREDENTIALS = (
    "check the AWS credentials: the access key or the session token is unknown, inactive or of another partition, "
    "or the region is not enabled for the account"
)
_UNSIGNED = "check personalize.endpoint_url, and that nothing between here and AWS removes the Authorization header"
_SIGNATURE = "check the secret access key, the region, and that nothing between here and AWS rewrites requests"
_UNKNOWN = "check the region and personalize.endpoint_url: the service there does not know what was asked for"
_CLOCK = "refresh the AWS credentials, and check this machine's clock"

IN_USE: Final = "ResourceInUseException"  # a dataset is being imported into, changed or deleted
_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "TransactionInProgressException",
        "EC2ThrottledException",
        "ProvisionedThroughputExceededException",
    }
)
_RETRYABLE = frozenset(
    {
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ServiceFailure",
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestAbortedException",
        IN_USE,
    }
)
_REJECTED = frozenset({"InvalidInputException", "ValidationException", "ValidationError", "SerializationException"})
_EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired", "RequestTimeTooSkewed"})
_CLOCK_WORDS = ("expired", "not yet current")


def _permission(of: Operation) -> str:
    """What a denial asks for, by AWS's service authorization reference."""
    resource = '"Resource": "*" (the action has no resource types)'
    if of.target == "datasetArn":
        resource = f"the ARN of the dataset (personalize.{of.setting}, or a rule's datasetArn)"
    return (
        f"allow personalize:{of.name} on {resource} to the role this process runs as, and look for a deny in its "
        "permissions boundary, service control policies, and the policy of a VPC endpoint"
    )


def _missing(of: Operation) -> str:
    """What to check where the service does not know the target of a call."""
    if of.target == "datasetArn":
        return (
            f"check personalize.{of.setting} (or a rule's datasetArn): that the {of.noun}s dataset exists and is "
            "active, and that the ARN has the region and the account that are called; then personalize.region"
        )
    dataset = "" if of is PUT_EVENTS else " and that its dataset group has an action interactions dataset,"
    return (
        "check personalize.tracking_id (or a rule's trackingId): that its event tracker exists and is active,"
        f"{dataset} in the region that is called; then personalize.region and personalize.endpoint_url"
    )


_FATAL: Mapping[str, str | Callable[[Operation], str]] = {
    "AccessDeniedException": _permission,
    "AccessDenied": _permission,
    "NotAuthorized": _permission,
    "UnauthorizedOperation": _permission,
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "MissingAuthenticationTokenException": _UNSIGNED,
    "MissingAuthenticationToken": _UNSIGNED,
    "OptInRequired": "enable the region and the service for this account, or change personalize.region",
    "InvalidSignatureException": _SIGNATURE,
    "SignatureDoesNotMatch": _SIGNATURE,
    "IncompleteSignatureException": _SIGNATURE,
    "IncompleteSignature": _SIGNATURE,
    "ResourceNotFoundException": _missing,
    "UnknownOperationException": _UNKNOWN,
    "InvalidAction": _UNKNOWN,
    "MissingAction": _UNKNOWN,
}


def classify(code: str, status: int, message: str = "", of: Operation = PUT_EVENTS) -> Outcome:
    """The outcome of a refusal by AWS; whether it is one, answers.py says.

    Args:
        code: the error code as botocore parses it, without namespace; empty where none came.
        status: the HTTP status.
        message: the service's words; looked at where the code alone does not tell, never kept.
        of: the operation that was called, for the advice.
    """
    if code in _EXPIRED or (code in _FATAL and any(words in message.lower() for words in _CLOCK_WORDS)):
        # A signature that comes too late or too early has the code of a wrong one; only its message tells.
        return Expired(code)
    if code in _THROTTLED:
        return Throttled(code)
    if code in _RETRYABLE:
        return Retryable(code, Status.SERVER_ERROR)
    if code in _REJECTED:
        return Rejected(code)
    if code in _FATAL:
        advice = _FATAL[code]
        return Fatal(code, advice if isinstance(advice, str) else advice(of))
    return _by_status(code or f"HTTP {status}", status, of)


def _by_status(code: str, status: int, of: Operation) -> Outcome:
    match status:
        case 429:
            return Throttled(code)
        case 408 | 409 | 425:
            return Retryable(code, Status.SERVER_ERROR)
        case 400 | 413 | 422:
            return Rejected(code)
        case 401 | 403:
            return Fatal(code, _permission(of))
        case _ if status >= 500 or status < 400:
            return Retryable(code, Status.SERVER_ERROR)
        case _:
            return Fatal(code, _UNKNOWN)


def described(outcome: Retryable) -> str:
    """Why a call is sent again: its code, and what is known beyond that."""
    return f"{outcome.code}: {outcome.detail}" if outcome.detail else outcome.code


def expired_for_good(outcome: Expired) -> Fatal:
    """Fresh credentials were refused as too old, too."""
    return Fatal(outcome.code, _CLOCK)
