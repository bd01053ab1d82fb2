"""Two pipelines that name a product in the same way, and a producer that renames it for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.mock_cluster import Cluster

OLD = "value.product_id"
MENDED = "not_null(value.product_id, value.productId)"


def configuration(
    kafka: Cluster, names: Mapping[str, str], url: str, item: str, flood: Mapping[str, Any]
) -> dict[str, Any]:
    """Pipelines ``web``, where the product is at ``item``, and ``shop``; names: of their topics, and of ``dead``."""

    def pipeline(name: str, item: str) -> dict[str, Any]:
        members = {
            "sessionId": "value.session",
            "eventType": {"const": "View"},
            "eventId": "value.id",
            "itemId": {"from": item, "otherwise": "dead_letter"},
            "sentAt": "value.at",
        }
        return {"name": name, "topics": [names[name]], "rules": [{"name": "view", "put_events": members}]}

    return {
        "kafka": {"bootstrap_servers": kafka.bootstrap_servers.split(","), "group_id": f"group-{names['web']}"},
        "personalize": {"tracking_id": "tracker", "endpoint_url": url},
        "delivery": {"requests_per_second": 5000, "linger": "100ms"},
        "dead_letter": {"topic": names["dead"], "flood": dict(flood)},
        "pipelines": [pipeline("web", item), pipeline("shop", OLD)],
    }
