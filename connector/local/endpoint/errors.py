"""Every error that the endpoint can return, in one table.

PutEvents models one error, InvalidInputException. The others come from the front end of every AWS service and
are listed under "Common errors" of its reference. A client must tell them apart to retry, slow down or stop.
"""

from collections.abc import Mapping
from types import MappingProxyType

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "InvalidInputException": 400,
        "SerializationException": 400,
        "ThrottlingException": 400,
        "BadRequestException": 400,
        "AccessDeniedException": 403,
        "ExpiredTokenException": 403,
        "IncompleteSignatureException": 403,
        "InvalidSignatureException": 403,
        "MissingAuthenticationTokenException": 403,
        "UnrecognizedClientException": 403,
        "ResourceNotFoundException": 404,
        "UnknownOperationException": 404,
        "ResourceInUseException": 409,
        "RequestEntityTooLargeException": 413,
        "UnsupportedMediaTypeException": 415,
        "RequestHeaderFieldsTooLargeException": 431,
        "InternalFailure": 500,
        "ServiceUnavailable": 503,
    }
)


class ServiceError(Exception):
    """The call is refused. ``code`` is a key of ``STATUS``; the message names members and rules, never values.

    ``status`` overrides the table for a code that AWS returns with two statuses (throttling: 400 or 429).
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or STATUS[code]


def invalid_input(message: str) -> ServiceError:
    """The error that all operations model; PutEvents models no other."""
    return ServiceError("InvalidInputException", message)
