"""Makes one call of any operation and turns its result into an Outcome.

boto3 resolves endpoint, proxies, certificates and model, and in credentials.py region and credentials. But a boto3
client validates and serialises again what is validated and serialised already, which costs ten times as much. So
bodies.py joins the body from the entries' JSON, sigv4.py signs it and http.py sends it. Tests compare the request with
the one that boto3 sends for each operation, and the signature with botocore's.

Only the loop retries: every call is tried once here. One exception: the service refuses expired credentials before it
reads the events, so the call is sent again with fresh credentials.

A call with keys and a connection at hand is sent at once, and its outcome called back with. A task of its own is only
for what has to be waited for before.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.parsers import create_parser
from botocore.session import Session

from connector.aws.bodies import body
from connector.aws.connection import Answer, Connection, Response
from connector.aws.credentials import (
    CONNECT_TIMEOUT,
    Account,
    NotConfigured,
    client_config,
    find_credentials,
    new_session,
)
from connector.aws.failures import CallFailed, untrusted, verdict
from connector.aws.http import Connections
from connector.aws.keys import KeysAtHand, Unrenewable, keys_of, outcome_of_fetching
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
    classify,
    expired_for_good,
)

SERVICE: Final = "personalize-events"
Done = Callable[[Outcome | Exception], None]  # gets a call's outcome; an exception is a bug


class Form(NamedTuple):
    """What is the same for every call of one operation: how it is signed, its first lines, what it may answer."""

    signer: Signer
    head: bytes
    output: Any


class _Call:
    """A call under way; ``repeated`` with credentials that were renewed for it."""

    __slots__ = ("batch", "credentials", "done", "repeated")

    def __init__(self, batch: Batch, credentials: Credentials, done: Done) -> None:
        self.batch = batch
        self.credentials = credentials
        self.done = done
        self.repeated = False


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
        self._at_hand = KeysAtHand(self._clock)
        self._preparing: set[asyncio.Task[None]] = set()
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
        answer: asyncio.Future[Outcome | Exception] = asyncio.get_running_loop().create_future()
        self.call(batch, lambda outcome: None if answer.done() else answer.set_result(outcome))
        outcome = await answer
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def call(self, batch: Batch, done: Done) -> None:
        """Send the batch's entries, as ``send``; ``done`` is called once in this loop, maybe before this returns."""
        call = _Call(batch, self._credentials, done)
        try:
            keys = self._at_hand.of(call.credentials)
            connection = None if keys is None else self._connections.take()
            if keys is None or connection is None:
                self._wait_for(self._prepared(call), call)
            else:
                self._begin(call, keys, connection)
        except Exception as error:  # noqa: BLE001  the loop's thread raises it
            done(error)

    def _wait_for(self, what: Coroutine[Any, Any, None], call: _Call) -> None:
        async def waited() -> None:
            try:
                await what
            except Exception as error:  # noqa: BLE001  the loop's thread raises it
                call.done(error)

        task = asyncio.get_running_loop().create_task(waited())
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def _prepared(self, call: _Call) -> None:
        """Fetch keys and open a connection where there is none, then send."""
        try:
            keys = await keys_of(call.credentials)
            connection = self._connections.take() or await self._connections.connect()
        except CallFailed as failure:
            self._answered(call, failure)
        except ClientError as error:
            # Raised by the call that fetches credentials (STS), not by the call itself.
            self._ended(call, outcome_of_fetching(error))
        except BotoCoreError as error:
            self._ended(call, self._without_credentials(error))
        except Unrenewable as error:
            self._ended(call, error.outcome)
        else:
            self._begin(call, keys, connection)

    def _begin(self, call: _Call, keys: Keys, connection: Connection) -> None:
        form = self._forms[call.batch.operation]
        try:
            content = body(call.batch)
            lines = form.signer.lines(keys, content, time.time())
        except BaseException:
            connection.close()
            raise
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (form.head, lines, len(content), content)
        self._connections.begin(connection, request, partial(self._answered, call))

    def _answered(self, call: _Call, answer: Answer) -> None:
        try:
            self._ended(call, self._outcome(call, answer))
        except Exception as error:  # noqa: BLE001  the loop's thread raises it
            call.done(error)

    def _outcome(self, call: _Call, answer: Answer) -> Outcome:
        if isinstance(answer, CallFailed):
            if answer.untrusted:
                return self._certificates.on_untrusted(answer.code, answer.detail, self._clock())
            return Retryable(answer.code, Status.TIMEOUT if answer.timed_out else Status.CONNECTION, answer.detail)
        self._certificates.on_answer()
        self._certificates_of_credentials.on_answer()
        return self._meaning(answer, call.batch.operation)

    def _ended(self, call: _Call, outcome: Outcome) -> None:
        if not isinstance(outcome, Expired):
            call.done(outcome)
        elif call.repeated:
            call.done(expired_for_good(outcome))
        else:
            self._wait_for(self._repeated(call), call)

    async def _repeated(self, call: _Call) -> None:
        try:
            call.credentials = await asyncio.to_thread(self._renewed, call.credentials)
        except NotConfigured:
            call.done(Fatal("NoCredentials", "check the AWS credentials: they have expired, and there are no others"))
            return
        call.repeated = True
        await self._prepared(call)

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
        """Give up what is under way, and close all connections."""
        for task in self._preparing:
            task.cancel()
        self._connections.close()


def _own_code(code: str, status: int) -> str:
    # Where a response names no error, the parser uses the status as its code.
    return "" if code == str(status) else code


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
