"""The container engine and the image to test, found in one place.

No machine that runs these tests can be expected to have an engine, the one of CI included; so where none answers the
tests that need it skip, there too, with the commands that would make them run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TAG = "putevents-connector:under-test"
BASE = "putevents-base:bookworm"  # what .ci/build-base-image makes
HINT = (
    "to run these tests as root on Debian: apt-get install -y docker.io debootstrap; dockerd & .ci/build-base-image "
    f"{BASE}; PUTEVENTS_TEST_BASE_IMAGE={BASE} .venv/bin/python -m pytest tests/image (see docs/image.md)"
)
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65532:65532")
CONFIG = "/etc/putevents/config.yaml"
ALONE = ("--network", "none")  # the loopback interface is there


class MissingError(Exception):
    """There is no image to test here; the message says why, and how there would be."""


def docker(
    *arguments: str, check: bool = True, seconds: float = 60, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Call the engine; CalledProcessError where ``check`` and it fails."""
    answer = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=seconds, input=stdin
    )
    assert not check or answer.returncode == 0, f"docker {arguments}: {answer.stdout[-3000:]}{answer.stderr[-3000:]}"
    return answer


def find_image() -> str:
    """The name of the image to test, built if it must be.

    Raises:
        MissingError: no engine answers, or the base of the image cannot be had.
    """
    if shutil.which("docker") is None or docker("version", check=False).returncode != 0:
        raise MissingError(f"no container engine answers; {HINT}")
    if image := os.environ.get("PUTEVENTS_TEST_IMAGE"):
        return image
    base = os.environ.get("PUTEVENTS_TEST_BASE_IMAGE") or default_base()
    known = docker("image", "inspect", base, check=False).returncode == 0
    if not known and docker("pull", "--quiet", base, check=False, seconds=300).returncode != 0:
        raise MissingError(f"the base {base} is not here and cannot be pulled; {HINT}")
    given = {"BASE": base, "REVISION": "0123abc", "SOURCE": "https://example.org/putevents"}
    arguments = [part for name, value in given.items() for part in ("--build-arg", f"{name}={value}")]
    docker("build", "--network", "host", *arguments, "--tag", TAG, str(ROOT), seconds=600)
    return TAG


def default_base() -> str:
    """The base that the Dockerfile names."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return next(line.removeprefix("ARG BASE=") for line in lines if line.startswith("ARG BASE="))


@contextmanager
def running(image: str, *arguments: str, options: tuple[str, ...] = ()) -> Iterator[str]:
    """A container that runs, hardened as in a cluster, by its name; gone with what it held at the end."""
    name = f"putevents-test-{uuid.uuid4().hex[:12]}"
    docker("run", "--detach", "--name", name, *HARDENED, *options, image, *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def run(image: str, *arguments: str, options: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[str]:
    """One command of the image, to its end, in a container that may do and write nothing."""
    return docker("run", "--rm", *HARDENED, *ALONE, *options, image, *arguments, check=False, **more)


def python(image: str, code: str) -> str:
    """What the code prints when the image's Python runs it."""
    answer = run(image, "-c", code, options=("--entrypoint", "python"))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def mounted(path: Path) -> tuple[str, str]:
    """The options that mount a configuration where the image looks for it."""
    path.chmod(0o644)  # the container's user is nobody here
    return "--volume", f"{path}:{CONFIG}:ro"


def inspected(image: str) -> dict[str, Any]:
    """What the engine knows of the image."""
    [document] = json.loads(docker("image", "inspect", image).stdout)
    return dict(document)
