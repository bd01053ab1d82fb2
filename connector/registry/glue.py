"""The schema registry of AWS Glue: GetSchemaVersion by the UUID in a record's frame.

boto3 makes the call: schemas are fetched once, so what its client costs does not matter. The right that it needs is
``glue:GetSchemaVersion``, and no other.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from botocore.client import BaseClient
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)
from prometheus_client import Counter

from connector.aws.credentials import Account, NotConfigured, client_config, session_of
from connector.aws.failures import code_of, untrusted, verdict
from connector.core.sending.outcomes import Expired, Fatal, Rejected, Retryable, Throttled, classify, expired_for_good
from connector.registry.answers import Answer, Away, Found, Missing, Request, Unusable

_T = TypeVar("_T")
TIMEOUT: Final = 10.0  # seconds
_KINDS: Final[Mapping[str, str]] = {"AVRO": "avro", "PROTOBUF": "protobuf", "JSON": "json_schema"}
_RIGHT: Final = (
    'allow glue:GetSchemaVersion on "Resource": "*" to the role this process runs as, or to schema_registry.assume_role'
)
_ROLE: Final = (
    "check schema_registry.assume_role: allow sts:AssumeRole on role_arn to the identity this process runs as, and "
    "name that identity in the role's trust policy"
)


class Glue:
    """AWS Glue; ``answers.Origin``.

    Args:
        account: region, endpoint, role.
        requests: counts the calls, by how they ended.
        make_client: makes botocore's client; again when the credentials were too old.

    Raises:
        NotConfigured: there is no region, or there are no credentials.
    """

    def __init__(
        self, account: Account, requests: Counter, make_client: Callable[[Account], BaseClient] | None = None
    ) -> None:
        self._account = account
        self._requests = requests
        self._make_client = make_client or glue_client
        self._client: Any = self._make_client(account)

    def misfit(self, schema: int | str) -> str | None:
        """See ``answers.Origin``."""
        if isinstance(schema, str):
            return None
        return (
            "framed for a registry with Confluent's API, but schema_registry is AWS Glue: "
            "set schema_registry.type to confluent, and url"
        )

    def rest(self) -> None:
        """See ``answers.Origin``. botocore keeps its connections; they are few, and it finds out which are dead."""

    def fetch(self, schema: int | str, kind: str) -> Answer:  # noqa: ARG002  Glue has one form of each schema
        """See ``answers.Origin``."""
        outcome = self._call(str(schema))
        if isinstance(outcome, Expired):
            # Keys in a file or the environment may have been replaced without notice.
            try:
                self._client = self._make_client(self._account)
            except NotConfigured as error:
                return self._counted(Request.DENIED, Fatal("NoCredentials", str(error)))
            outcome = self._call(str(schema))
        return expired_for_good(outcome) if isinstance(outcome, Expired) else outcome

    def _call(self, schema: str) -> Answer | Expired:
        try:
            version = self._client.get_schema_version(SchemaVersionId=schema)
        except ClientError as error:
            return self._refused(error, schema)
        except NoCredentialsError:
            return self._counted(Request.DENIED, Fatal("NoCredentials", "check the AWS credentials: there are none"))
        except Exception as error:  # noqa: BLE001  a page in the place of AWS makes botocore raise much that is no BotoCoreError
            return self._away(error)
        return self._meaning(version, schema)

    def _meaning(self, version: Mapping[str, Any], schema: str) -> Answer:
        status, text, word = (version.get(key) for key in ("Status", "SchemaDefinition", "DataFormat"))
        if status == "FAILURE":
            return self._counted(Request.OK, Unusable(f"schema {schema} failed AWS Glue's checks (status FAILURE)"))
        if status == "PENDING":
            return self._counted(Request.SERVER_ERROR, Away(Request.SERVER_ERROR, f"schema {schema} is still PENDING"))
        if isinstance(text, str) and isinstance(word, str):  # also of one that is being deleted
            return self._counted(Request.OK, Found(_KINDS.get(word, word), text, glue=True))
        if status == "DELETING":
            return self._counted(Request.NOT_FOUND, Missing(f"schema {schema}"))
        return self._counted(Request.GARBAGE, Away(Request.GARBAGE, "AWS Glue answered without a schema"))

    def _refused(self, error: ClientError, schema: str) -> Answer | Expired:
        code, metadata = code_of(error), error.response.get("ResponseMetadata", {})
        if not code:  # a proxy's page
            return self._counted(Request.GARBAGE, Away(Request.GARBAGE, "something answers in the place of AWS Glue"))
        if code == "EntityNotFoundException":
            return self._counted(Request.NOT_FOUND, Missing(f"schema {schema}"))
        status, message = metadata.get("HTTPStatusCode", 400), error.response.get("Error", {}).get("Message", "")
        match classify(code, status, message):
            case Expired() as expired:
                return self._counted(Request.DENIED, expired)
            case Throttled():
                return self._counted(Request.THROTTLED, Away(Request.THROTTLED, f"AWS Glue throttles ({code})"))
            case Retryable():
                return self._counted(Request.SERVER_ERROR, Away(Request.SERVER_ERROR, f"AWS Glue failed ({code})"))
            case Rejected():
                return self._counted(Request.OK, Unusable(f"AWS Glue does not accept schema {schema} ({code})"))
            case Fatal(_, advice):
                ours = {"AssumeRole": _ROLE, "GetSchemaVersion": _RIGHT if "AccessDenied" in code else advice}
                return self._counted(Request.DENIED, Fatal(code, ours.get(error.operation_name, advice)))
            case delivered:
                return self._counted(Request.GARBAGE, Away(Request.GARBAGE, f"AWS Glue answered {delivered}"))

    def _away(self, error: Exception) -> Answer:
        certificate = untrusted(error)
        if certificate is not None:
            words = f"AWS Glue's certificate is not trusted ({verdict(certificate)}): check AWS_CA_BUNDLE"
            return self._counted(Request.CONNECTION, Away(Request.CONNECTION, words))
        late = isinstance(error, ConnectTimeoutError | ReadTimeoutError)
        kind = Request.TIMEOUT if late else Request.CONNECTION if isinstance(error, BotoCoreError) else Request.GARBAGE
        return self._counted(kind, Away(kind, f"no answer from AWS Glue ({type(error).__name__})"))

    def _counted(self, request: Request, answer: _T) -> _T:
        self._requests.labels(request).inc()
        return answer


def glue_client(account: Account) -> BaseClient:
    """A client for AWS Glue.

    Raises:
        NotConfigured: there is no region, or there are no credentials.
    """
    config = client_config(TIMEOUT)
    session = session_of(account, config)
    try:
        return session.create_client("glue", endpoint_url=account.endpoint_url, config=config)
    except NoRegionError:
        raise NotConfigured(
            "no AWS region: expected schema_registry.region, AWS_REGION, or one in the profile"
        ) from None
    except ValueError as error:
        raise NotConfigured(f"no client for AWS Glue: {error}") from None
