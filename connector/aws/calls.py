"""Makes one call of any operation and turns its result into an Outcome.

boto3 resolves endpoint, proxies, certificates and model, and in credentials.py region and credentials. But a boto3
client validates and serialises again what is validated and serialised already, which costs ten times as much. So
bodies.py joins the body from the entries' JSON, sigv4.py signs it and http.py sends it. Tests compare the request with
the one that boto3 sends for each operation, and the signature with botocore's.

Only the loop retries: every call is tried once here. One exception: the service refuses expired credentials before it
reads the events, so the call is sent again with fresh credentials.
"""

import asyncio
import threading
import time
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.parsers import create_parser
from botocore.session import Session

from connector.aws.bodies import body
from connector.aws.credentials import (
    CONNECT_TIMEOUT,
    Account,
    NotConfigured,
    client_config,
    find_credentials,
    new_session,
)
from connector.aws.failures import CallFailed, code_of, untrusted, verdict
from connector.aws.http import Connections, Response
from connector.aws.origin import Origin, origin_of
from connector.aws.sigv4 import Keys, Signer
from connector.core.operations import OPERATIONS, Operation
from connector.core.sending import answers
from connector.core.sending.answers import Certificates
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import (
    Delivered,
    Expired,
    Fatal,
    Outcome,
    Retryable,
    Status,
    Throttled,
    classify,
    expired_for_good,
)

SERVICE: Final = "personalize-events"
NO_CREDENTIALS: Final = "no AWS credentials: the service that hands them out does not answer as AWS does"
_ROLE: Final = "check the AWS credentials: AWS refused to hand them out"
_ROLES: Final = {
    "AssumeRole": "check personalize.assume_role: allow sts:AssumeRole on role_arn to the identity this process runs "
    "as, and name that identity (and external_id, where it is set) in the role's trust policy",
    "AssumeRoleWithWebIdentity": "check the role of the service account, and that the role's trust policy names the "
    "cluster's OIDC provider and this service account",
}


class Form(NamedTuple):
    """What is the same for every call of one operation: how it is signed, its first lines, what it may answer."""

    signer: Signer
    head: bytes
    output: Any


class EventsClient:
    """Makes calls, one a batch, in one asyncio loop.

    Args:
        account: region, endpoint, role.
        timeout: seconds to wait for a response at most.

    Raises:
        NotConfigured: the region, the credentials or the file of certificates are missing.
    """

    def __init__(self, account: Account, timeout: float) -> None:
        self._account = account
        self._config = client_config(timeout)
        self._renewing = threading.Lock()
        session = self._session()
        self._credentials = self._find_credentials(session)
        meta = _client(session, account.endpoint_url).meta
        self.endpoint = str(meta.endpoint_url)
        self.region = str(meta.region_name)
        origin = origin_of(session, self.endpoint)
        self._forms = {operation: self._form(operation, origin, meta) for operation in OPERATIONS}
        self._connections = Connections(origin, CONNECT_TIMEOUT, timeout, time.monotonic)
        self._parser = create_parser(meta.service_model.metadata["protocol"])
        self._where = origin.where
        self._clock = time.monotonic
        self._certificates = Certificates()
        self._certificates_of_credentials = Certificates()  # of the services that hand out credentials

    def _form(self, operation: Operation, origin: Origin, meta: Any) -> Form:
        model = meta.service_model.operation_model(operation.name)
        url = self.endpoint.rstrip("/") + model.http["requestUri"]
        signer = Signer(url, meta.service_model.signing_name, self.region)
        constant = {"User-Agent": meta.config.user_agent, "Accept-Encoding": "identity"}
        return Form(signer, origin.head(signer.path, constant), model.output_shape)

    def _session(self) -> Session:
        return new_session(self._account.region, self._config)

    def _find_credentials(self, session: Session) -> Credentials:
        return find_credentials(session, self._account.role)

    async def send(self, batch: Batch) -> Outcome:
        """Send the batch's entries. Never raises for anything that a network or a service can do."""
        used = self._credentials
        outcome = await self._try(batch, used)
        if not isinstance(outcome, Expired):
            return outcome
        try:
            outcome = await self._try(batch, await asyncio.to_thread(self._renewed, used))
        except NotConfigured:
            return Fatal("NoCredentials", "check the AWS credentials: they have expired, and there are no others")
        return expired_for_good(outcome) if isinstance(outcome, Expired) else outcome

    async def _try(self, batch: Batch, credentials: Credentials) -> Outcome:
        form = self._forms[batch.operation]
        try:
            keys = await _keys(credentials)
            content = body(batch)
            response = await self._connections.post(_signed(form, keys, content), content)
        except CallFailed as failure:
            if failure.untrusted:
                return self._certificates.on_untrusted(failure.code, failure.detail, self._clock())
            return Retryable(failure.code, Status.TIMEOUT if failure.timed_out else Status.CONNECTION, failure.detail)
        except ClientError as error:
            # Raised by the call that fetches credentials (STS), not by the call itself.
            return _of_credentials(error)
        except BotoCoreError as error:
            return self._without_credentials(error)
        except _Unrenewable as error:
            return error.outcome
        self._certificates.on_answer()
        self._certificates_of_credentials.on_answer()
        return self._meaning(response, batch.operation)

    def _without_credentials(self, error: BotoCoreError) -> Outcome:
        kind, certificate = type(error).__name__, untrusted(error)
        # Only the host: the URL may hold a user and a password.
        host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname
        who = host or "the service that hands them out"
        if certificate is not None:
            said = f"tls: no AWS credentials, the certificate of {who} is not trusted ({verdict(certificate)})"
            return self._certificates_of_credentials.on_untrusted(kind, said, self._clock())
        # A metadata or token service is down, or another program responds in its place. Both pass, so retry.
        return Retryable(kind, Status.CONNECTION, f"no AWS credentials: {who} does not answer as AWS does")

    def _meaning(self, response: Response, operation: Operation) -> Outcome:
        status, headers, content = response
        if answers.accepted(status, headers, content):
            return Delivered()
        if answers.refused(status, headers, content):
            return self._refusal(response, operation)
        return answers.not_the_service(status, headers, content, self._where)

    def _renewed(self, used: Credentials) -> Credentials:
        """Fresh credentials from the whole chain. Of all calls that found them expired, only one runs the chain."""
        with self._renewing:
            if self._credentials is used:
                self._credentials = self._find_credentials(self._session())
            return self._credentials

    def _refusal(self, response: Response, operation: Operation) -> Outcome:
        status = response.status
        parts = {"status_code": status, "headers": response.headers, "body": response.content}
        try:
            error = self._parser.parse(parts, self._forms[operation].output).get("Error", {})
        except Exception:  # noqa: BLE001  the body may be cut short; the status is enough
            error = {}
        code, message = _own_code(str(error.get("Code", "")), status), str(error.get("Message", ""))
        return classify(code, status, message, operation)

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()


class _Unrenewable(Exception):
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
        raise _Unrenewable(Expired("ExpiredToken")) from None
    except Exception as error:  # noqa: BLE001  a credential_process that prints anything, for example
        raise _Unrenewable(Retryable(type(error).__name__, Status.CONNECTION, NO_CREDENTIALS)) from None


async def _keys(credentials: Credentials) -> Keys:
    # Fetching may take seconds. It runs in another thread, so that calls in flight go on.
    renewable: Any = credentials
    frozen: Any
    if getattr(renewable, "refresh_needed", bool)():
        frozen = await asyncio.to_thread(_renew, credentials)
    else:
        frozen = credentials.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


def _signed(form: Form, keys: Keys, content: bytes) -> bytes:
    headers = form.signer.headers(keys, content, time.time())
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return b"%b%bContent-Length: %d\r\n\r\n" % (form.head, lines.encode(), len(content))


def _own_code(code: str, status: int) -> str:
    # Where a response names no error, the parser uses the status as its code.
    return "" if code == str(status) else code


def _of_credentials(error: ClientError) -> Outcome:
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


def _client(session: Session, endpoint_url: str | None) -> Any:
    try:
        client = boto3.Session(botocore_session=session).client(SERVICE, endpoint_url=endpoint_url)
    except NoRegionError as error:
        raise NotConfigured(
            "no AWS region: expected personalize.region, AWS_REGION, AWS_DEFAULT_REGION, or one in the profile"
        ) from error
    except (BotoCoreError, ValueError) as error:
        said = "an endpoint URL is not valid" if "@" in str(error) else f"{error}"  # it quotes the URL
        raise NotConfigured(f"no client for Amazon Personalize: {said}") from None
    _check_endpoint(str(client.meta.endpoint_url))
    return client


def _check_endpoint(url: str) -> None:
    """Check an endpoint from the environment or a profile: no other check has seen it, and logs show it."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NotConfigured(
            "expected an endpoint URL without user, password, query and fragment (personalize.endpoint_url, "
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS, AWS_ENDPOINT_URL, or endpoint_url in the AWS profile): "
            "calls are signed, and AWS takes no password"
        )
