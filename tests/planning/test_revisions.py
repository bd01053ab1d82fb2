"""OLD and NEW as git has them at a revision."""

from pathlib import Path

import pytest

from connector.config import Loaded
from connector.planning.revisions import NoRevision, load_version
from tests.support.config_files import build
from tests.support.repositories import git, repository

FILE = build()
AVRO = build().replace("    rules:", "    value: {format: avro, schema_file: schemas/click.avsc}\n    rules:")
SCHEMA = '{"type": "record", "name": "Click", "fields": [{"name": "session", "type": "string"}]}'


def version(name: str) -> Loaded:
    found = load_version(name, {})
    assert isinstance(found, Loaded), found
    return found


def refusal(name: str) -> str:
    with pytest.raises(NoRevision) as refused:
        load_version(name, {})
    return str(refused.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose working copy differs from what is committed."""
    top = tmp_path / "top"
    top.mkdir()
    repository(
        top, {"clicks.yaml": FILE, "deploy/orders.yaml": FILE, "deploy/clicks.yaml": FILE.replace("clicks", "c2")}
    )
    (top / "clicks.yaml").write_text(FILE.replace("tracker-1", "tracker-2"))
    monkeypatch.chdir(top)
    return top


def test_a_file_of_a_revision_is_as_it_was_committed(folder: Path) -> None:
    assert version("HEAD:clicks.yaml").config.personalize.tracking_id == "tracker-1"
    assert version("main:clicks.yaml").hash == version("HEAD:./clicks.yaml").hash
    assert version("clicks.yaml").config.personalize.tracking_id == "tracker-2"
    assert Path.cwd() == folder


def test_the_index_is_what_will_be_committed(folder: Path) -> None:
    git(folder, "add", "clicks.yaml")
    assert version(":clicks.yaml").config.personalize.tracking_id == "tracker-2"


def test_in_a_subfolder_a_path_is_that_of_the_subfolder_and_then_of_the_top(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "deploy")
    assert version("HEAD:orders.yaml").config.pipelines[0].topics == ["clicks"]
    assert version("HEAD:clicks.yaml").config.pipelines[0].topics == ["c2"]
    assert version("HEAD:../clicks.yaml").config.pipelines[0].topics == ["clicks"]
    assert version("HEAD:deploy/orders.yaml").config.pipelines[0].topics == ["clicks"]


def test_a_file_whose_name_has_a_colon_is_a_file(folder: Path) -> None:
    (folder / "a:b.yaml").write_text(FILE)
    assert version("a:b.yaml").config.kafka.group_id == "clicks"


@pytest.mark.usefixtures("folder")
def test_a_revision_that_is_not_there_is_named_with_what_could_be_meant() -> None:
    assert refusal("mian:clicks.yaml").endswith("did you mean main:clicks.yaml?")
    assert "`git fetch origin next` brings what the server has (in CI: a checkout with fetch-depth: 0)" in refusal(
        "origin/next:clicks.yaml"
    )
    assert "begins with no dash" in refusal("--output=x:clicks.yaml")


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_not_at_the_revision_is_named_with_what_could_be_meant() -> None:
    assert refusal("HEAD:clicks.yml").endswith("at HEAD: did you mean HEAD:clicks.yaml?")
    assert refusal("HEAD:else/orders.yaml").endswith("did you mean HEAD:deploy/orders.yaml?")
    assert refusal(":x/nothing").endswith("expected a file that git has in the index: give a file of that revision")


def test_without_a_repository_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "no git repository is around this folder" in refusal("HEAD:clicks.yaml")


def test_without_git_the_message_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert refusal("HEAD:clicks.yaml").endswith("it is not installed; give a file instead")


def test_a_binary_file_is_refused(folder: Path) -> None:
    (folder / "clicks.yaml").write_bytes(b"\xff\xfe\x00")
    git(folder, "add", "-A")
    assert refusal(":clicks.yaml") == ":clicks.yaml: expected UTF-8 text"


def test_a_file_that_is_wrong_is_reported_by_its_revision(folder: Path) -> None:
    (folder / "clicks.yaml").write_text(FILE.replace("tracking_id", "trackin_id"))
    git(folder, "add", "-A")
    problems = load_version(":clicks.yaml", {})
    assert isinstance(problems, list)
    assert problems[0].file == ":clicks.yaml"


@pytest.mark.parametrize("below", ["", "deploy"])
def test_files_that_it_refers_to_are_those_of_the_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """Also where the path leads out of the current folder."""
    text = AVRO.replace("schemas/", "../schemas/" if below else "schemas/")
    name = str(Path(below, "clicks.yaml"))
    repository(tmp_path, {name: text, "schemas/click.avsc": SCHEMA})
    (tmp_path / "schemas" / "click.avsc").write_text("no schema any more")
    monkeypatch.chdir(tmp_path / below)
    assert isinstance(load_version("HEAD:clicks.yaml", {}), Loaded)
    assert isinstance(load_version("clicks.yaml", {}), list)


def test_a_file_that_git_does_not_have_is_that_of_the_working_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = build(personalize="personalize: {tracking_id: {file: secrets/tracker}}")
    repository(tmp_path, {"clicks.yaml": text, ".gitignore": "secrets\n"})
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "tracker").write_text("tracker-9\n")
    monkeypatch.chdir(tmp_path)
    assert version("HEAD:clicks.yaml").config.personalize.tracking_id == "tracker-9"
