"""What the page can ask for: the file and samples, what becomes of them, and saving."""

import threading
from collections.abc import Sequence
from typing import Any

from connector.config import Problem
from connector.playground.evaluating import Evaluation
from connector.playground.samples import Samples
from connector.playground.sheet import CannotSave, Conflict, Sheet

Json = dict[str, Any]


class Refused(Exception):
    """What was asked for is not done; ``answer`` says why."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"why": why, "message": message}


class Desk:
    """A file, its samples, and what evaluates them.

    One evaluation at a time: further ones wait for their turn, and everything else is answered meanwhile.
    """

    def __init__(self, sheet: Sheet, samples: Samples, evaluate: Evaluation) -> None:
        self._sheet = sheet
        self._samples = samples
        self._evaluate = evaluate
        self._turn = threading.Lock()

    def open(self) -> Json:
        """The file as it is on disk now, and the samples that the command was started with."""
        seen = self._sheet.read()
        if isinstance(seen, Problem):
            raise Refused("unreadable", f"{self._sheet.path.name}: {seen.message}")
        return {
            "file": self._sheet.path.name,
            "text": seen.text,
            "version": seen.version,
            "samples": list(self._samples.texts),
            "note": self._samples.note,
        }

    def evaluate(self, text: str, samples: Sequence[str]) -> Json:
        """What becomes of the samples, and which version of the file is on disk by now."""
        with self._turn:
            return {**self._evaluate(text, samples), "version": self._sheet.version()}

    def save(self, text: str, version: str | None) -> Json:
        """Write the file."""
        try:
            return {"version": self._sheet.save(text, version)}
        except Conflict:
            raise Refused("changed", f"{self._sheet.path.name} has changed on disk since it was read here") from None
        except CannotSave as error:
            raise Refused("unwritable", f"{self._sheet.path.name}: {error}") from None
