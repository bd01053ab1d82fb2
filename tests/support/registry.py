"""A schema registry in this process, with Confluent's API and every fault that a test can think of."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from tests.support.http_server import HttpServer, Request, Response, running_http_server

REGISTRY = (("Content-Type", "application/vnd.schemaregistry.v1+json"),)
CLICK = '{"type": "record", "name": "Click", "fields": [{"name": "session", "type": "string"}]}'


def document(content: Any, status: int = 200) -> Response:
    """A response as a registry writes it."""
    return Response(status, REGISTRY, json.dumps(content).encode())


def error(status: int, code: int) -> Response:
    """A refusal as a registry writes it."""
    return document({"error_code": code, "message": "in the registry's words"}, status)


class Schemas:
    """What the registry holds. ``fault`` answers in its place while it is set."""

    def __init__(self) -> None:
        self.by_id: dict[int, dict[str, Any]] = {}
        self.by_version: dict[tuple[str, int], dict[str, Any]] = {}
        self.fault: Callable[[Request], Response | None] = lambda _: None

    def add(self, number: int, schema: str, **more: Any) -> None:
        """A schema by its id; ``more`` is schemaType and references."""
        self.by_id[number] = {"schema": schema, **more}

    def __call__(self, request: Request) -> Response:
        fault = self.fault(request)
        if fault is not None:
            return fault
        if request.method != "GET":
            return error(405, 405)
        *_, first, second, third = request.path.split("/")
        if first == "schemas" and second == "ids":
            found = self.by_id.get(int(third))
            return error(404, 40403) if found is None else document(found)
        subject = unquote(request.path.split("/subjects/")[1].split("/")[0])
        found = self.by_version.get((subject, int(third)))
        return error(404, 40402) if found is None else document(found)


@contextmanager
def running_registry(schemas: Schemas, port: int = 0) -> Iterator[HttpServer]:
    """The registry, while the block runs: on a free port unless given."""
    with running_http_server(schemas, port=port) as server:
        yield server
