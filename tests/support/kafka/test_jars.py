"""The jars are fetched once, whole or not at all, and what is missing is named. Maven is a script here."""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.kafka import jars
from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.jars import MissingError, class_archive, fetch_jars, find_java, kafka_version

if TYPE_CHECKING:
    from pathlib import Path

_MAVEN = """#!/bin/sh
echo run >> "$FAKE_MAVEN_RUNS"
echo "$@" > "$FAKE_MAVEN_RUNS.arguments"
for argument in "$@"; do
  case "$argument" in -DoutputDirectory=*) mkdir -p "${argument#*=}"; : > "${argument#*=}/kafka.jar" ;; esac
done
sleep 0.2
exit "${FAKE_MAVEN_CODE:-0}"
"""


class Machine:
    """A home, a path and a cache of this test's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache = folder / "cache"
        self.home = folder / "home"
        self.programs = folder / "programs"
        self.runs = folder / "runs"
        self.home.mkdir()
        self.programs.mkdir()
        monkeypatch.setenv("PUTEVENTS_KAFKA_CACHE", str(self.cache))
        monkeypatch.setenv("HOME", str(self.home))
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        monkeypatch.setenv("FAKE_MAVEN_RUNS", str(self.runs))
        monkeypatch.delenv("JAVA_HOME", raising=False)

    def install(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(script)
        program.chmod(0o755)

    @property
    def maven_arguments(self) -> str:
        return self.runs.with_name("runs.arguments").read_text()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, monkeypatch)
    made.install("mvn", _MAVEN)
    return made


def test_processes_that_start_together_fetch_once(machine: Machine) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        folders = [each.get(60) for each in [pool.apply_async(fetch_jars) for _ in range(3)]]
    assert folders == [machine.cache / kafka_version() / "libs"] * 3
    assert (folders[0] / "kafka.jar").is_file()
    assert machine.runs.read_text() == "run\n"


def test_nothing_is_left_of_a_fetch_that_failed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MAVEN_CODE", "1")
    with pytest.raises(MissingError, match="mvn could not fetch"):
        fetch_jars()
    assert [each.name for each in machine.cache.iterdir()] == [f"{kafka_version()}.lock"]
    monkeypatch.setenv("FAKE_MAVEN_CODE", "0")
    assert (fetch_jars() / "kafka.jar").is_file()


def test_a_changed_pom_is_fetched_again(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_jars()
    changed = tmp_path / "pom.xml"
    changed.write_text(jars.POM.read_text() + "<!-- changed -->")
    monkeypatch.setattr(jars, "POM", changed)
    fetch_jars()
    fetch_jars()
    assert machine.runs.read_text() == "run\nrun\n"


def test_a_home_without_a_maven_repository_stays_without(machine: Machine) -> None:
    fetch_jars()
    assert f"-Dmaven.repo.local={machine.cache}" in machine.maven_arguments
    assert list(machine.home.iterdir()) == []


def test_a_maven_repository_in_the_home_is_used(machine: Machine) -> None:
    (machine.home / ".m2").mkdir()
    fetch_jars()
    assert "-Dmaven.repo.local" not in machine.maven_arguments


def test_a_missing_maven_is_named_with_its_remedy(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.home))
    with pytest.raises(MissingError, match=r"found none: run `bash \.ci/install-kafka-prerequisites`"):
        fetch_jars()


def test_a_java_that_is_too_old_is_as_good_as_none(machine: Machine) -> None:
    machine.install("java", "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    with pytest.raises(MissingError, match="expected java 17 or newer"):
        find_java()


def test_a_java_of_17_will_do(machine: Machine) -> None:
    machine.install("java", "#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n")
    assert find_java() == str(machine.programs / "java")


def test_an_archive_of_classes_is_of_one_java_and_goes_with_its_jars(machine: Machine) -> None:
    machine.install("java", "#!/bin/sh\n")
    java, libs = machine.programs / "java", fetch_jars()
    archive = class_archive(str(java), libs)
    assert archive.parent == libs.parent
    assert class_archive(str(java), libs) == archive
    os.utime(java, (1, 1))  # another one was installed
    assert class_archive(str(java), libs) != archive


@pytest.mark.parametrize("made", [True, False])
def test_a_node_is_started_with_the_archive_where_there_is_one(machine: Machine, *, made: bool) -> None:
    machine.install("java", "#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n")
    archive = class_archive(find_java(), fetch_jars())
    if made:
        archive.touch()
    cluster = KafkaCluster()
    assert (f"-XX:SharedArchiveFile={archive}" in cluster._java) is made
    cluster.stop()
