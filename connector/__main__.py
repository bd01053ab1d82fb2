"""``putevents``, and ``python -m connector``: the first thing that runs, and so the first that can be told to stop."""

import os
import signal
import sys

from connector import interrupt
from connector.streams import occupy_closed


def main() -> int:
    """Run the command line; returns the exit code."""
    # Ctrl-C while modules load: an exception in the midst of one is a traceback at best, and a crash in native code.
    interrupt.end_at_once()
    closed = occupy_closed()
    if sys.argv[1:2] == ["run"]:
        # Until the connector listens by itself nothing has begun, so to end at once is to end in good order. Loading
        # its modules takes most of a second, and a pod that is deleted at once should not look as if it had crashed.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            signal.signal(signal.SIGHUP, lambda *_: os._exit(0))
    try:
        from connector.cli import process  # noqa: PLC0415  see above

        return process(closed)
    except ImportError:
        # Files of another distribution may stand where some of ours were.
        sys.stderr.write("".join(f"putevents: {warning}\n" for warning in neighbours()))
        raise


def neighbours() -> list[str]:
    """A warning for each other distribution that has put a ``connector`` package into this environment.

    Of files of one name the distribution that was installed last has its own. What this needs lies in this module,
    which may be the only one that is left of ours.
    """
    from importlib.metadata import distributions  # noqa: PLC0415  most commands do without

    return sorted(
        {
            f"warning: the distribution {name} has put a package called connector into this environment, too, and may "
            "have replaced files of putevents-connector: install that into an environment of its own"
            for installed in distributions()
            if (name := installed.name or "") != "putevents-connector"
            and "\nconnector/" in "\n" + (installed.read_text("RECORD") or "")
        }
    )


if __name__ == "__main__":
    sys.exit(main())
