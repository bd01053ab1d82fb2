"""Writes a file of the user as a whole: a disk that is full, or a stop in between, leaves what was there."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

# A file that is mounted by itself cannot be renamed over, and a folder may take no new file; the file then is written
# in its place.
_NO_NEW_FILE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


def replace(path: Path, content: bytes) -> None:
    """All or nothing, with the mode and the owner as they were; what a symbolic link leads to is replaced.

    Raises:
        OSError: it cannot be written.
    """
    path = path.resolve()
    status = path.stat() if path.exists() else None
    if status is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "permission denied")
    try:
        _renamed(path, content, status)
    except OSError as error:
        if status is None or error.errno not in _NO_NEW_FILE:
            raise
        path.write_bytes(content)


def _renamed(path: Path, content: bytes, status: os.stat_result | None) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if status is not None:
            with contextlib.suppress(OSError):
                os.chown(name, status.st_uid, status.st_gid)  # before the mode, which a change of owner would cut
        Path(name).chmod(0o644 if status is None else status.st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
