"""Apicurio Registry from Maven Central, a real registry: ``python -m tests.support.apicurio --fetch``.

It is unpacked once into ``.cache/apicurio/<version>`` (109 MB to download), never by a test run: tests are skipped with
this command until somebody has run it.
"""

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.kafka.broker import GUARD
from tests.support.kafka.jars import INSTALL_HINT, REPOSITORY, MissingError, find_java

VERSION = "3.0.9"
COMMAND = "python -m tests.support.apicurio --fetch"
_CACHE = REPOSITORY / ".cache" / "apicurio"
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_JAR = f"apicurio-registry-app-{VERSION}-runner.jar"
_READY = re.compile(r"Listening on: http://127\.0\.0\.1:(\d+)")


def find() -> Path:
    """The folder of the unpacked registry.

    Raises:
        MissingError: nobody has fetched it.
    """
    folder = _CACHE / VERSION
    if not (folder / _JAR).is_file():
        raise MissingError(f"no Apicurio Registry to test with: run `{COMMAND}`")
    return folder


def fetch() -> Path:
    """Download and unpack it, unless it is there; whole or not at all.

    Raises:
        MissingError: Maven is missing or failed.
    """
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return find()
        except MissingError:
            _fetch_into(_CACHE / VERSION)
    return find()


def _fetch_into(finished: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingError(f"expected mvn to fetch Apicurio Registry, found none: {INSTALL_HINT}")
    with tempfile.TemporaryDirectory(dir=finished.parent, prefix=f"{finished.name}.part.") as scratch:
        command = [maven, "-B", "-q", "dependency:copy", f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={scratch}"]
        if not (Path.home() / ".m2").is_dir():  # where there is none, none is left behind
            command.append(f"-Dmaven.repo.local={scratch}/repository")
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode:
            raise MissingError(f"mvn could not fetch Apicurio Registry:\n{done.stdout[-2000:]}")
        staged = Path(scratch) / "staged"
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as packed:
            packed.extractall(staged, filter="data")
        jar = next(staged.rglob(_JAR))
        shutil.rmtree(finished, ignore_errors=True)
        jar.parent.rename(finished)


@contextmanager
def running_apicurio() -> Iterator[str]:
    """The URL of its API that is compatible with Confluent's; storage is in memory.

    Raises:
        MissingError: there is no Java, or nobody has fetched the registry.
    """
    folder, java = find(), find_java()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "registry"
        home.mkdir()
        options = ["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.port=0"]
        options.append('-Dquarkus.log.category."io.quarkus".level=INFO')  # says the port
        process = subprocess.Popen(
            [java, *options, "-Dquarkus.http.host=127.0.0.1", "-jar", str(folder / _JAR)],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(home)},
        )
        # Ends the registry where this process ends in a way that cleans nothing up.
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, str(process.pid), str(home)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield f"http://127.0.0.1:{_port(process)}/apis/ccompat/v7"
        finally:
            process.kill()
            process.wait()
            guard.communicate(b"done\n")


def _port(process: subprocess.Popen[str]) -> int:
    """The port that it says it listens on."""
    lines = process.stdout
    assert lines is not None
    said = []
    for line in lines:
        said.append(line)
        found = re.search(_READY, line)
        if found:
            threading.Thread(target=_drain, args=(lines,), daemon=True).start()  # or it would fill the pipe
            return int(found[1])
    lines.close()
    raise RuntimeError(f"Apicurio Registry ended before it listened:\n{''.join(said[-20:])}")


def _drain(lines: IO[str]) -> None:
    """Read to the end. Whoever reads also closes: a reader whose pipe another thread closes raises."""
    with lines:
        deque(lines, 0)


def main() -> int:
    """Fetch it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.apicurio")
    parser.add_argument(
        "--fetch", action="store_true", required=True, help="download and unpack it, unless it is there"
    )
    parser.parse_args()
    try:
        sys.stdout.write(f"{fetch()}\n")
    except MissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
