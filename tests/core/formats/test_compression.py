"""What was packed comes back as it was; hostile input ends within a bound of time and memory, in a reason."""

import gzip
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from connector.core.formats.compression import MAX_PARTS, MAX_UNPACKED, compile_unpack, unpack_zlib
from connector.core.formats.decoded import DecodingError
from connector.core.formats.framing import framed
from connector.core.records import Reason

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda value: gzip.compress(value, mtime=0),
    "zlib": zlib.compress,
    "zstd": zstandard.compress,
}
each_kind = pytest.mark.parametrize("kind", PACK)


def unpacked(kind: str, value: bytes) -> bytes:
    unpack = compile_unpack(kind)
    assert unpack is not None
    return unpack(value)


def unpacked_or_refused(kind: str, value: bytes) -> bytes | DecodingError:
    try:
        return unpacked(kind, value)
    except DecodingError as error:
        return error


def refused(kind: str, value: bytes) -> DecodingError:
    with pytest.raises(DecodingError) as caught:
        unpacked(kind, value)
    return caught.value


def zstd_without_size(value: bytes, window: int = 20) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=window)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(value) + packer.flush()


def test_what_is_not_packed_has_nothing_that_unpacks_it() -> None:
    assert compile_unpack("none") is None


@given(st.binary(max_size=500), st.integers(1, 60), st.sampled_from(sorted(PACK)))
def test_a_value_comes_back_as_it_was(value: bytes, times: int, kind: str) -> None:
    assert unpacked(kind, PACK[kind](value * times)) == value * times


@each_kind
def test_parts_one_after_the_other_are_one_value(kind: str) -> None:
    pack = PACK[kind]
    assert unpacked(kind, pack(b'{"a":') + pack(b"") + pack(b"1}")) == b'{"a":1}'


@each_kind
def test_every_beginning_of_a_packed_value_is_refused(kind: str) -> None:
    packed = PACK[kind](b'{"session":"s1"}' * 20)
    for length in range(len(packed)):
        assert refused(kind, packed[:length]).reason is Reason.NOT_COMPRESSED
    assert str(refused(kind, b"")).endswith("found nothing")


@each_kind
def test_what_follows_is_named(kind: str) -> None:
    error = refused(kind, PACK[kind](b"{}") + b"garbage")
    assert (error.reason, str(error)) == (
        Reason.NOT_COMPRESSED,
        f"expected what {kind} packed, found other bytes after it",
    )


@each_kind
def test_the_bound_is_exact(kind: str) -> None:
    assert len(unpacked(kind, PACK[kind](bytes(MAX_UNPACKED)))) == MAX_UNPACKED
    for more in (1, MAX_UNPACKED, 30 * MAX_UNPACKED):
        assert refused(kind, PACK[kind](bytes(MAX_UNPACKED + more))).reason is Reason.UNPACKED_TOO_LARGE


@each_kind
def test_the_bound_is_of_all_parts_together(kind: str) -> None:
    half = PACK[kind](bytes(MAX_UNPACKED // 2))
    assert len(unpacked(kind, half * 2)) == MAX_UNPACKED
    assert refused(kind, half * 2 + PACK[kind](b"x")).reason is Reason.UNPACKED_TOO_LARGE
    assert unpacked(kind, PACK[kind](b"") * MAX_PARTS) == b""
    assert refused(kind, PACK[kind](b"") * (MAX_PARTS + 1)).reason is Reason.UNPACKED_TOO_LARGE


@given(st.binary(max_size=200), st.sampled_from(sorted(PACK)), st.integers(0, 60), st.integers(0, 255))
def test_any_bytes_are_unpacked_or_refused(value: bytes, kind: str, at: int, changed: int) -> None:
    packed = bytearray(PACK[kind](b'{"session":"s1","item":"p1"}' * 3))
    packed[at % len(packed)] = changed
    for raw in (value, bytes(packed)):
        found = unpacked_or_refused(kind, raw)
        if isinstance(found, DecodingError):
            assert found.reason in {Reason.NOT_COMPRESSED, Reason.UNPACKED_TOO_LARGE}
            assert "s1" not in str(found)


def test_zstd_need_not_say_how_much_there_is() -> None:
    value = b'{"session":"s1"}' * 1000
    packed = zstd_without_size(value)
    assert zstandard.get_frame_parameters(packed).content_size == zstandard.CONTENTSIZE_UNKNOWN
    assert unpacked("zstd", packed) == value


def test_a_huge_window_is_refused_before_it_takes_memory() -> None:
    packed = zstd_without_size(b"a" * 1000, window=27)
    assert zstandard.get_frame_parameters(packed).window_size == 1 << 27
    error = refused("zstd", packed)
    assert (error.reason, str(error)) == (
        Reason.NOT_COMPRESSED,
        "expected what zstd packed, found a window of more than 8388608 bytes",
    )


def test_zstandard_is_imported_only_for_zstd() -> None:
    program = (
        "import sys; from connector.core.formats.compression import compile_unpack;"
        "compile_unpack('gzip'); compile_unpack('zlib'); assert 'zstandard' not in sys.modules;"
        "compile_unpack('zstd'); assert 'zstandard' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_payload_of_glue_is_unpacked_to_the_same_bound() -> None:
    frame = b"\x03\x05" + bytes(range(16))
    assert framed(frame + zlib.compress(b"payload")).payload == b"payload"
    for payload, reason in (
        (zlib.compress(bytes(MAX_UNPACKED + 1)), Reason.UNPACKED_TOO_LARGE),
        (b"payload", Reason.NOT_COMPRESSED),
        (zlib.compress(b"payload")[:-1], Reason.NOT_COMPRESSED),
    ):
        with pytest.raises(DecodingError) as caught:
            framed(frame + payload)
        assert caught.value.reason is reason
    assert unpack_zlib(zlib.compress(b"")) == b""


MEBIBYTE = 1 << 20
# Made when a test wants them, since bombs take seconds to pack, and every process of the tests would.
HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a bomb of gzip": ("gzip", lambda: gzip.compress(bytes(100 * MEBIBYTE), 9)),
    "a bomb of zlib": ("zlib", lambda: zlib.compress(bytes(100 * MEBIBYTE), 9)),
    "a bomb of zstd": ("zstd", lambda: zstandard.compress(bytes(400 * MEBIBYTE))),
    "a bomb of zstd without a size": ("zstd", lambda: zstd_without_size(bytes(100 * MEBIBYTE), window=23)),
    "empty parts of gzip": ("gzip", lambda: gzip.compress(b"") * 50_000),
    "empty parts of zstd": ("zstd", lambda: zstandard.compress(b"") * 100_000),
    "empty blocks of zstd": ("zstd", lambda: zstd_without_size(b"")[:6] + bytes(MEBIBYTE)),
    "as much as there may be, of zstd": ("zstd", lambda: zstandard.compress(bytes(MAX_UNPACKED))),
    "random bytes in zstd": (
        "zstd",
        lambda: zstandard.compress(zlib.compress(bytes(range(256)) * 4000, 0)[:MAX_UNPACKED]),
    ),
}


@pytest.mark.grid
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_in_time(name: str) -> None:
    kind, packed = hostile(name)
    took = []
    for _ in range(3):
        began = time.thread_time()
        unpacked_or_refused(kind, packed)
        took.append(time.thread_time() - began)
    assert min(took) < 0.05


MEMORY = """
import sys
from pathlib import Path
from connector.core.mapping.reading import compile_reader
from connector.core.mapping.specs import ValueFormat
from connector.core.records import Record
def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
read = compile_reader(ValueFormat(compression=sys.argv[1], root="any"))
read(Record("t", 0, 0, None, None, b""))
value = sys.stdin.buffer.read()
before = most()
read(Record("t", 0, 0, None, None, value))
print((most() - before) // 1024)
"""
PACKED = HOSTILE | {
    "objects in gzip": ("gzip", lambda: gzip.compress(b"[" + b'{"":0},' * (MAX_UNPACKED // 7 - 1) + b"0]")),
    "lists in gzip": ("gzip", lambda: gzip.compress(b"[" + b"[0]," * (MAX_UNPACKED // 4 - 1) + b"0]")),
}


@cache
def hostile(name: str) -> tuple[str, bytes]:
    """The kind of packing, and what is packed."""
    kind, pack = PACKED[name]
    return kind, pack()


@pytest.mark.grid
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most memory held is read from Linux's /proc")
@pytest.mark.parametrize("name", PACKED)
def test_hostile_input_takes_no_more_than_fifty_mebibytes(name: str) -> None:
    kind, packed = hostile(name)
    done = subprocess.run([sys.executable, "-c", MEMORY, kind], input=packed, capture_output=True, check=True)
    assert int(done.stdout) <= 50
