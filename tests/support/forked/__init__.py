"""Processes of ``putevents`` that are forked, from a server that has loaded the connector's modules.

To load them takes most of a second of CPU, and the tests start some six hundred processes. A forked one is a process
as any other: the test's own child, with its own environment, folder, streams, signals and exit code; it runs
``connector/__main__.py`` from its first line. Only what comes before that line is not its own: how Python starts, and
which modules are loaded. Tests of just that start a Python of their own, with ``subprocess``.

| module | what it has |
|---|---|
| starting.py | `Popen` and `run`, used as those of ``subprocess``; `for_scripts`, for those that call ``putevents`` |
| server.py | the server: one for each process of the tests that needs it, gone when that ends |
| client.py | what a script calls instead of ``python -m connector`` |
"""

from tests.support.forked.starting import CLOSED, CONNECTOR, Popen, for_scripts, run

__all__ = ["CLOSED", "CONNECTOR", "Popen", "for_scripts", "run"]
