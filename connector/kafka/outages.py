"""What a command that reads for long says of Kafka: once that it does not answer, and once that it does again."""

from collections.abc import Callable, Mapping
from typing import Any

from connector.config.client_properties import CONSUMER_DEFAULTS
from connector.kafka.reach import Listening, quiet
from connector.ports import Reach

_STATISTICS = "statistics.interval.ms"
_MEANWHILE = "waits for it, and goes on with the next record that was not read"


class Outages:
    """Tells of outages. Give ``properties`` to the client, and ask ``news`` now and then.

    Args:
        servers: kafka.bootstrap_servers, joined with commas.
        properties: those of the client.
        last_error: what the client said last, "" for nothing.
    """

    def __init__(self, servers: str, properties: Mapping[str, Any], last_error: Callable[[], str]) -> None:
        self._servers = servers
        self._last_error = last_error
        self._listening = Listening(quiet(properties), fetches=True)
        self._told = ""
        self.properties = {_STATISTICS: CONSUMER_DEFAULTS[_STATISTICS], "stats_cb": self._listening.hear}

    def news(self) -> str | None:
        """What is to be said now, None where nothing has changed."""
        now = self._state(self._listening.reach)
        if now == self._told:
            return None
        before, self._told = self._told, now
        if now:
            why = self._last_error()
            return f"{now}{f' ({why})' if why else ''}: {_MEANWHILE}"
        return f"Kafka at {self._servers} answers again" if before else None

    def _state(self, reach: Reach) -> str:
        if reach.away_since is not None:
            return f"Kafka at {self._servers} does not answer"
        if reach.cut_off:
            first, count = min(reach.cut_off), len(reach.cut_off)
            more = f" and {count - 1} more" if count > 1 else ""
            return f"the broker of {first.topic}-{first.partition}{more} at {self._servers} does not answer"
        return ""
