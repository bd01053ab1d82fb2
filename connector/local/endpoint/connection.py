"""One HTTP connection: bytes become requests, reactions become bytes, in order.

A client may send the next request before the response to the last one (pipelining), so requests queue while a
reply is delayed. Everything that a client can make grow has a limit: headers, bodies, framing, the queue, and
replies that it does not read.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

import httptools

from connector.local.endpoint.exchange import Hang, Reaction, Reply, Request, Reset
from connector.local.endpoint.rendering import chunk, render_head

MAX_BODY_BYTES = 1 << 20
MAX_HEAD_BYTES = 64 << 10
MAX_MESSAGE_BYTES = 8 << 20  # with the framing of chunks, which may outweigh what they carry
MAX_QUEUED = 64
STREAM_BYTES = 64 << 10
LINGER_SECONDS = 1.0


class Connection(asyncio.Protocol):
    """``handle`` reacts to a request, ``refuse`` replies to anything else; ``open_`` holds all open connections."""

    def __init__(
        self,
        handle: Callable[[Request], Reaction],
        refuse: Callable[[str, str], Reply],
        wall: Callable[[], float],
        open_: set["Connection"],
    ) -> None:
        self._handle = handle
        self._refuse = refuse
        self._wall = wall
        self._open = open_
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request | Reply, bool]] = deque()
        self._busy = False  # a reply is delayed, or is being streamed
        self._deaf = False  # nothing more is read: refused, hanging, or closing
        self._ended = False  # the client has sent its last byte; it may still wait for replies
        self._timer: asyncio.TimerHandle | None = None
        self._stream: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._message_bytes = 0
        self._completed = False
        self._begin()

    def _begin(self) -> None:
        self._in_head = True
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    # Callbacks of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # A cast and no check: uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the queue: the client is gone."""
        del exc
        self._open.discard(self)
        self._deaf = True
        self._queue.clear()
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._stream is not None:
            self._stream.cancel()

    def eof_received(self) -> bool:
        """Whether to stay open: a client that has shut its side down may still wait for a reply."""
        self._deaf = self._ended = True
        return self._busy and (self._timer is not None or self._stream is not None)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what is not HTTP or too large."""
        if self._deaf:
            return
        self._completed = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request was handled as HTTP/1.1; the bytes after it are in another protocol.
            self._deaf = self._ended = True
            self._close_if_done()
        except httptools.HttpParserError:
            self._refuse_and_close("BadRequestException", "expected HTTP/1.1")
        if not self._completed:
            self._message_bytes += len(data)
            self._check_size()

    def pause_writing(self) -> None:
        """Replies are not read: accept no more requests."""
        self._writable.clear()
        self._pace()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable.set()
        self._pace()

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target; a long one comes in several."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer of a chunked body, which no signature covers."""
        if self._in_head:
            name = name.lower()
            before = self._headers.get(name)
            self._headers[name] = value if before is None else before + b"," + value

    def on_headers_complete(self) -> None:
        """Refuse a body that is announced as too large; send 100 Continue where the client waits for it."""
        self._in_head = False
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
            self._too_large()
        elif self._headers.get(b"expect", b"").lower() == b"100-continue" and not self._busy:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            self._too_large()
        elif not self._deaf:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Queue the request; mostly it is handled at once."""
        self._completed = True
        self._message_bytes = 0
        if self._deaf:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        keep = self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"
        request = Request(self._parser.get_method(), self._target, self._headers, body)
        self._queue.append((request, keep))
        self._in_head = True
        self._advance()

    # Limits on what is read.

    def _check_size(self) -> None:
        if self._in_head and self._message_bytes > MAX_HEAD_BYTES:
            self._refuse_and_close("RequestHeaderFieldsTooLargeException", "expected at most 64 KB of headers")
        elif self._message_bytes > MAX_MESSAGE_BYTES:
            self._too_large()

    def _too_large(self) -> None:
        self._refuse_and_close("RequestEntityTooLargeException", "expected a body of at most 1 MB")

    def _refuse_and_close(self, code: str, message: str) -> None:
        if not self._deaf:
            self._deaf = self._ended = True
            self._body.clear()
            self._queue.append((self._refuse(code, message), False))
            self._advance()

    def _pace(self) -> None:
        if self._transport.is_closing():
            return
        crowded = self._busy and len(self._queue) > MAX_QUEUED
        if crowded or not self._writable.is_set():
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # Replies.

    def _advance(self) -> None:
        queue = self._queue
        while queue and not self._busy:
            item, keep = queue.popleft()
            if isinstance(item, Reply):
                self._send(item, b"", keep=keep)
            else:
                self._carry_out(self._handle(item), item.method, keep=keep)
        if self._busy and len(queue) > MAX_QUEUED:
            self._pace()

    def _carry_out(self, reaction: Reaction, method: bytes, *, keep: bool) -> None:
        match reaction:
            case Hang():
                self._busy = self._deaf = True
            case Reset(delay=delay):
                self._later(delay, self._reset)
            case Reply(delay=0):
                self._send(reaction, method, keep=keep)
            case Reply(delay=delay):
                self._later(delay, lambda: self._send(reaction, method, keep=keep))

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        def act_and_advance() -> None:
            self._timer = None
            self._busy = False
            act()
            self._advance()
            self._pace()

        self._busy = True
        self._timer = self._loop.call_later(delay, act_and_advance)

    def _send(self, reply: Reply, method: bytes, *, keep: bool) -> None:
        head = render_head(reply, self._wall(), keep=keep)
        self._transport.write(head if method == b"HEAD" else head + reply.body)
        if not keep:
            self._deaf = self._ended = True
            self._queue.clear()
        if reply.stream is not None and method != b"HEAD":
            self._busy = True
            self._stream = self._loop.create_task(self._send_stream(reply.stream))
        else:
            self._close_if_done()

    async def _send_stream(self, parts: Iterator[bytes]) -> None:
        pending = bytearray()
        for part in parts:
            pending += part
            if len(pending) >= STREAM_BYTES:
                self._transport.write(chunk(pending))
                pending.clear()
                await asyncio.sleep(0)  # other connections are served meanwhile
                await self._writable.wait()
        if pending:
            self._transport.write(chunk(pending))
        self._transport.write(b"0\r\n\r\n")
        self._stream = None
        self._busy = False
        self._advance()
        self._close_if_done()

    def _reset(self) -> None:
        # Lingering for zero seconds makes the kernel send RST, which no client mistakes for an orderly end.
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._deaf = True
        self._queue.clear()
        self._transport.abort()

    def _close_if_done(self) -> None:
        if self._ended and not self._busy and not self._queue and not self._transport.is_closing():
            # Keep reading for a moment and drop what comes: closing with unread bytes sends RST, and a client that
            # is still sending its request would lose the reply.
            self._transport.write_eof()
            self._timer = self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def close(self) -> None:
        """Close after everything written has been sent."""
        self._deaf = True
        self._transport.close()

    def abort(self) -> None:
        """Close now, and drop what has not been sent."""
        self._transport.abort()
