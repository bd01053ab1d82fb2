"""As much of an API server as helm and kubectl ask: which kinds there are, and the objects that are there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.http_server import JSON, Request, Respond, Response

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def api_server(objects: Mapping[str, Any]) -> Respond:
    """Responds with the kinds that there are, and with ``objects`` by their paths."""
    there = {**_discovery(), **objects}

    def respond(request: Request) -> Response:
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        found = there.get(request.path)
        return Response(404 if found is None else 200, JSON, json.dumps(missing if found is None else found).encode())

    return respond
