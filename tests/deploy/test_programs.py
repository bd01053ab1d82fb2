"""A missing program is a reason to skip at home, and an error in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import programs


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without any program."""
    monkeypatch.setattr(programs, "BIN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("bare")
def test_a_missing_program_skips_and_names_what_would_get_it() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"no helm here: \.ci/install-deploy-prerequisites gets it"):
        programs.found("helm")


def test_a_missing_program_fails_in_ci_where_a_skip_would_hide_it(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no kustomize or kubectl here"):
        programs.found("kustomize", "kubectl")


@pytest.mark.usefixtures("bare")
def test_what_was_installed_for_the_tests_goes_before_what_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "kubectl").touch(mode=0o755)
    assert programs.found("kustomize", "kubectl") == str(tmp_path / "kubectl")
    assert (programs.ROOT / programs.HINT.split(" ")[0]).is_file()
