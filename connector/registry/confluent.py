"""Confluent's API: a schema by its id, and the schemas that it refers to. Read-only: GET and nothing else.

A schema is missing only where a registry says so in its own words: an error code of Confluent's. A 404 of a proxy, or
of a registry under another path, says nothing about schemas, and must not make a topic's records bad data.
"""

import json
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from prometheus_client import Counter

from connector.core.sending.outcomes import Fatal
from connector.registry.answers import Answer, Away, Found, Missing, Part, Request, Unusable
from connector.registry.http import Http, Response
from connector.registry.logins import Login

MOST_PARTS: Final = 200  # schemas that one schema may refer to, directly or not
LONGEST_WAIT: Final = 300.0  # seconds, of those that a registry may ask for
_KINDS: Final[Mapping[str, str]] = {"AVRO": "avro", "PROTOBUF": "protobuf", "JSON": "json_schema"}
_MISSING: Final = {40401, 40402, 40403}  # no such subject, version, schema
_READ: Final = (
    "grant it the right to read: on Confluent Cloud the role DeveloperRead on the subjects (RBAC), with Confluent's "
    "ACL plug-in SUBJECT_READ, with Redpanda and Karapace READ on the subject"
)
Document = dict[str, Any]


class _Failed(Exception):
    """Carries the answer that ends a fetch."""

    def __init__(self, answer: Missing | Unusable | Away | Fatal) -> None:
        super().__init__()
        self.answer = answer


class Confluent:
    """A registry with Confluent's API; ``answers.Origin``.

    Args:
        urls: of one registry, without a slash at their end; the next is asked where one does not answer.
        http: for the requests.
        login: for their headers.
        requests: counts them, by how they ended.
    """

    def __init__(self, urls: Sequence[str], http: Http, login: Login, requests: Counter) -> None:
        self._urls = list(urls)
        self._http = http
        self._login = login
        self._requests = requests

    def misfit(self, schema: int | str) -> str | None:
        """See ``answers.Origin``."""
        if isinstance(schema, int):
            return None
        return "framed for AWS Glue, but schema_registry has Confluent's API: set schema_registry.type to glue"

    def rest(self) -> None:
        """See ``answers.Origin``."""
        self._http.close()

    def fetch(self, schema: int | str, kind: str) -> Answer:
        """See ``answers.Origin``."""
        # Confluent's registry gives a compiled descriptor then, and others ignore the wish: both are understood.
        form = "?format=serialized" if kind == "protobuf" else ""
        name = f"schema {schema}"
        try:
            document = self._get(f"/schemas/ids/{schema}{form}", name)
            parts: dict[str, Part] = {}
            self._add_parts(document, name, form, parts)
        except _Failed as failed:
            return failed.answer
        word = str(document.get("schemaType") or "AVRO")
        return Found(_KINDS.get(word, word), document["schema"], tuple(parts.values()))

    def _add_parts(self, document: Document, name: str, form: str, parts: dict[str, Part]) -> None:
        """Add what the schema refers to, depth first, so that each stands after those that it needs."""
        waiting = [iter(_references(document, name))]
        opened: list[Part] = []
        begun = set(parts)
        while waiting:
            reference = next(waiting[-1], None)
            if reference is None:
                waiting.pop()
                if opened:
                    part = opened.pop()
                    parts[part.name] = part
                continue
            called, subject, version = reference
            if called in begun:  # a circle, or what two schemas refer to
                continue
            begun.add(called)
            if len(begun) > MOST_PARTS:
                raise _Failed(Unusable(f"{name} refers to more than {MOST_PARTS} schemas"))
            what = f"version {version} of subject {subject}, to which {name} refers"
            found = self._get(f"/subjects/{quote(subject, safe='')}/versions/{version}{form}", what)
            opened.append(Part(called, found["schema"]))
            waiting.append(iter(_references(found, what)))

    def _get(self, path: str, what: str) -> Document:
        """The document, from the first URL that has it. It is missing only where every URL says so."""
        failures: list[Missing | Away] = []
        for url in list(self._urls):
            answer = self._ask(url, path, what)
            if isinstance(answer, dict):
                self._prefer(url)
                return answer
            if isinstance(answer, Fatal):
                raise _Failed(answer)
            failures.append(answer)
        away = next((failure for failure in failures if isinstance(failure, Away)), None)
        raise _Failed(away or failures[0])

    def _prefer(self, url: str) -> None:
        """The URL that answered is asked first the next time."""
        if self._urls[0] != url:
            self._urls.remove(url)
            self._urls.insert(0, url)

    def _ask(self, url: str, path: str, what: str) -> Document | Missing | Away | Fatal:
        response = self._send(url + path)
        if isinstance(response, Response) and response.status == 401:
            # A token may have expired, a password may have been replaced: once more, with what is there now.
            self._count(Request.DENIED)
            self._login.renew()
            response = self._send(url + path)
        if not isinstance(response, Response):
            self._count(response.request if isinstance(response, Away) else Request.DENIED)
            return response
        answer = self._meaning(response, _where(url), what)
        self._count(_request_of(answer))
        return answer

    def _send(self, url: str) -> Response | Away | Fatal:
        headers = self._login.headers()
        return headers if isinstance(headers, Away | Fatal) else self._http.get(url, headers)

    def _count(self, request: Request) -> None:
        self._requests.labels(request).inc()

    def _meaning(self, response: Response, where: str, what: str) -> Document | Missing | Away | Fatal:
        status, document = response.status, _json(response)
        if status == 200:
            whole = document is not None and isinstance(document.get("schema"), str)
            return document if document and whole else Away(Request.GARBAGE, _garbage(where, response))
        if status == 404 and document is not None and document.get("error_code") in _MISSING:
            return Missing(what)
        if status == 401:
            return Fatal("HTTP 401", self._login.advice)
        if status == 403:
            return Fatal("HTTP 403", f"the schema registry does not let this user read {what}: {_READ}")
        if status == 407:
            words = f"the proxy before {where} wants a login: check the user and password in HTTP_PROXY or HTTPS_PROXY"
            return Away(Request.CONNECTION, words)
        if status in {429, 503}:
            request = Request.THROTTLED if status == 429 else Request.SERVER_ERROR
            return Away(request, f"{where} answered HTTP {status}", _retry_after(response))
        if status >= 500 or status == 408:
            return Away(Request.SERVER_ERROR, f"{where} answered HTTP {status}")
        return Away(Request.GARBAGE, _garbage(where, response))


def _request_of(answer: Document | Missing | Away | Fatal) -> Request:
    match answer:
        case Missing():
            return Request.NOT_FOUND
        case Away():
            return answer.request
        case Fatal():
            return Request.DENIED
        case _:
            return Request.OK


def _where(url: str) -> str:
    return urlsplit(url).netloc


def _json(response: Response) -> Document | None:
    """The object in the response, None where it is anything else."""
    if "json" not in response.headers.get("content-type", "json").lower():
        return None
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _garbage(where: str, response: Response) -> str:
    if 300 <= response.status < 400:
        return (
            f"{where} redirects (HTTP {response.status}): set schema_registry.url to the address of the registry itself"
        )
    if response.status == 404:
        return (
            f"{where} answered HTTP 404 without the error code of a registry: check the path in schema_registry.url, "
            "such as /apis/ccompat/v7 for Apicurio"
        )
    return f"{where} answered HTTP {response.status}, but not as a schema registry: check schema_registry.url"


def _references(document: Document, name: str) -> list[tuple[str, str, int]]:
    """Name, subject and version of each schema that this one refers to."""
    listed = document.get("references") or []
    try:
        found = [(each["name"], each["subject"], each["version"]) for each in listed]
    except (TypeError, KeyError):
        found = [("", "", -1)]
    if all(
        type(called) is type(subject) is str and type(version) is int and version > 0
        for called, subject, version in found
    ):
        return found
    raise _Failed(Unusable(f"expected name, subject and version for each reference of {name}"))


def _retry_after(response: Response) -> float:
    """Seconds to wait, bounded; 0 where the registry does not say, or says it with a date that needs no wait."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:6]), LONGEST_WAIT)
    try:
        at, now = parsedate_to_datetime(text), parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, min((at - now).total_seconds(), LONGEST_WAIT))
    except (ValueError, TypeError):
        return 0.0
