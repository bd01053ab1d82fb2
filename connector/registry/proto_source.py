"""What a registry gives as .proto text is compiled with protoc, which comes with the extra as a program.

Some registries know no other form. The files are written to a folder that is gone afterwards. What everybody imports
without bringing it (google/protobuf, google/type, Confluent's own) is handed over compiled.
"""

import errno
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

from google.protobuf import descriptor_pb2

from connector.config.protoc import find_protoc
from connector.core.formats.decoded import SchemaError
from connector.core.formats.protobuf_files import known_files

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  the folder in it has a name of its own, and its owner's mode
_TIMEOUT: Final = 30.0  # seconds; the largest schemas take less than one
_MAX_WORDS: Final = 300  # characters of what protoc says
_OURS: Final = {errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EROFS}  # no fault of a name
_KNOWN, _RESULT = ".known", ".compiled"  # not names of files that a schema can import


def descriptors_of(text: str, references: Mapping[str, str]) -> bytes:
    """The FileDescriptorSet of a schema: what it imports, then the file itself, which is the last.

    Args:
        text: the .proto file.
        references: the files that it imports, by the names that it imports them by.

    Raises:
        SchemaError: it is not valid, or an import is missing.
        OSError: nothing can be written or run here, which is no fault of the schema.
    """
    protoc = find_protoc()
    if protoc is None:
        raise SchemaError(
            "the registry gives this schema as .proto text, and protoc is missing: "
            "pip install 'putevents-connector[protobuf]'"
        )
    name = _free_name(references)
    with TemporaryDirectory(prefix="putevents-proto-", dir=_place()) as folder:
        root = Path(folder)
        for path, source in (*references.items(), (name, text)):
            _write(root, path, source)
        (root / _KNOWN).write_bytes(_known_besides(references))
        return _compiled(protoc, root, name)


def _place() -> str:
    """Where files can be written: with a read-only root and without /tmp, as in a pod, that is shared memory alone."""
    try:
        return gettempdir()
    except FileNotFoundError:
        return _SHARED_MEMORY


def _free_name(references: Mapping[str, str]) -> str:
    name = "schema.proto"
    while name in references:
        name = f"the-{name}"
    return name


def _write(root: Path, name: str, source: str) -> None:
    parts = PurePosixPath(name).parts
    # The name is the registry's, and must not lead out of the folder.
    if not parts or name.startswith(("/", ".")) or ".." in parts or "\0" in name or "\\" in name:
        raise SchemaError("expected the name of a .proto file for each reference, such as shop/item.proto")
    path = root.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    except (OSError, UnicodeEncodeError) as error:
        if isinstance(error, OSError) and error.errno in _OURS:
            raise
        raise SchemaError(f"expected a .proto file of UTF-8 text, found none in {name!a}") from None


def _known_besides(references: Mapping[str, str]) -> bytes:
    known = descriptor_pb2.FileDescriptorSet()
    known.file.extend(file for name, file in known_files().items() if name not in references)
    return bytes(known.SerializeToString())


def _compiled(protoc: Path, root: Path, name: str) -> bytes:
    command = [str(protoc), "--proto_path=.", f"--descriptor_set_in={_KNOWN}", "--include_imports"]
    try:
        done = subprocess.run(  # noqa: S603  our own program; what is not ours is in files
            [*command, f"--descriptor_set_out={_RESULT}", name],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SchemaError(f"expected a .proto file that protoc compiles within {_TIMEOUT:.0f} s") from None
    if done.returncode < 0:
        raise OSError(f"protoc was ended by signal {-done.returncode}")
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())[:_MAX_WORDS]
        raise SchemaError(f"expected a valid .proto file: {words}")
    return (root / _RESULT).read_bytes()
