"""Takes out of a virtual environment what the image never reads, and says how much that was.

botocore ships the models of more than four hundred services, and the connector calls two of them. What its chain of
credentials calls stays, too: which services those are is a table here, and tests/image holds that each of them still
makes a client and that each kind of credentials is still found.

    $ python deploy/image/trim.py /venv
"""  # noqa: INP001  # a script, not a package

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SERVICES = frozenset({
    "glue",  # its schema registry
    "personalize",  # the service's control plane: asked by nobody yet, and small
    "personalize-events",  # PutEvents
    "signin",  # credentials of `aws login`
    "sso",  # credentials of a profile with single sign-on
    "sso-oidc",
    "sts",  # assumed roles, web identity
})  # fmt: skip
# Protobuf itself, and of the messages that come with it what schemas import and what OpenTelemetry reports.
GOOGLE = frozenset({"_upb", "protobuf", "rpc", "type"})
# Nobody calls pip in an image, and activation is for people at a terminal. protoc compiles .proto texts of a registry.
COMMANDS = frozenset({"protoc", "putevents", "python"})


def main(venv: Path) -> None:
    """Trim the environment in the folder ``venv``."""
    before = _size(venv)
    for packages in venv.glob("lib/python3*/site-packages"):
        _keep(packages / "botocore" / "data", SERVICES)
        _keep(packages / "google", GOOGLE)
        _remove(packages / "boto3" / "data")  # resources, the older interface
        _remove(packages / "boto3" / "examples")
        for pattern in ("*.pyx", "*.pxd", "*.pyi", "*.c", "*.h"):
            for source in packages.rglob(pattern):
                source.unlink()
        _strip(packages)
    for command in (venv / "bin").iterdir():
        if command.name.rstrip("0123456789.") not in COMMANDS:
            _remove(command)
    sys.stdout.write(f"trimmed {(before - _size(venv)) / 1e6:.1f} MB of {before / 1e6:.1f} MB\n")


def _strip(packages: Path) -> None:
    """Take debug information out of extension modules: most of uvloop is that."""
    strip = shutil.which("strip")
    modules = [str(path) for path in packages.rglob("*.so") if not path.parent.name.endswith(".libs")]
    if strip is not None and modules:
        subprocess.run([strip, "--strip-unneeded", *modules], check=True)  # noqa: S603


def _keep(parent: Path, names: frozenset[str]) -> None:
    # Files beside the folders (of botocore: endpoints, partitions, retries) belong to none of them, and all are read.
    for entry in parent.iterdir() if parent.is_dir() else ():
        if entry.is_dir() and entry.name not in names:
            shutil.rmtree(entry)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
