"""When a wheel is compiled, when it is not, and that it says which."""

import os
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from setuptools import Distribution, build_meta
from setuptools.command.build_ext import build_ext

from tools import build_backend

ROOT = Path(__file__).parents[2]
MISSING = "no-compiler-of-this-name"


@pytest.fixture
def setup() -> ModuleType:
    spec = spec_from_file_location("setup_that_compiles", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(build_backend.CHOICE, raising=False)
    monkeypatch.delenv(build_backend.TOLD, raising=False)
    yield
    assert build_backend.TOLD not in os.environ


def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What setup.py is told by each build from here on."""
    told: list[str] = []

    def build(*_: object) -> str:
        told.append(os.environ.get(build_backend.TOLD, ""))
        return "a.whl"

    monkeypatch.setattr(build_meta, "build_wheel", build)
    return told


def test_where_a_compiler_is_the_wheel_is_compiled_and_mypy_of_the_constraints_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build_backend, "obstacle", lambda: None)
    monkeypatch.setattr(build_meta, "get_requires_for_build_wheel", lambda _: ["wheel"])
    told = built(monkeypatch)
    build_backend.build_wheel("somewhere")
    assert told == ["try"]
    needed = build_backend.get_requires_for_build_wheel()
    assert needed[0] == "wheel"
    assert needed[1:] == [line for line in (ROOT / "constraints.txt").read_text().split() if line.startswith("mypy==")]


def test_without_a_compiler_the_wheel_is_pure_python_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", MISSING)
    told = built(monkeypatch)
    build_backend.build_wheel("somewhere")
    assert told == [""]
    said = capsys.readouterr().err
    assert "pure Python" in said
    assert f"no C compiler ({MISSING}); on Debian and Ubuntu: apt-get install" in said
    monkeypatch.setattr(build_meta, "get_requires_for_build_wheel", lambda _: [])
    assert build_backend.get_requires_for_build_wheel() == []


def test_without_headers_it_is_said_what_installs_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", sys.executable)  # any program that is there
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    assert build_backend.obstacle() == "there is no Python.h; on Debian and Ubuntu: apt-get install python3-dev"


def test_a_wheel_that_must_be_compiled_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build_backend.CHOICE, "1")
    told = built(monkeypatch)
    monkeypatch.setenv("CC", MISSING)
    with pytest.raises(SystemExit, match="PUTEVENTS_COMPILE=1, but there is no C compiler"):
        build_backend.build_wheel("somewhere")
    monkeypatch.setattr(build_backend, "obstacle", lambda: None)
    build_backend.build_wheel("somewhere")
    assert told == ["must"]


def test_a_wheel_is_pure_python_where_that_is_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(build_backend.CHOICE, "0")
    told = built(monkeypatch)
    build_backend.build_wheel("somewhere")
    assert told == [""]
    assert capsys.readouterr().err == ""


def test_nothing_is_compiled_that_was_not_told(setup: ModuleType) -> None:
    """An editable install tells nothing."""
    assert setup.extensions("") == []


@pytest.mark.parametrize("told", ["try", "must"])
def test_a_build_that_fails_halfway_leaves_all_of_it_or_nothing(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], told: str
) -> None:
    def fail(self: build_ext) -> None:
        Path(self.build_lib, "half.so").touch()
        raise OSError("no space left")

    monkeypatch.setattr(build_ext, "run", fail)
    monkeypatch.setenv(build_backend.TOLD, told)
    command = setup.Build(Distribution())
    command.build_lib = str(tmp_path)
    if told == "must":
        with pytest.raises(OSError, match="no space left"):
            command.run()
    else:
        command.run()
        assert "pure Python, which takes twice the CPU: no space left" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv(build_backend.TOLD)
