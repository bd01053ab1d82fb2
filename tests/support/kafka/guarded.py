"""One broker with every way of logging in, a listener each, and access lists that allow no more than the pages say.

| listener | protocol | who gets in |
|---|---|---|
| LOGIN | SASL_PLAINTEXT | PLAIN and SCRAM, asked again every few seconds |
| SECRET | SASL_SSL | PLAIN and SCRAM |
| TLS | SSL | everybody |
| MUTUAL | SSL | who has a certificate of the authority |
| TOKEN | SASL_SSL | who has a token of the `Provider` |
"""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked as exported
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.http_server import JSON, Request, Response, running_http_server
from tests.support.kafka.admin import Kafka
from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "connector", "planted-password-of-the-user"
ROTATING = "rotating"  # a user of SCRAM whose password is for the test to set
SECRET = "planted-secret-of-the-client"
_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
_VALIDATOR = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_BEARER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
_LISTENERS = {"LOGIN": "SASL_PLAINTEXT", "SECRET": "SASL_SSL", "TLS": "SSL", "MUTUAL": "SSL", "TOKEN": "SASL_SSL"}


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Provider:
    """An OpenID Connect provider: /token for clients with the secret, /jwks for brokers.

    ``lifetime`` is that of the tokens, in seconds; while ``refusing`` is true, /token gives none to anybody.
    """

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.lifetime = 12.0
        self.refusing = False
        self.given = 0
        self.url = ""

    def token(self) -> str:
        """A signed token."""
        now = time.time()
        claims = {"sub": USER, "iss": "provider", "aud": "kafka", "iat": int(now), "exp": int(now + self.lifetime)}
        parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "key", "typ": "JWT"}, claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _base64(signature)])

    def keys(self) -> dict[str, object]:
        """The public key, as brokers want it."""
        numbers = self._key.public_key().public_numbers()
        n, e = (_base64(each.to_bytes((each.bit_length() + 7) // 8)) for each in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": "key", "use": "sig", "alg": "RS256", "n": n, "e": e}]}

    def respond(self, request: Request) -> Response:
        """The public key for a GET, a token for a POST."""
        status, document = (200, self.keys()) if request.method == "GET" else self._token_for(request)
        return Response(status, JSON, json.dumps(document).encode())

    def _token_for(self, request: Request) -> tuple[int, dict[str, object]]:
        if self.refusing:
            return 400, {"error": "unauthorized_client"}
        wanted = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        right = request.headers.get("authorization") == f"Basic {wanted}"
        if not right or request.form.get("grant_type") != ["client_credentials"]:
            return 401, {"error": "invalid_client", "error_description": "no such client"}
        self.given += 1
        return 200, {"access_token": self.token(), "token_type": "Bearer", "expires_in": int(self.lifetime)}


@contextmanager
def running_provider() -> Iterator[Provider]:
    """A provider on a port of its own."""
    provider = Provider()
    with running_http_server(provider.respond) as server:
        provider.url = server.url
        yield provider


class Guarded(NamedTuple):
    """The broker and what belongs to it; ``kafka`` is its plain listener, for fixtures."""

    cluster: KafkaCluster
    kafka: Kafka
    authority: Authority
    provider: Provider
    ca_file: str

    def set_password(self, user: str, password: str) -> None:
        """Of a user of SCRAM-SHA-512."""
        admin = AdminClient({"bootstrap.servers": self.cluster.admin_servers, "log_level": 0})
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        for future in admin.alter_user_scram_credentials([change]).values():
            future.result(30)


@contextmanager
def guarded_broker(folder: Path) -> Iterator[Guarded]:
    """A broker with all of the listeners above."""
    authority = Authority()
    own = authority.issue("broker")
    own.write(folder, "broker")
    (folder / "ca.pem").write_bytes(authority.certificate)
    with running_provider() as provider:
        cluster = KafkaCluster(
            listeners=_LISTENERS,
            properties=_properties(folder, provider),
            java_options=(f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={provider.url}/jwks",),
            format_arguments=[
                argument
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for argument in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
            ],
        )
        with cluster:
            kafka = Kafka(cluster.bootstrap_servers, cluster.admin_servers)
            _allow(AdminClient({"bootstrap.servers": cluster.admin_servers, "log_level": 0}))
            yield Guarded(cluster, kafka, authority, provider, str(folder / "ca.pem"))


def _properties(folder: Path, provider: Provider) -> dict[str, str]:
    passwords = {
        f"listener.name.{name}.{key}": value
        for name in ("login", "secret")
        for key, value in {
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "plain.sasl.jaas.config": f'{_PLAIN} required user_{USER}="{PASSWORD}";',
            "scram-sha-256.sasl.jaas.config": f"{_SCRAM} required;",
            "scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
        }.items()
    }
    return {
        **passwords,
        "listener.name.login.connections.max.reauth.ms": "2000",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.token.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.token.oauthbearer.sasl.jaas.config": f"{_BEARER} required;",
        "listener.name.token.oauthbearer.sasl.server.callback.handler.class": _VALIDATOR,
        "listener.name.token.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": f"{provider.url}/jwks",
        "listener.name.token.oauthbearer.sasl.oauthbearer.expected.audience": "kafka",
        "listener.name.token.oauthbearer.sasl.oauthbearer.expected.issuer": "provider",
        "authorizer.class.name": _AUTHORIZER,
        "super.users": "User:ANONYMOUS",  # who comes in by the plain listeners, and by TLS without a certificate
    }


def _allow(admin: AdminClient) -> None:
    """What docs/authentication.md says that the connector needs, and nothing else."""
    wanted = [
        (ResourceType.TOPIC, "clicks-", AclOperation.READ),
        (ResourceType.TOPIC, "clicks-", AclOperation.DESCRIBE),
        (ResourceType.GROUP, "group-", AclOperation.READ),
        (ResourceType.TOPIC, "dead-", AclOperation.WRITE),
        (ResourceType.TOPIC, "dead-", AclOperation.DESCRIBE),
    ]
    bindings = [
        AclBinding(kind, name, ResourcePatternType.PREFIXED, f"User:{who}", "*", operation, AclPermissionType.ALLOW)
        for who in (USER, f"CN={USER}", ROTATING)
        for kind, name, operation in wanted
    ]
    for future in admin.create_acls(bindings).values():
        future.result(30)
