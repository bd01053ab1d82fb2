"""librdkafka's mock cluster in this process, and the functions that make it fail.

The functions are looked up in confluent-kafka's own extension module, because only the library that the client
uses has them. So no folder, file name or platform has to be guessed.

What it can do: groups (classic, cooperative, static, KIP-848), commits, headers, timestamps, idempotence,
transactions. What it cannot do: create topics by the admin API, topic settings, ACLs, SASL, TLS, compaction. A
partition keeps at most 5 MiB or 100,000 batches of messages and drops the oldest silently (see `dropped`);
a topic that was not created appears on first use with 4 partitions. Rebalances are quick only if consumers set
 ``session.timeout.ms`` 1500-6000, ``heartbeat.interval.ms`` 100-500.

Source: ``rdkafka_mock.h`` of librdkafka 2.16, an experimental interface that may change. All that is bound here
is in one table.
"""

from __future__ import annotations

import ctypes
import signal
import time
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import KafkaError, KafkaException, cimpl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

ALL_BROKERS = -1
_PRODUCER = 0
_OK = 0
_ERROR_TEXT_BYTES = 512
_PAUSE = 0.002  # seconds

_HANDLE, _TEXT, _I16, _I32 = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int16, ctypes.c_int32
_CLUSTER = _HANDLE

# name → (result, arguments). All pointers are opaque; enums are C ints.
_SIGNATURES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "rd_kafka_conf_new": (_HANDLE, ()),
    "rd_kafka_conf_set": (ctypes.c_int, (_HANDLE, _TEXT, _TEXT, _TEXT, ctypes.c_size_t)),
    "rd_kafka_new": (_HANDLE, (ctypes.c_int, _HANDLE, _TEXT, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (_HANDLE,)),
    "rd_kafka_mock_cluster_new": (_CLUSTER, (_HANDLE, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (_CLUSTER,)),
    "rd_kafka_mock_cluster_bootstraps": (_TEXT, (_CLUSTER,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_CLUSTER, _I32)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (_CLUSTER, _TEXT, ctypes.c_int, ctypes.c_int)),
    "rd_kafka_mock_topic_set_error": (None, (_CLUSTER, _TEXT, ctypes.c_int)),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        (_CLUSTER, _I16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)),
    ),
    "rd_kafka_mock_clear_request_errors": (None, (_CLUSTER, _I16)),
    # Variadic after the count; ctypes passes what goes beyond the declared arguments by C's rules for `...`.
    "rd_kafka_mock_broker_push_request_error_rtts": (ctypes.c_int, (_CLUSTER, _I32, _I16, ctypes.c_size_t)),
    "rd_kafka_mock_broker_set_rtt": (ctypes.c_int, (_CLUSTER, _I32, ctypes.c_int)),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, (_CLUSTER, _I32)),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, (_CLUSTER, _I32)),
    "rd_kafka_mock_partition_set_leader": (ctypes.c_int, (_CLUSTER, _TEXT, _I32, _I32)),
    "rd_kafka_mock_coordinator_set": (ctypes.c_int, (_CLUSTER, _TEXT, _TEXT, _I32)),
}


class ApiKey(IntEnum):
    """Requests of the Kafka protocol that a test may want to fail or delay."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14


class MockCluster:
    """A cluster of mock brokers on 127.0.0.1, from construction to `close` or the end of the ``with`` block.

    Any client in any process can use it. Broker ids count from 1. Every method raises `KafkaException` with
    the library's code when the cluster refuses, e.g. for an unknown broker.

    Args:
        brokers: how many.
        rebalance_delay_ms: how long a new group waits for more members before its first assignment. The
            mock's own default, 3000, is what makes its first join slow.

    Raises:
        RuntimeError: the installed librdkafka does not have the mock cluster.
    """

    def __init__(self, brokers: int = 1, *, rebalance_delay_ms: int = 0) -> None:
        self._library = _bind_library()
        self._client: int | None = _new_client(self._library)
        with _no_signals():
            self._cluster: int | None = self._library.rd_kafka_mock_cluster_new(self._client, brokers)
        if self._cluster is None:
            self.close()
            raise RuntimeError(f"librdkafka could not start a mock cluster of {brokers} brokers")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, rebalance_delay_ms)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, ``host:port`` separated by commas."""
        servers: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._open())
        return servers.decode()

    def create_topic(self, name: str, partitions: int, replication: int = 1) -> None:
        """Make a topic; raises `KafkaException` (TOPIC_ALREADY_EXISTS) for the second of a name."""
        _check(self._order("topic_create", name.encode(), partitions, replication))

    def set_topic_error(self, name: str, error_code: int) -> None:
        """Answer metadata requests for this topic with an error; 0 ends it."""
        self._order("topic_set_error", name.encode(), error_code)

    def push_request_errors(self, api_key: int, *error_codes: int) -> None:
        """Fail the next requests of one kind, one code for each; 0 lets one pass.

        `KafkaError._TRANSPORT` closes the connection instead of answering.
        """
        codes = (ctypes.c_int * len(error_codes))(*error_codes)
        self._order("push_request_errors_array", api_key, len(error_codes), codes)

    def clear_request_errors(self, api_key: int) -> None:
        """Forget the errors of one kind of request that were pushed and not used."""
        self._order("clear_request_errors", api_key)

    def push_delay(self, broker: int, api_key: int, delay_ms: int, error_code: int = 0) -> None:
        """Delay the response to the next request of one kind at this broker, and fail it if an error code is given.

        Later requests on the same connection wait, too: a broker responds in order.
        """
        failing, delay = ctypes.c_int(error_code), ctypes.c_int(delay_ms)
        _check(self._order("broker_push_request_error_rtts", broker, api_key, 1, failing, delay))

    def set_rtt(self, broker: int, rtt_ms: int) -> None:
        """Delay every response of a broker, or of `ALL_BROKERS`; 0 ends it."""
        _check(self._order("broker_set_rtt", broker, rtt_ms))

    def broker_down(self, broker: int = ALL_BROKERS) -> None:
        """Close a broker's connections and accept no new ones; leaders and coordinators do not move."""
        _check(self._order("broker_set_down", broker))

    def broker_up(self, broker: int = ALL_BROKERS) -> None:
        """Accept connections again, at the same address."""
        _check(self._order("broker_set_up", broker))

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Move a partition to another broker; -1 leaves it without a leader."""
        _check(self._order("partition_set_leader", topic.encode(), partition, broker))

    def set_coordinator(self, group_id: str, broker: int) -> None:
        """Move a consumer group to another broker."""
        _check(self._order("coordinator_set", b"group", group_id.encode(), broker))

    def close(self) -> None:
        """End the brokers and forget every message. A second call does nothing."""
        cluster, self._cluster = self._cluster, None
        client, self._client = self._client, None
        if cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(cluster)
        if client is not None:
            self._library.rd_kafka_destroy(client)

    def _order(self, what: str, *arguments: Any) -> Any:
        """Call a function of the library that the cluster's own thread carries out, and wait until it has.

        That thread answers first and clears its wake-up signal afterwards. An order that comes in between loses its
        signal, and is carried out when the thread looks by itself, a second later. The pause lets it clear the signal.
        """
        answer = getattr(self._library, f"rd_kafka_mock_{what}")(self._open(), *arguments)
        time.sleep(_PAUSE)
        return answer

    def _open(self) -> int:
        # A freed pointer would end the process, not the test.
        if self._cluster is None:
            raise RuntimeError("expected an open mock cluster, not a closed one")
        return self._cluster


def _bind_library() -> ctypes.CDLL:
    # dlsym also searches the libraries that a library depends on. So this finds the librdkafka of the wheel, or the
    # system's if confluent-kafka was built against that, on Linux and macOS.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name, None)
        if function is None:
            raise RuntimeError(
                f"expected {name} in librdkafka {cimpl.libversion()[0]}, reached through {cimpl.__file__}:"
                " the embedded broker needs Linux or macOS and a wheel of confluent-kafka 2.13.2 or newer"
            )
        function.restype = result
        function.argtypes = arguments
    return library


@contextmanager
def _no_signals() -> Iterator[None]:
    """What starts in here inherits that it takes no signals, as all other threads of the library do by themselves.

    A signal interrupts the cluster's poll, and its thread takes that for the end. Then nothing answers `close`, which
    waits for ever. The main thread takes most signals, but not while it starts a client: the library blocks them then.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _new_client(library: ctypes.CDLL) -> int:
    # A mock cluster needs a client to belong to. This one has no address to connect to and logs nothing.
    text = ctypes.create_string_buffer(_ERROR_TEXT_BYTES)
    conf = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(conf, b"log_level", b"0", text, len(text))
    client: int | None = library.rd_kafka_new(_PRODUCER, conf, text, len(text))
    if client is None:
        raise RuntimeError(f"librdkafka could not start a client: {text.value.decode()}")
    return client


def _check(error_code: int) -> None:
    if error_code != _OK:
        raise KafkaException(KafkaError(error_code))
