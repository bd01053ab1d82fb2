"""Makes the root file system of the image: Python, the libraries that it and the packages load, and nothing else.

The base brings a shell, a package manager and an installer, of which a connector needs none and a scanner reports many.
So what is needed is copied out of the base instead: the interpreter, the standard library, and what ``ldd`` says that
either of them or a package loads. Scanners still see which Debian packages those files are of, and their licences.

    $ python3 deploy/image/root.py /venv /root-of-the-image
"""  # noqa: INP001  # a script, not a package

from __future__ import annotations

import compileall
import os
import shutil
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

USER = 65532
HOME = "home/putevents"
# Of the standard library: tools for developers, and modules on libraries that nothing here calls.
UNUSED = (
    "__pycache__", "config-*", "dist-packages", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "tkinter", "turtle.py", "turtledemo", "venv",
    "sqlite3", "curses", "dbm", "_sqlite3.*.so", "_curses*.so", "_dbm.*.so", "_gdbm.*.so", "_tkinter.*.so", "_test*.so",
    "_xxtestfuzz.*.so", "readline.*.so", "nis.*.so", "ossaudiodev.*.so",
)  # fmt: skip
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LOADER_CACHE = Path("/etc/ld.so.cache")  # says where libraries outside of the usual folders are
# The C library opens these by name, when it looks up a host: no file names them as needed.
BY_NAME = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")
ETC = {
    "passwd": f"root:x:0:0:root:/:/sbin/nologin\nputevents:x:{USER}:{USER}::/{HOME}:/sbin/nologin\n",
    "group": f"root:x:0:\nputevents:x:{USER}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def main(venv: Path, root: Path) -> None:
    """Fill ``root`` for the environment in ``venv``, with the Python that runs this."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    _copy_interpreter(root)
    # Hashes, unlike times, survive being copied into a layer; unchecked, since files of an image do not change.
    shutil.copytree(stdlib, _inside(root, stdlib), ignore=shutil.ignore_patterns(*UNUSED))
    _compile(_inside(root, stdlib), root)
    _compile(venv, Path("/"))
    libraries = _libraries([Path(sys.executable).resolve(), *_inside(root, stdlib).rglob("*.so"), *venv.rglob("*.so*")])
    libraries = {library for library in libraries if not library.is_relative_to(venv)}
    files = libraries | set(_by_name(libraries)) | {CERTIFICATES}
    for file in (*files, LOADER_CACHE):
        _copy(file, root)
    _write_etc(root)
    _link_certificates(root)
    _tell_scanners(sorted(files | {Path(sys.executable).resolve(), stdlib / "os.py"}), root)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy(file: Path, root: Path) -> None:
    # Under the name that it is looked for by; what that is a link to is of no interest.
    target = _inside(root, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)


def _copy_interpreter(root: Path) -> None:
    link = Path(sys.executable)
    while link.is_symlink():
        target = _inside(root, link)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(link.readlink())
        link = link.parent / link.readlink()
    _copy(link, root)


def _compile(folder: Path, root: Path) -> None:
    compileall.compile_dir(
        folder, maxlevels=20, force=True, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        stripdir=root, prependdir="/",
    )  # fmt: skip


def _libraries(binaries: Iterable[Path]) -> set[Path]:
    """What the binaries load, directly or not.

    Raises:
        SystemExit: a library is missing in the base.
    """
    found: set[Path] = set()
    for binary in binaries:
        answer = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607  # files of our own, in a build
        for line in answer.splitlines():
            # "name => /path (address)", "/path (address)" for the loader, "name => not found"
            if "not found" in line:
                raise SystemExit(f"{binary} needs a library that the base does not have: {line.strip()}")
            path = line.split("=>")[-1].split("(")[0].strip()
            if path.startswith("/"):
                found.add(Path(os.path.normpath(path)))
    return found


def _by_name(libraries: Iterable[Path]) -> Iterator[Path]:
    folder = next(library for library in libraries if library.name.startswith("libc.so")).parent
    return (folder / name for name in BY_NAME if (folder / name).exists())


def _link_certificates(root: Path) -> None:
    # One bundle for all: Kafka's client looks for it where Debian keeps it, Python's ssl where OpenSSL was told to.
    link = _inside(root, Path(ssl.get_default_verify_paths().openssl_cafile))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(CERTIFICATES)


def _write_etc(root: Path) -> None:
    _copy(Path("/etc/os-release"), root)
    for name, content in ETC.items():
        (root / "etc" / name).write_text(content)
    (root / HOME).mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


def _tell_scanners(files: Iterable[Path], root: Path) -> None:
    """The entries of dpkg's database and the licences, for the packages that the files are of; where there is dpkg."""
    if shutil.which("dpkg-query") is None:
        return
    for package in sorted({owner for file in files for owner in _owners(file)}):
        stanza = subprocess.run(["dpkg-query", "--status", package], capture_output=True, check=True).stdout  # noqa: S603, S607
        name = package.partition(":")[0]
        status = root / "var/lib/dpkg/status.d" / name
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_bytes(stanza)
        terms = Path("/usr/share/doc") / name / "copyright"
        if terms.exists():
            _copy(terms, root)


def _owners(file: Path) -> Iterator[str]:
    # A package names its files with or without /usr, whichever it was built with.
    for path in {file, file.resolve(), Path("/", *file.resolve().parts[2:])}:
        answer = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
        for line in answer.splitlines():
            yield from (package.strip() for package in line.rpartition(": ")[0].split(","))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
