"""What the checks share. Each look makes a new world, so that names, files and secrets are read again."""

from collections.abc import Callable
from dataclasses import dataclass, field

from connector.aws.probing import Probe
from connector.config import Loaded
from connector.config.client_properties import base_properties, for_consumer, for_producer
from connector.core.mapping.topics import Topics
from connector.kafka.asking import Asker
from connector.kafka.clients import ClientFactory
from connector.kafka.reading import TopicReader
from connector.metrics import Metrics
from connector.ports import Environment


@dataclass
class World:
    """The file, the clients, and what earlier checks have learned for later ones.

    ``test_event`` is the type of the event that is to be sent, None for none; ``delivered`` are the tracking ids that
    have taken it, which outlives a look. ``known`` are the topics of the cluster,
    ``advertised`` the addresses of its brokers, ``members`` the processes of this connector in the group.
    ``partitions`` counts those of each topic that is read, and ``probe`` makes calls to PutEvents.
    """

    loaded: Loaded
    environment: Environment
    test_event: str | None = None
    delivered: set[str] = field(default_factory=set)
    metrics: Metrics = field(default_factory=Metrics)
    known: frozenset[str] = frozenset()
    advertised: tuple[str, ...] = ()
    partitions: dict[str, int] = field(default_factory=dict)
    members: int = 0
    probe: Probe | None = None
    _reader: TopicReader | None = None
    _asker: Asker | None = None
    _clients: ClientFactory | None = None
    closing: list[Callable[[], None]] = field(default_factory=list)

    @property
    def topics(self) -> Topics:
        """What the pipelines read."""
        return Topics(self.loaded.config.pipelines, self.loaded.config.dead_letter.topic)

    @property
    def clients(self) -> ClientFactory:
        """What makes the clients; raises as ``ClientFactory``."""
        if self._clients is None:
            self._clients = ClientFactory(self.loaded.config.kafka, self.metrics, self.environment)
        return self._clients

    @property
    def reader(self) -> TopicReader:
        """A client without a group."""
        if self._reader is None:
            kafka = self.loaded.config.kafka
            properties = {**for_consumer(base_properties(kafka)), "group.id": kafka.group_id}
            self._reader = TopicReader(properties, self.clients.consumer)
            self.closing.append(self._reader.close)
        return self._reader

    @property
    def asker(self) -> Asker:
        """An administrator's client."""
        if self._asker is None:
            self._asker = Asker(for_producer(base_properties(self.loaded.config.kafka)), self.clients.admin)
        return self._asker

    def close(self) -> None:
        """Release the clients."""
        while self.closing:
            self.closing.pop()()
