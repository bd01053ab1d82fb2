"""``putevents``, and ``python -m connector``: the first thing that runs, and so the first that can be told to stop."""

import os
import signal
import sys

from connector.streams import flushed, occupy_closed


def main() -> int:
    """Run the command line; returns the exit code."""
    occupy_closed()
    if sys.argv[1:2] == ["run"]:
        # Until the connector listens by itself nothing has begun, so to end at once is to end in good order. Loading
        # its modules takes most of a second, and a pod that is deleted at once should not look as if it had crashed.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            signal.signal(signal.SIGHUP, lambda *_: os._exit(0))
    from connector.cli import main as run  # noqa: PLC0415  see above

    try:
        return run()
    finally:
        for stream in (sys.stdout, sys.stderr):
            flushed(stream)


if __name__ == "__main__":
    sys.exit(main())
