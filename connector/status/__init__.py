"""The status page: what the process does now, for people.

Data flows one way: the loop's thread looks once a second (``board``), what it sees becomes values that nobody changes
(``model``), and the server's threads make a page or JSON of the latest ones (``answers``). No thread waits for another,
and nothing here is done for each record.

| module | what it holds |
|---|---|
| board.py, model.py | a look at the loop, once a second; the values that it becomes |
| conditions.py, wording.py | which state the process is in; states and numbers in words |
| page.py, tables.py, charts.py, markup.py | HTML: the page, its tables and their columns, charts, elements |
| document.py | the same as JSON |
| history.py | the last quarter of an hour |
| answers.py | the answer to a request |
"""

from connector.status.answers import Answers
from connector.status.board import Board
from connector.status.model import Facts

__all__ = ["Answers", "Board", "Facts"]
