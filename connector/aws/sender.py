"""All calls are made in one thread of their own, so that the loop's thread never waits for the network.

The two threads share only two queues. The loop is woken once for a burst of results, not for each one.
"""

import asyncio
import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from connector.aws.calls import EventsClient
from connector.core.sending.lanes import Batch
from connector.core.sending.outcomes import Outcome
from connector.ports import CallResult

GATHERING = 0.002  # seconds that a result waits for others: waking the loop costs as much as settling a result
CLOSING = 2.0  # seconds to wait at most for the thread to end


class SenderThread:
    """A thread with an asyncio loop in which all calls are made; ``ports.Sender``.

    An unexpected exception in this thread is raised in the loop's thread, by ``wait``.
    """

    def __init__(self, client: EventsClient) -> None:
        self._client = client
        self._batches: deque[Batch] = deque()
        self._results: queue.SimpleQueue[list[CallResult | Exception]] = queue.SimpleQueue()
        self._gathered: list[CallResult | Exception] = []
        self._awaited = False  # whether the loop's thread does nothing but wait for a result
        self._loop = _new_event_loop()
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def submit(self, batch: Batch) -> None:
        """See ``ports.Sender``."""
        self._batches.append(batch)
        if len(self._batches) == 1:
            # Waking the other thread is expensive; once for a burst of batches is enough.
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        while self._batches:
            batch = self._batches.popleft()
            self._client.call(batch, partial(self._done, batch, time.monotonic()))

    def _done(self, batch: Batch, started: float, outcome: Outcome | Exception) -> None:
        result = outcome if isinstance(outcome, Exception) else CallResult(batch, outcome, time.monotonic() - started)
        if not self._awaited:
            self._results.put([result])  # it is taken at the next step: nobody has to be woken
            return
        self._gathered.append(result)
        if len(self._gathered) == 1:
            self._loop.call_later(GATHERING, self._hand_over)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._results.put(gathered)

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """See ``ports.Sender``."""
        results: list[CallResult] = []
        try:
            gathered = self._first(timeout) if timeout > 0 else self._results.get_nowait()
            while True:
                for result in gathered:
                    if isinstance(result, Exception):
                        raise result
                    results.append(result)
                gathered = self._results.get_nowait()
        except queue.Empty:
            return results

    def _first(self, timeout: float) -> list[CallResult | Exception]:
        self._awaited = True
        try:
            return self._results.get(timeout=timeout)
        finally:
            self._awaited = False

    def close(self) -> None:
        """Cancel the calls in flight, and end the thread."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(CLOSING)

    def _end(self) -> None:
        self._client.close()
        self._loop.call_soon(self._loop.stop)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The event loop of uvloop where it is installed: it halves the cost of TLS."""
    try:
        make: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return make()
