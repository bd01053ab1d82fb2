"""The status page: what the process does now, for people.

Data flows one way: the loop's thread looks once a second (``board``), what it sees becomes values that nobody changes
(``model``), and the server's threads make a page or JSON of the latest ones (``answers``). No thread waits for another,
and nothing here is done for each record.
"""

from connector.status.answers import Answers
from connector.status.board import Board
from connector.status.model import Facts

__all__ = ["Answers", "Board", "Facts"]
