"""All calls are made in a thread of their own: the loop's thread never waits for the network.

The two share nothing but two queues, and the loop is woken for a burst of answers, not for each.
"""

import asyncio
import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from connector.aws.put_events import Wire
from connector.core.sending.lanes import Batch
from connector.ports import CallResult

GATHERING = 0.002  # seconds that an answer waits for others: to wake the loop costs as much as to settle one
CLOSING = 2.0  # seconds to wait for the thread that is told to end


class SenderThread:
    """A thread with an asyncio loop in which all calls are made; ``ports.Sender``.

    What fails in it beyond all expectation is raised in the loop's thread.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._batches: deque[Batch] = deque()
        self._answers: queue.SimpleQueue[list[CallResult | Exception]] = queue.SimpleQueue()
        self._gathered: list[CallResult | Exception] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop = _new_event_loop()
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._wire.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def submit(self, batch: Batch) -> None:
        """See ``ports.Sender``."""
        self._batches.append(batch)
        if len(self._batches) == 1:
            # Waking the other thread costs more than a call's share of this one's time; once a burst is enough.
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        while self._batches:
            task = self._loop.create_task(self._send(self._batches.popleft()))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _send(self, batch: Batch) -> None:
        started = time.monotonic()
        try:
            outcome = await self._wire.send(batch)
        except Exception as error:  # noqa: BLE001  raised where somebody sees it, see wait()
            self._gather(error)
        else:
            self._gather(CallResult(batch, outcome, time.monotonic() - started))

    def _gather(self, answer: CallResult | Exception) -> None:
        self._gathered.append(answer)
        if len(self._gathered) == 1:
            self._loop.call_later(GATHERING, self._hand_over)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._answers.put(gathered)

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """See ``ports.Sender``."""
        answers: list[CallResult] = []
        try:
            gathered = self._answers.get(timeout=timeout) if timeout > 0 else self._answers.get_nowait()
            while True:
                for answer in gathered:
                    if isinstance(answer, Exception):
                        raise answer
                    answers.append(answer)
                gathered = self._answers.get_nowait()
        except queue.Empty:
            return answers

    def close(self) -> None:
        """Give up the calls that are under way, and end the thread."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(CLOSING)

    def _end(self) -> None:
        for task in self._under_way:
            task.cancel()
        self._loop.call_soon(self._loop.stop)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """That of uvloop where it is there: TLS costs half with it."""
    try:
        make: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return make()
