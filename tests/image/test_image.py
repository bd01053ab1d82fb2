"""What is in the image, and what it says of itself.

These tests skip where no container engine answers, in CI as well: no machine can be expected to have one, and .ci/run
builds no image. The message of the skip has the commands that would make them run.
"""

from __future__ import annotations

import json

import pytest

from connector import __version__
from tests.image.engine import CONFIG, ROOT, docker, inspected, python, run

pytestmark = pytest.mark.timeout(900)  # the first of them builds the image
MAX_MEGABYTES = 105  # unpacked; docs/image.md says of what


# -- what it says of itself ---------------------------------------------------------------------------------------


def test_user_is_numeric_and_not_root(image: str) -> None:
    assert inspected(image)["Config"]["User"] == "65532:65532"
    assert python(image, "import os; print(os.getuid(), os.getgid(), os.path.expanduser('~'))") == (
        "65532 65532 /home/putevents\n"
    )


def test_labels_say_which_version_of_what_it_is(image: str) -> None:
    labels = inspected(image)["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}version"] == __version__
    assert {f"{prefix}{name}" for name in ("title", "description", "licenses", "revision", "source")} <= labels.keys()


def test_it_runs_the_mounted_file_unless_told_otherwise(image: str) -> None:
    config = inspected(image)["Config"]
    assert (config["Entrypoint"], config["Cmd"]) == (["putevents"], ["run", CONFIG])


def test_it_takes_no_more_room_than_its_page_says(image: str) -> None:
    assert inspected(image)["Size"] < MAX_MEGABYTES * 1e6


def test_no_layer_and_no_setting_holds_a_secret(image: str) -> None:
    text = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    text += json.dumps(inspected(image)["Config"])
    lowered = text.lower()
    assert [word for word in ("secret", "password", "token", "akia", "://user", "pip_") if word in lowered] == []
    # The last stage copies twice, so two layers hold files: nothing was there first and deleted later.
    assert len(inspected(image)["RootFS"]["Layers"]) == 2


# -- what is in it ------------------------------------------------------------------------------------------------


def files(image: str) -> list[str]:
    code = "import os\nfor d, _, fs in os.walk('/'):\n if not d.startswith(('/proc', '/sys', '/dev')):\n"
    return python(image, code + "  for f in fs: print(os.path.join(d, f))").splitlines()


def test_there_is_no_shell_no_installer_no_compiler_and_no_package_manager(image: str) -> None:
    names = {path.rpartition("/")[2] for path in files(image)}
    unwanted = {"sh", "bash", "dash", "busybox", "pip", "pip3", "apt", "apt-get", "dpkg", "gcc", "cc", "ld", "perl"}
    assert names & unwanted == set()
    for module in ("pip", "setuptools", "ensurepip"):
        assert run(image, "-m", module, options=("--entrypoint", "python")).returncode != 0


def test_nothing_of_the_build_is_left(image: str) -> None:
    paths = files(image)
    assert [path for path in paths if path.startswith(("/build", "/root", "/image"))] == []
    assert [path for path in paths if path.endswith((".netrc", "pip.conf", ".pypirc", ".env"))] == []


def test_modules_are_compiled_so_that_no_start_does_it_again(image: str) -> None:
    code = (
        "import sys, connector.cli, botocore.session, importlib.util as u\n"
        "mods = [m for m in sys.modules.values() if getattr(m, '__file__', '') and m.__file__.endswith('.py')]\n"
        "import os; print([m.__name__ for m in mods if not os.path.exists(u.cache_from_source(m.__file__))])"
    )
    assert python(image, code) == "[]\n"


def test_scanners_are_told_which_debian_packages_it_has_files_of(image: str) -> None:
    status = [path for path in files(image) if path.startswith("/var/lib/dpkg/status.d/")]
    assert {"libc6", "libssl3"} <= {path.rpartition("/")[2] for path in status}


def test_protobuf_and_its_compiler_are_there(image: str) -> None:
    code = "import google.protobuf, subprocess; print(subprocess.check_output(['/venv/bin/protoc', '--version']))"
    assert "libprotoc" in python(image, code)


def test_hosts_are_looked_up_and_certificates_are_found(image: str) -> None:
    code = (
        "import socket, ssl\nprint(socket.gethostbyname('localhost'), len(ssl.create_default_context().get_ca_certs()))"
    )
    address, certificates = python(image, code).split()
    assert address == "127.0.0.1"
    assert int(certificates) > 50


def test_every_kind_of_credentials_is_found_with_the_services_that_are_left(image: str) -> None:
    options = ("--interactive", "--tmpfs", "/tmp", "--entrypoint", "python")  # noqa: S108  # the container's
    answer = run(image, "-", options=options, stdin=(ROOT / "tests/image/inside.py").read_text())
    assert answer.returncode == 0, answer.stderr
    results = json.loads(answer.stdout)
    assert results.pop("clients") == ["glue", "personalize", "personalize-events", "signin", "sso", "sso-oidc", "sts"]
    assert results.pop("wrong pair") == "Fatal"  # or else the others would prove nothing
    kinds = ("environment", "assumed role", "web identity", "pod identity")
    assert results == dict.fromkeys(kinds, "Delivered")
