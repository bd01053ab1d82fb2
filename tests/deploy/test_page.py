"""What docs/kubernetes.md tells to type can be typed."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.copies import PAGE
from tests.deploy.render import CHART, template, workload
from tests.deploy.tools import ROOT, found, run

EXAMPLE = ROOT / "examples" / "flat.yaml"


def commands(start: str) -> list[list[str]]:
    """The words of each command of the page that begins so."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(start)]


def test_the_values_that_the_page_installs_with_render() -> None:
    [words] = commands("helm upgrade --install")
    pairs = pairwise(words)
    values = [part for flag, value in pairs if flag.startswith("--set") for part in (flag, value)]
    assert ROOT / words[4] == CHART
    text = " ".join(values).replace("configFile=config.yaml", f"configFile={EXAMPLE}")
    objects, problem = template(*text.split(" "))
    assert objects, problem
    assert workload(objects)["metadata"]["name"] == "putevents-connector"


def test_what_the_page_says_was_run_runs(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text())
    [lint] = commands("helm lint")
    [build] = commands("kubectl kustomize")
    for words in (lint, build):
        path = {"helm": CHART, "kubectl": ROOT / "deploy" / "kustomize" / "overlays" / "example"}[words[0]]
        assert str(path.relative_to(ROOT)) in words
    arguments = [word.replace("=config.yaml", f"={tmp_path}/config.yaml") for word in lint[1:]]
    done = run([found("helm"), *arguments])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(set(re.findall(r"deploy/iam/[a-z-]+\.json", PAGE.read_text()))))
def test_every_file_that_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_every_value_that_the_page_mentions_exists() -> None:
    table = PAGE.read_text().partition("## Values")[2]
    for name in re.findall(
        r"`((?:keda|secrets|staticMembership|monitoring|aws|networkPolicy)\.[A-Za-z.]+)", PAGE.read_text()
    ):
        assert f"`{name}`" in table, name
