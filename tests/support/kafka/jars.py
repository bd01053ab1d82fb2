"""Apache Kafka's jars and the Java to run them.

What ``pom.xml`` names is copied once into ``.cache/kafka/<version>/libs`` under the repository (or under
``$PUTEVENTS_KAFKA_CACHE``). The folder appears whole or not at all: processes that start together wait for the
one that fetches, and one that dies half-way leaves nothing that looks finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
INSTALL_HINT = "run `bash .ci/install-kafka-prerequisites` as root, or install a JDK 17 and Maven"
_MAVEN_SECONDS = 900


class MissingError(Exception):
    """Something that a real broker needs is not here; the message says what, and how to get it."""


def kafka_version() -> str:
    """The version in ``pom.xml``: the one place that names it."""
    match = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text())
    if match is None:
        raise ValueError(f"expected <kafka.version> in {POM}")
    return match[1]


def find_java() -> str:
    """The path of a ``java`` that is new enough: ``$JAVA_HOME``'s, else the one on the path.

    Raises:
        MissingError: there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    if java is None:
        raise MissingError(f"expected java {OLDEST_JAVA} or newer, found none: {INSTALL_HINT}")
    answer = _run([java, "-version"], seconds=30)
    match = re.search(r'version "(\d+)', answer.stdout)
    if match is None or int(match[1]) < OLDEST_JAVA:
        raise MissingError(f"expected java {OLDEST_JAVA} or newer, not {java}: {INSTALL_HINT}")
    return java


def fetch_jars() -> Path:
    """The folder with the jars; the first call in a repository downloads them (44 MB, 15 s to a minute).

    Raises:
        MissingError: they are not there yet, and Maven is missing or failed.
    """
    cache = Path(os.environ.get("PUTEVENTS_KAFKA_CACHE") or REPOSITORY / ".cache" / "kafka")
    finished = cache / kafka_version()
    if not _is_current(finished):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{finished.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_current(finished):  # another process may have fetched them while we waited
                _fetch_into(finished)
    return finished / "libs"


def class_archive(java: str, libs: Path) -> Path:
    """Where the archive of the classes that this Java loads out of these jars is, if `rehearse` has made it."""
    program = Path(java).resolve()
    version = hashlib.sha256(f"{program} {program.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    return libs.parent / f"classes-{version}.jsa"


def _is_current(folder: Path) -> bool:
    # A copy of the pom is the stamp: whoever changes it gets new jars, whatever the version says.
    stamp = folder / POM.name
    return stamp.is_file() and stamp.read_bytes() == POM.read_bytes()


def _fetch_into(finished: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingError(f"expected mvn to fetch Apache Kafka's jars, found none: {INSTALL_HINT}")
    with tempfile.TemporaryDirectory(dir=finished.parent, prefix=f"{finished.name}.part.") as scratch:
        staged = Path(scratch) / "staged"
        command = [
            *(maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={staged / 'libs'}"),
        ]
        # A developer's own repository is worth using; where there is none, none is left behind.
        if not (Path.home() / ".m2").is_dir():
            command.append(f"-Dmaven.repo.local={scratch}/repository")
        answer = _run(command, seconds=_MAVEN_SECONDS)
        if answer.returncode != 0:
            raise MissingError(f"mvn could not fetch Apache Kafka's jars:\n{answer.stdout[-2000:]}")
        shutil.copy(POM, staged)
        shutil.rmtree(finished, ignore_errors=True)
        staged.rename(finished)


def _run(command: list[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MissingError(f"{command[0]} did not finish within {seconds:g} s") from None
