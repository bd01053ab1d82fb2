"""As much of an API server as helm and kubectl ask: which kinds there are, and the objects that are there already."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator


# Of the groups, the plural forms of the kinds that the chart makes; the core has no group.
KINDS = {
    "v1": {"pods": "Pod", "configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount"},
    "apps/v1": {"deployments": "Deployment"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "keda.sh/v1alpha1": {"scaledobjects": "ScaledObject"},
}


def _discovery() -> dict[str, Any]:
    groups: list[dict[str, Any]] = []
    found: dict[str, Any] = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for version, kinds in KINDS.items():
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "create"]}
            for name, kind in kinds.items()
        ]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found[path] = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        group, _, short = version.rpartition("/")
        if group:
            preferred = {"groupVersion": version, "version": short}
            groups.append({"name": group, "versions": [preferred], "preferredVersion": preferred})
    return found


class Answers(BaseHTTPRequestHandler):
    """Without a log."""

    def answer(self, body: bytes, kind: str, status: int = 200) -> None:
        """Send this and nothing else."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class ApiServer(Answers):
    """Which kinds there are, and ``objects`` by their paths."""

    objects: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        found = {**_discovery(), **self.objects}.get(self.path.partition("?")[0])
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(missing if found is None else found).encode()
        self.answer(body, "application/json", 404 if found is None else 200)


@contextmanager
def serving(server: HTTPServer) -> Iterator[int]:
    """Answer in a thread of its own; gives the port."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
