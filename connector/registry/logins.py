"""What a request to the registry authenticates with: nothing, a password, a token, or a token of a token service.

A secret in a file is read for every request: requests are rare, and a mounted secret may have been replaced.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from connector.config.auth import NoAuth
from connector.config.registry import BasicAuth, BearerAuth, CloudExtensions, RegistryOidcAuth
from connector.core.sending.outcomes import Fatal
from connector.registry.answers import Away, Request
from connector.registry.http import Http, Response

Headers = Mapping[str, str]
Auth = NoAuth | BasicAuth | BearerAuth | RegistryOidcAuth

_SHARE: Final = 0.8  # of a token's lifetime, after which a new one is fetched
_UNUSUAL: Final = {407: Request.CONNECTION, 429: Request.THROTTLED}
_USUAL: Final = 300.0  # seconds that a token lives where its service does not say


class Login:
    """Makes the headers. ``advice`` says which settings to check when the registry does not accept them.

    Args:
        auth: the section of the file.
        http: for the token service.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, auth: Auth, http: Http, clock: Callable[[], float]) -> None:
        self._auth = auth
        self._http = http
        self._clock = clock
        self._token: str | None = None
        self._renew_at = 0.0

    def headers(self) -> Headers | Away | Fatal:
        """The headers for one request, or why there are none."""
        match self._current():
            case NoAuth():
                return {}
            case BasicAuth() as basic:
                return {"Authorization": _basic(basic.username, basic.password.get_secret_value())}
            case BearerAuth() as bearer:
                return _bearer(bearer.token.get_secret_value(), bearer.extensions)
            case RegistryOidcAuth() as oidc:
                return self._with_token(oidc)

    def renew(self) -> None:
        """The registry did not accept a token: fetch another one for the next request."""
        self._token = None

    @property
    def advice(self) -> str:
        """What to check when the registry does not accept the headers."""
        return _ADVICE[self._auth.type]

    def _current(self) -> Auth:
        if not isinstance(self._auth, NoAuth) and self._auth.references:
            self._auth = self._auth.reread() or self._auth
        return self._auth

    def _with_token(self, oidc: RegistryOidcAuth) -> Headers | Away | Fatal:
        if self._token is None or self._clock() >= self._renew_at:
            failed = self._fetch(oidc)
            if failed is not None:
                return failed
        return _bearer(self._token or "", oidc.extensions)

    def _fetch(self, oidc: RegistryOidcAuth) -> Away | Fatal | None:
        form = {"grant_type": "client_credentials"} | ({"scope": oidc.scope} if oidc.scope else {})
        headers = {"Authorization": _basic(oidc.client_id, oidc.client_secret.get_secret_value())}
        response = self._http.post(oidc.token_endpoint_url, headers, urlencode(form).encode())
        if isinstance(response, Away):
            return response._replace(detail=f"no token for the schema registry: {response.detail}")
        if response.status in {400, 401, 403}:
            advice = "check schema_registry.auth: client_id, client_secret, scope and token_endpoint_url"
            return Fatal(_error_of(response), f"the token service gives this client no token: {advice}")
        return self._keep(response)

    def _keep(self, response: Response) -> Away | None:
        answer = _object(response.content) if response.status == 200 else {}
        token, lifetime = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            kind = _UNUSUAL.get(response.status, Request.SERVER_ERROR if response.status >= 500 else Request.GARBAGE)
            return Away(kind, f"no token for the schema registry: HTTP {response.status} without one")
        usable = isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0
        self._token = token
        self._renew_at = self._clock() + _SHARE * (float(lifetime or _USUAL) if usable else _USUAL)
        return None


_ADVICE: Final[Mapping[str, str]] = {
    "none": "set schema_registry.auth: the registry wants a login, and auth is of type none",
    "basic": "check username and password in schema_registry.auth; on Confluent Cloud they are an API key of the "
    "Schema Registry cluster, not one of the Kafka cluster",
    "bearer": "check schema_registry.auth: the token has expired or is for another service; on Confluent Cloud "
    "extensions.logicalCluster and extensions.identityPoolId must be set, too",
    "oidc": "check schema_registry.auth: the registry does not accept the tokens of this service; look at scope, and "
    "on Confluent Cloud at extensions.logicalCluster and extensions.identityPoolId",
}


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _bearer(token: str, extensions: CloudExtensions) -> Headers:
    found = {"target-sr-cluster": extensions.logicalCluster, "Confluent-Identity-Pool-Id": extensions.identityPoolId}
    more = {name: value for name, value in found.items() if value is not None}
    return {"Authorization": f"Bearer {token}", **more}


def _error_of(response: Response) -> str:
    """OAuth's code of a refusal, which is one of a few words; else the status."""
    code = _object(response.content).get("error")
    known = isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha() and len(code) <= 40
    return str(code) if known else f"HTTP {response.status}"


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
