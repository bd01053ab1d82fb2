"""The wheel: what is in it, and a page for an index that has no broken links."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest

from connector import __version__
from connector.__main__ import neighbours

ROOT = Path(__file__).parents[2]
ADDRESS = "https://code.example/us/putevents-connector"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
RELATIVE = re.compile(r"""(?:]\(|\b(?:href|src)=")(?!https?:|#)[^)"]+""")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    if importlib.util.find_spec("setuptools") is None:
        assert "CI" not in os.environ
        pytest.skip("needs setuptools: make setup")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, since a build leaves folders behind.
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__"))
    command = [sys.executable, "-c", BUILD, str(folder)]
    subprocess.run(command, cwd=source, env={**os.environ, "SOURCE": ADDRESS + "/"}, capture_output=True, check=True)
    [built] = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def metadata(wheel: zipfile.ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(wheel.read(name))


def test_the_wheel_has_every_file_of_the_package_the_examples_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No tests, no benchmarks, and no folder of the package that pyproject.toml has forgotten."""
    files = [path.relative_to(ROOT) for path in (ROOT / "connector").rglob("*") if path.is_file()]
    expected = {str(path) for path in files if "__pycache__" not in path.parts}
    expected |= {f"connector/examples/{path.name}" for path in (ROOT / "examples").glob("*.yaml")}
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    assert {"connector/py.typed", "connector/examples/segment.yaml"} <= found


def test_the_wheel_has_the_command_the_licence_and_its_links(wheel: zipfile.ZipFile) -> None:
    names = {name.partition(".dist-info/")[2] for name in wheel.namelist()}
    assert {"entry_points.txt", "licenses/LICENSE"} <= names
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("putevents-connector", __version__)
    assert said.get_all("Project-URL") == [
        f"Source, {ADDRESS}",
        f"Documentation, {ADDRESS}/blob/v{__version__}/README.md",
        f"Changelog, {ADDRESS}/blob/v{__version__}/CHANGELOG.md",
    ]


def test_every_link_of_its_page_leads_somewhere(wheel: zipfile.ZipFile) -> None:
    said = metadata(wheel)
    page = str(said.get_payload())
    assert said["Description-Content-Type"] == "text/markdown"
    assert page.strip().startswith("# Kafka to Amazon Personalize")
    assert RELATIVE.findall(page) == []
    linked = re.findall(rf"{ADDRESS}/(raw|blob)/v{re.escape(__version__)}/([^)\"#]+)", page)
    assert {path for _, path in linked if not (ROOT / path).exists()} == set()
    pictures = {path for kind, path in linked if kind == "raw"}
    assert pictures
    assert all(path.endswith((".svg", ".png")) for path in pictures)


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_of_the_wheel", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TEXT = """\
[doc](docs/a.md#b) ![alt](docs/i.svg) [![badge](docs/b.svg)](docs/c.md) [out](https://aws.example/x) [here](#there)
<a href="docs/p.png"><img src="docs/p.png" width="400" alt="a page"></a>
"""


def test_links_get_the_address_and_those_to_elsewhere_stay(setup: ModuleType) -> None:
    assert setup.description(TEXT, "https://h/o/r", "v1") == (
        "[doc](https://h/o/r/blob/v1/docs/a.md#b) ![alt](https://h/o/r/raw/v1/docs/i.svg) "
        "[![badge](https://h/o/r/raw/v1/docs/b.svg)](https://h/o/r/blob/v1/docs/c.md) "
        "[out](https://aws.example/x) [here](#there)\n"
        '<a href="https://h/o/r/blob/v1/docs/p.png"><img src="https://h/o/r/raw/v1/docs/p.png" width="400" '
        'alt="a page"></a>\n'
    )


def test_without_an_address_links_become_text_and_nothing_is_broken(setup: ModuleType) -> None:
    assert setup.description(TEXT, None, "v1") == "doc alt badge [out](https://aws.example/x) [here](#there)\na page\n"
    assert RELATIVE.findall(setup.description((ROOT / "README.md").read_text(), None, "v1")) == []
    assert setup.urls(None, "v1") == {}


# -- another package of this name -----------------------------------------------------------------------------


def install(folder: Path, name: str, *files: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def test_another_distribution_with_a_connector_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "someones-connector", "someones/__init__.py", "connector/__init__.py")
    install(tmp_path, "harmless", "harmless/connector/__init__.py", "connectors/__init__.py")
    assert neighbours() == []
    monkeypatch.syspath_prepend(tmp_path)
    [warning] = neighbours()
    assert "the distribution someones-connector has put a package called connector" in warning
    assert "install that into an environment of its own" in warning


def test_the_warning_stands_beside_the_versions_and_before_a_failing_import(tmp_path: Path) -> None:
    install(tmp_path, "someones-connector", "connector/__init__.py")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-m", "connector", "version"], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stderr.startswith("warning: the distribution someones-connector")
    # As where another's connector/cli has replaced ours.
    broken = "import sys; sys.modules['connector.cli'] = None; from connector.__main__ import main; main()"
    failed = subprocess.run(
        [sys.executable, "-c", broken], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("putevents: warning: the distribution someones-connector")
