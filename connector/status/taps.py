"""Calls counted where they leave, for each tracking id: the metrics do not tell them apart, and must not.

A tracking id can come out of a record, and a label would keep it for good.
"""

from collections import Counter
from collections.abc import Sequence

from connector.core.sending.lanes import Batch
from connector.ports import CallResult, Sender


class CountedCalls:
    """A sender that counts what it is given; ``ports.Sender``.

    ``counts`` are calls by tracking id. Who reads them drops those that are of no more interest.
    """

    def __init__(self, sender: Sender) -> None:
        self.counts: Counter[str] = Counter()
        self._sender = sender

    def submit(self, batch: Batch) -> None:
        """See ``ports.Sender``."""
        self.counts[batch.tracking_id] += 1
        self._sender.submit(batch)

    def wait(self, timeout: float) -> Sequence[CallResult]:
        """See ``ports.Sender``."""
        return self._sender.wait(timeout)
