"""An answer counts only if the service itself gave it; any other is an outage.

A proxy, a captive portal, a load balancer or a mistyped URL answers, too, often with 200 and a page. Taken for an
acceptance, such an answer loses records; its 400, taken for a rejection, sends good records to the dead letters. AWS
puts its own headers on every answer, whatever the status. An answer without them is retried, and what answered is
logged.

The headers are those that AWS's SDKs read; ``__type`` is how the JSON protocols name an error in the body.
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
"""

from collections.abc import Mapping

import orjson

from connector.core.sending.outcomes import Fatal, Outcome, Retryable, Status, Throttled

REQUEST_IDS = ("x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id")
ERROR_TYPE = "x-amzn-errortype"
NOTHING = frozenset({b"", b"{}"})  # what PutEvents answers with; emulators send the empty object
SHOWN = 60  # characters of a header
CERTIFICATE_GRACE = 180.0  # seconds in which an untrusted certificate is retried; as long as a refused login to Kafka

Headers = Mapping[str, str]  # names in lower case


def accepted(status: int, headers: Headers, content: bytes) -> bool:
    """Whether the service has taken the events of the call."""
    return status == 200 and content.strip() in NOTHING and _has_request_id(headers)


def refused(status: int, headers: Headers, content: bytes) -> bool:
    """Whether the service itself refuses the call, so that code and status mean what AWS says they mean."""
    return status >= 400 and (_has_request_id(headers) or ERROR_TYPE in headers or _names_its_type(content))


def _has_request_id(headers: Headers) -> bool:
    return any(headers.get(name) for name in REQUEST_IDS)


def _names_its_type(content: bytes) -> bool:
    if b'"__type"' not in content:
        return False
    try:
        error = orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return isinstance(error, dict) and isinstance(error.get("__type"), str)


def not_the_service(status: int, headers: Headers, content: bytes, host: str) -> Outcome:
    """The outcome of an answer that is not the service's; names what answered, never what it said.

    A bare 429 of a gateway still means what it says: slow down.
    """
    if status == 429:
        return Throttled(f"HTTP {status}")
    seen = [
        f"server {_shown(headers.get('server'))}",
        f"content type {_shown(headers.get('content-type'))}",
        f"{'with' if _has_request_id(headers) else 'no'} x-amzn-RequestId",
        f"{len(content)} bytes",
    ]
    return Retryable(
        f"HTTP {status}",
        Status.SERVER_ERROR if status >= 500 else Status.CONNECTION,
        f"this answer of {host} is not Amazon Personalize's ({', '.join(seen)}): "
        "check personalize.endpoint_url and the proxies on the way",
    )


def _shown(value: str | None) -> str:
    if not value:
        return "unknown"
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in value[:SHOWN])


class Certificates:
    """Whether a certificate that is not trusted is a wrong configuration or an outage.

    Before any answer it is the configuration: no bundle of authorities, the wrong host, a certificate that expired.
    After one, the configuration was right. Then something on the way has changed, and may change back.
    """

    def __init__(self) -> None:
        self._trusted = False
        self._since: float | None = None

    def on_answer(self) -> None:
        """The other side answered, so its certificate is trusted."""
        self._trusted = True
        self._since = None

    def on_untrusted(self, code: str, detail: str, now: float) -> Retryable | Fatal:
        """The outcome of a call that ended at the certificate; ``now`` in seconds."""
        if self._since is None:
            self._since = now
        if self._trusted and now - self._since < CERTIFICATE_GRACE:
            return Retryable(code, Status.CONNECTION, detail)
        return Fatal(
            code,
            f"{detail}: where a private authority signed it, name a bundle of certificates in AWS_CA_BUNDLE; "
            "otherwise check the host name, the certificate's dates, and this machine's clock",
            Status.CONNECTION,
        )
