"""A kept-alive connection carries one answer after the other, and nothing of one into the next."""

import asyncio

import pytest

from connector.aws.failures import CallFailed
from connector.aws.http import Connections, Response
from connector.aws.origin import Origin


def test_an_answer_without_a_length_is_not_answered_again_when_the_next_call_is_cut_off() -> None:
    asked: list[bytes] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"{}"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        asked.append(await reader.readuntil(b"{}"))
        writer.close()

    async def call_twice() -> Response:
        async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
            origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], None)
            connections = Connections(origin, 5.0, 5.0, asyncio.get_running_loop().time)
            head = origin.head("/events", {"Content-Length": "2"}) + b"\r\n"
            first = await connections.post(head, b"{}")
            with pytest.raises(CallFailed, match="ConnectionClosedError"):
                await connections.post(head, b"{}")
            return first

    assert asyncio.run(call_twice()).status == 204
    assert len(asked) == 2, "the connection was kept"
