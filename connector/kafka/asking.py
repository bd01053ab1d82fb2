"""Questions that only an administrator's client can ask: what this principal may do, groups, settings of topics.

None of them changes anything. Not every broker answers them, and not every principal may ask: that is an answer, too,
and no reason not to run.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not marked as exported
    AclOperation,
    AdminClient,
    ConfigResource,
    ResourceType,
)

from connector.config.client_properties import question_properties
from connector.logs import CLIENT

SECONDS = 8.0  # for one answer
AGAIN = 0.5  # seconds until a group's coordinator is asked again
_T = TypeVar("_T")


class Rights(NamedTuple):
    """What this principal may do with a topic or a group; None where the broker does not say."""

    read: bool | None = None
    write: bool | None = None


class Group(NamedTuple):
    """A consumer group.

    ``assignor`` is how its members share partitions, "" where it has none; ``clients`` the ``client.id`` of each
    member, ``static`` their ``group.instance.id``.
    """

    state: str
    assignor: str
    clients: tuple[str, ...]
    static: tuple[str, ...]
    rights: Rights


class Asker:
    """An administrator's client, made for a few questions.

    Args:
        properties: librdkafka properties of the connection.
        make_admin: makes the client of its configuration.
    """

    def __init__(
        self, properties: Mapping[str, Any], make_admin: Callable[[dict[str, Any]], AdminClient] = AdminClient
    ) -> None:
        own = {name: value for name, value in question_properties(properties).items() if name != "group.id"}
        self._admin: Any = make_admin({**own, "error_cb": lambda _: None, "logger": CLIENT})
        self._silent = False

    def rights(self, names: Collection[str]) -> dict[str, Rights]:
        """What this principal may do with topics that exist; those of which the brokers say nothing are left out."""
        if not names or self._silent:
            return {}
        asked = self._admin.describe_topics(
            TopicCollection(list(names)), include_authorized_operations=True, request_timeout=SECONDS
        )
        found: dict[str, Rights] = {}
        for name, future in asked.items():
            answer = self._answer(future)
            if isinstance(answer, KafkaError):
                self._silent = self._silent or answer.code() in _SILENT  # asked again, they would keep silent as long
            else:
                found[name] = _rights(answer.authorized_operations)
        return found

    def group(self, name: str) -> Group | KafkaError:
        """The group, or why it cannot be described. Its coordinator may be moving, which takes seconds."""
        deadline, rights = time.monotonic() + SECONDS, True
        while True:
            found = self._group(name, rights=rights)
            code = found.code() if isinstance(found, KafkaError) else None
            if code == KafkaError._UNSUPPORTED_FEATURE and rights:  # noqa: SLF001
                rights = False
            elif code in _MOVING and time.monotonic() < deadline:
                time.sleep(AGAIN)
            else:
                return found

    def _group(self, name: str, *, rights: bool) -> Group | KafkaError:
        asked = self._admin.describe_consumer_groups(
            [name], include_authorized_operations=rights, request_timeout=SECONDS
        )
        answer = self._answer(asked[name])
        return answer if isinstance(answer, KafkaError) else _group(answer)

    def settings(self, names: Iterable[str]) -> dict[str, Mapping[str, str] | KafkaError]:
        """The effective settings of each topic, or why they cannot be read."""
        asked = {
            name: self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)], request_timeout=SECONDS)
            for name in names
        }
        answers = {name: self._answer(next(iter(futures.values()))) for name, futures in asked.items()}
        return {
            name: answer
            if isinstance(answer, KafkaError)
            else {key: str(entry.value) for key, entry in answer.items() if entry.value is not None}
            for name, answer in answers.items()
        }

    def _answer(self, future: "Future[_T]") -> _T | KafkaError:
        """Wait, and serve the client's callbacks meanwhile: one of them may have to fetch a token."""
        deadline = time.monotonic() + SECONDS + 5
        while True:
            self._admin.poll(0)
            try:
                return future.result(0.1)
            except KafkaException as error:
                why: KafkaError = error.args[0]
                return why
            except Late:
                if time.monotonic() > deadline:
                    return KafkaError(KafkaError._TIMED_OUT)  # noqa: SLF001


_MOVING = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)
_SILENT = frozenset({KafkaError._TIMED_OUT, KafkaError._UNSUPPORTED_FEATURE})  # noqa: SLF001


def _rights(operations: Collection[AclOperation] | None) -> Rights:
    if not operations:  # an old broker, or another product than Apache Kafka
        return Rights()
    every = AclOperation.ALL in operations
    return Rights(every or AclOperation.READ in operations, every or AclOperation.WRITE in operations)


def _group(found: Any) -> Group:
    return Group(
        str(found.state.name).lower(),
        str(found.partition_assignor or ""),
        tuple(str(member.client_id) for member in found.members),
        tuple(str(member.group_instance_id) for member in found.members if member.group_instance_id),
        _rights(found.authorized_operations),
    )
