"""What a script calls instead of ``python -m connector``: has the server fork, and ends as the forked process does.

It is run without the site's packages, and imports little: that it starts in a fraction of the time is its purpose.
"""

import json
import os
import signal
import socket
import sys

SERVER = "FORKS_PUTEVENTS"  # the variable with the address


def main() -> int:
    """Returns the exit code."""
    opened = [number for number in (0, 1, 2) if is_open(number)]
    env = dict(os.environ)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(env.pop(SERVER))
        order = {"words": sys.argv[1:], "cwd": os.getcwd(), "env": env, "open": opened}  # noqa: PTH109  slow to import
        socket.send_fds(connection, [json.dumps(order).encode()], opened)
        for number in opened:
            os.close(number)  # a reader at the other end of a pipe waits for all to close it
        code = os.waitstatus_to_exitcode(int(connection.recv(64)))
    if code < 0:
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    os._exit(main())
