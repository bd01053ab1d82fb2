"""What docs/kubernetes.md tells to type can be typed."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.apiserver import api_server
from tests.support.http_server import JSON, Request, Response, running_http_server
from tests.support.manifests import rendered, template, workload
from tests.support.programs import ROOT, found, run
from tools.copies import CHART, PAGE

LAST = "kubectl.kubernetes.io/last-applied-configuration"
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


def test_what_was_applied_last_loses_its_number_of_pods_and_nothing_else(tmp_path: Path) -> None:
    """Otherwise the apply that enables KEDA takes the number out of the Deployment, which becomes 1."""
    [block] = re.findall(
        r"^(kubectl --namespace putevents apply view-last-applied.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    applied = workload(rendered("kustomize", "default"))
    there = {**applied, "metadata": {**applied["metadata"], "namespace": "putevents"}}
    there["metadata"]["annotations"] = {LAST: json.dumps(applied)}
    read = api_server({"/apis/apps/v1/namespaces/putevents/deployments/putevents-connector": there})

    def respond(request: Request) -> Response:
        return Response(200, JSON, json.dumps(there).encode()) if request.method == "PATCH" else read(request)

    with running_http_server(respond) as server:
        program = f"{found('kubectl')} --server={server.url} --cache-dir={tmp_path}"
        done = run(["sh", "-c", block.replace("kubectl", program)])
    assert done.returncode == 0, done.stderr
    [patch] = [json.loads(request.body) for request in server.requests if request.method == "PATCH"]
    left = json.loads(patch["metadata"]["annotations"][LAST])
    assert left["spec"] == {name: value for name, value in applied["spec"].items() if name != "replicas"}
