"""Questions of an administrator's client: answers, refusals and silence are values."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]  # public, but not marked as exported

from connector.kafka import asking
from connector.kafka.asking import Asker, Group, Rights


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AGAIN", 0.0)


class Admin:
    """Answers in order; an int is the code of an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[bool] = []

    def poll(self, _: float) -> int:
        return 0

    def _next(self) -> Future[Any]:
        future: Future[Any] = Future()
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            future.set_exception(KafkaException(KafkaError(answer)))
        else:
            future.set_result(answer)
        return future

    def describe_topics(self, topics: Any, **_: Any) -> dict[str, Future[Any]]:
        return {name: self._next() for name in topics.topic_names}

    def describe_consumer_groups(self, names: list[str], **how: Any) -> dict[str, Future[Any]]:
        self.asked.append(how["include_authorized_operations"])
        return {names[0]: self._next()}

    def describe_configs(self, resources: list[Any], **_: Any) -> dict[Any, Future[Any]]:
        return {resources[0]: self._next()}


def asker(admin: Admin) -> Asker:
    return Asker({"bootstrap.servers": "b:9092", "group.id": "g"}, lambda _: admin)  # type: ignore[arg-type,return-value]


def topic(*operations: AclOperation) -> Any:
    return SimpleNamespace(authorized_operations=list(operations) or None)


def group(*operations: AclOperation) -> Any:
    member = SimpleNamespace(client_id="putevents", group_instance_id=None)
    state = SimpleNamespace(name="STABLE")
    return SimpleNamespace(
        state=state, partition_assignor="range", members=[member], authorized_operations=list(operations)
    )


def test_rights_are_those_that_the_broker_tells_and_all_means_each() -> None:
    admin = Admin(topic(AclOperation.READ), topic(AclOperation.ALL), topic())
    assert asker(admin).rights(["a", "b", "c"]) == {
        "a": Rights(read=True, write=False),
        "b": Rights(read=True, write=True),
        "c": Rights(read=None, write=None),
    }


def test_brokers_that_keep_silent_about_rights_are_not_asked_again() -> None:
    admin = Admin(KafkaError._TIMED_OUT, topic(AclOperation.READ))
    asking_once = asker(admin)
    assert asking_once.rights(["a"]) == {}
    assert asking_once.rights(["b"]) == {}
    assert len(admin.answers) == 1


def test_a_coordinator_that_moves_is_asked_again() -> None:
    admin = Admin(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, group(AclOperation.READ))
    assert asker(admin).group("g") == Group("stable", "range", ("putevents",), (), Rights(read=True, write=False))


def test_brokers_that_tell_no_rights_of_groups_are_asked_without() -> None:
    admin = Admin(KafkaError._UNSUPPORTED_FEATURE, group())
    found = asker(admin).group("g")
    assert isinstance(found, Group)
    assert (found.rights, admin.asked) == (Rights(), [True, False])


def test_a_refusal_is_the_answer() -> None:
    admin = Admin(KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    asked = asker(admin)
    found = asked.group("g")
    assert isinstance(found, KafkaError)
    assert found.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    refused = asked.settings(["a"])["a"]
    assert isinstance(refused, KafkaError)
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_settings_are_texts_without_those_that_are_hidden() -> None:
    entries = {"retention.ms": SimpleNamespace(value="1"), "secret": SimpleNamespace(value=None)}
    assert asker(Admin(entries)).settings(["a"]) == {"a": {"retention.ms": "1"}}
