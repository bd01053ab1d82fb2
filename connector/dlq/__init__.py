"""``putevents dlq``: what lies in the dead-letter topic, and how it is replayed.

| module | what it holds |
|---|---|
| letters | a message of the topic becomes a letter: the record as it was, and what was wrong with it. Pure |
| selection, marks | which letters are meant; which were replayed already, as commits say it. Pure |
| groups | letters of one kind, counted. Pure |
| minimal | the smallest document that keeps a property. Pure |
| reading | the letters of the topic, read without a group |
| trying, newer | what the current mapping makes of letters; what was delivered after them |
| guarding | which letters are older than what was delivered, and so are not sent. Pure |
| source, replaying, returning | the replay: the loop of ``run``, over letters |
| exporting, adding, appending | letters as lines for ``map``; a letter as a test, added to the file |
"""
