"""One call on the wire becomes an Outcome; the only place that knows how AWS answers.

boto3 resolves endpoint, proxies, certificates and model, and in credentials.py region and credentials. But
``client.put_events`` validates again what is validated already and serialises again what is serialised already, at ten
times the price; so the body is put together from the entries' JSON, signed by aws/sigv4.py and sent by wire.py.
Tests hold the request equal to the one that the client would have sent, and the signature to botocore's.

There is one owner of retries, and it is the loop: every call here is tried once, except that credentials which turn
out too old are replaced and the call sent again, since the service has not looked at it.
"""

import asyncio
import os
import ssl
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import orjson
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.httpsession import get_cert_path
from botocore.parsers import create_parser
from botocore.session import Session
from botocore.utils import get_environ_proxies

from connector.aws.credentials import (
    CONNECT_TIMEOUT,
    Account,
    NotConfigured,
    client_config,
    find_credentials,
    new_session,
)
from connector.aws.failures import CallFailed, code_of, untrusted, verdict
from connector.aws.http import Connections, Origin, Response
from connector.aws.sigv4 import Keys, Signer
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


class Wire:
    """Sends batches, each in a call of its own, within one asyncio loop.

    Args:
        account: region, endpoint, role.
        timeout: seconds to wait for an answer.

    Raises:
        NotConfigured: there is no region, or there are no credentials, or no certificates where they should be.
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
        operation = meta.service_model.operation_model("PutEvents")
        url = self.endpoint.rstrip("/") + operation.http["requestUri"]
        self._signer = Signer(url, meta.service_model.signing_name, self.region)
        origin = _origin(session, url)
        constant = {"User-Agent": meta.config.user_agent, "Accept-Encoding": "identity"}
        self._head = origin.head(self._signer.path, constant)
        self._connections = Connections(origin, CONNECT_TIMEOUT, timeout, time.monotonic)
        self._output_shape = operation.output_shape
        self._parser = create_parser(meta.service_model.metadata["protocol"])
        self._where = origin.where
        self._clock = time.monotonic
        self._certificates = Certificates()
        self._certificates_of_others = Certificates()  # of those who hand out credentials

    def _session(self) -> Session:
        return new_session(self._account.region, self._config)

    def _find_credentials(self, session: Session) -> Credentials:
        return find_credentials(session, self._account.role)

    async def send(self, batch: Batch) -> Outcome:
        """Send the batch's events; never raises for anything that a network or a service can do."""
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
        try:
            keys = await _keys(credentials)
            content = body(batch)
            response = await self._connections.post(self._sign(keys, content), content)
        except CallFailed as failure:
            if failure.untrusted:
                return self._certificates.on_untrusted(failure.code, failure.detail, self._clock())
            return Retryable(failure.code, Status.TIMEOUT if failure.timed_out else Status.CONNECTION, failure.detail)
        except ClientError as error:
            # Not of PutEvents: credentials are fetched by calls of their own, to STS.
            return _of_credentials(error)
        except BotoCoreError as error:
            return self._without_credentials(error)
        except _Unrenewable as error:
            return error.outcome
        self._certificates.on_answer()
        self._certificates_of_others.on_answer()
        return self._meaning(response)

    def _without_credentials(self, error: BotoCoreError) -> Outcome:
        kind, certificate = type(error).__name__, untrusted(error)
        # Of the URL only the host: it may hold a user and a password.
        host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname
        who = host or "the service that hands them out"
        if certificate is not None:
            said = f"tls: no AWS credentials, the certificate of {who} is not trusted ({verdict(certificate)})"
            return self._certificates_of_others.on_untrusted(kind, said, self._clock())
        # Metadata and token services that do not answer, or not as AWS does: as passing as any outage.
        return Retryable(kind, Status.CONNECTION, f"no AWS credentials: {who} does not answer as AWS does")

    def _meaning(self, response: Response) -> Outcome:
        status, headers, content = response
        if answers.accepted(status, headers, content):
            return Delivered()
        if answers.refused(status, headers, content):
            return self._refusal(response)
        return answers.not_the_service(status, headers, content, self._where)

    def _sign(self, keys: Keys, content: bytes) -> bytes:
        headers = self._signer.headers(keys, content, time.time())
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return b"%b%bContent-Length: %d\r\n\r\n" % (self._head, lines.encode(), len(content))

    def _renewed(self, used: Credentials) -> Credentials:
        """Credentials resolved anew, the whole chain from the start; by one thread for all that found them too old."""
        with self._renewing:
            if self._credentials is used:
                self._credentials = self._find_credentials(self._session())
            return self._credentials

    def _refusal(self, response: Response) -> Outcome:
        status = response.status
        answer = {"status_code": status, "headers": response.headers, "body": response.content}
        try:
            error = self._parser.parse(answer, self._output_shape).get("Error", {})
        except Exception:  # noqa: BLE001  a body that is cut short, say: the status has to do
            error = {}
        return classify(_own_code(str(error.get("Code", "")), status), status, str(error.get("Message", "")))

    def close(self) -> None:
        """Close the connections that are kept."""
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
        # botocore's word for credentials that were fetched anew and had expired already.
        raise _Unrenewable(Expired("ExpiredToken")) from None
    except Exception as error:  # noqa: BLE001  a credential_process that prints anything, for example
        raise _Unrenewable(Retryable(type(error).__name__, Status.CONNECTION, NO_CREDENTIALS)) from None


async def _keys(credentials: Credentials) -> Keys:
    # What must be fetched is fetched elsewhere: it may take seconds, and calls that are under way go on meanwhile.
    renewable: Any = credentials
    frozen: Any
    if getattr(renewable, "refresh_needed", bool)():
        frozen = await asyncio.to_thread(_renew, credentials)
    else:
        frozen = credentials.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


def body(batch: Batch) -> bytes:
    """The request's JSON, put together from what the entries hold already."""
    user = b"" if batch.user_id is None else b'"userId":%b,' % orjson.dumps(batch.user_id)
    return b'{"trackingId":%b,%b"sessionId":%b,"eventList":[%b]}' % (
        orjson.dumps(batch.tracking_id),
        user,
        orjson.dumps(batch.session_id),
        b",".join([item.entry.body for item in batch.items]),
    )


def _own_code(code: str, status: int) -> str:
    # Where an answer names no error, the parser takes the status for its code.
    return "" if code == str(status) else code


def _of_credentials(error: ClientError) -> Outcome:
    details: Any = error.response
    code, status = code_of(error), details.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if not code:  # a proxy's page
        return Retryable(f"HTTP {status}", Status.CONNECTION, NO_CREDENTIALS)
    outcome = classify(code, status, details.get("Error", {}).get("Message", ""))
    match outcome:
        case Retryable() | Expired():
            return outcome
        case Throttled():
            # Not over the quota of PutEvents, so it is nothing that slower calls would mend.
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
    """One from the environment or the profile, which no model has seen. Whatever it holds is logged and shown."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NotConfigured(
            "expected an endpoint URL without user, password, query and fragment (personalize.endpoint_url, "
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS, AWS_ENDPOINT_URL, or endpoint_url in the AWS profile): "
            "calls are signed, and AWS takes no password"
        )


def _origin(session: Session, url: str) -> Origin:
    """Where the wire goes, by boto3's own rules for certificates and proxies."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    bundle: Any = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True
    try:
        tls = ssl.create_default_context(cafile=get_cert_path(bundle)) if secure else None
    except OSError as error:
        raise NotConfigured(f"expected a bundle of certificates at {bundle} ({error.strerror})") from error
    port = parts.port or (443 if secure else 80)
    return Origin(parts.hostname or "", port, tls, _proxy(get_environ_proxies(url).get(parts.scheme)))


def _proxy(value: str | None) -> str | None:
    """The proxy of the environment as a URL; without a scheme it means http, as everywhere."""
    if not value:
        return None
    url = value if "://" in value else f"http://{value.removeprefix('//')}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if usable:
        return url
    raise NotConfigured("expected the proxy of the environment (HTTPS_PROXY, HTTP_PROXY) as http://host:port")
