"""A kept-alive connection carries one answer after the other, and nothing of one into the next."""

import asyncio
from contextlib import suppress

from connector.aws.connection import Answer, Response
from connector.aws.failures import CallFailed
from connector.aws.http import Connections
from connector.aws.origin import Origin


async def post(connections: Connections, request: bytes) -> Answer:
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    connections.begin(connections.take() or await connections.connect(), request, answer.set_result)
    return await answer


def test_an_answer_without_a_length_is_not_answered_again_when_the_next_call_is_cut_off() -> None:
    asked: list[bytes] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"{}"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        asked.append(await reader.readuntil(b"{}"))
        writer.close()

    async def call_twice() -> tuple[Answer, Answer]:
        async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
            origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], None)
            connections = Connections(origin, 5.0, 5.0, asyncio.get_running_loop().time)
            request = origin.head("/events", {"Content-Length": "2"}) + b"\r\n{}"
            return await post(connections, request), await post(connections, request)

    first, second = asyncio.run(call_twice())
    assert isinstance(first, Response)
    assert first.status == 204
    assert isinstance(second, CallFailed)
    assert second.code == "ConnectionClosedError"
    assert len(asked) == 2, "the connection was kept"


def test_each_call_that_gets_no_answer_in_time_ends_whatever_becomes_of_those_before_and_after_it() -> None:
    served: list[asyncio.Future[None]] = []

    async def answer_if_asked_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.get_running_loop().create_future())
        done = served[-1]
        with suppress(ConnectionError):
            while word := await reader.read(1000):
                if word.endswith(b"answer"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        done.set_result(None)

    async def call_often() -> list[Answer]:
        async with await asyncio.start_server(answer_if_asked_to, "127.0.0.1", 0) as server:
            origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], None)
            connections = Connections(origin, 5.0, 0.3, asyncio.get_running_loop().time)
            request = origin.head("/events", {}) + b"\r\n"
            words = [b"answer", b"", b"answer", b"", b"", b"answer"]
            answers = await asyncio.gather(*(post(connections, request + word) for word in words))
            later = [await post(connections, request + word) for word in (b"answer", b"", b"answer")]
            connections.close()
            await asyncio.gather(*served)
            return [*answers, *later]

    answers = asyncio.run(call_often())
    assert [answer.code for answer in answers if isinstance(answer, CallFailed)] == ["ReadTimeoutError"] * 4
    assert [isinstance(answer, CallFailed) for answer in answers] == [
        *(False, True, False, True, True, False),
        *(False, True, False),
    ]
