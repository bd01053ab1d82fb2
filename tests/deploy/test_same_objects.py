"""Helm and kustomize make the same objects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.manifests import (
    BOTH,
    SETS,
    alike,
    config_text,
    kustomized,
    only,
    pod_spec,
    rendered,
    template,
)
from tests.support.programs import ROOT
from tools.copies import CHART, KUSTOMIZE


@pytest.mark.parametrize("name", BOTH)
def test_helm_and_kustomize_make_the_same_objects(name: str) -> None:
    by_helm, by_kustomize = alike(rendered("helm", name)), alike(rendered("kustomize", name))
    assert by_helm.keys() == by_kustomize.keys()
    for which, one in by_helm.items():
        assert one == by_kustomize[which]


def test_every_overlay_and_every_example_of_values_is_in_the_table() -> None:
    overlays = {f"overlays/{path.name}" for path in (KUSTOMIZE / "overlays").iterdir()}
    assert overlays | {"base"} == {folder for _, folder in SETS.values() if folder is not None}
    files = {path.name.removesuffix("-values.yaml") for path in (CHART / "ci").iterdir()}
    assert files == {values for values, _ in SETS.values() if values}


CHANGED = """\
resources: [base]
configMapGenerator:
  - {name: putevents-connector, behavior: replace, files: [config.yaml], options: {immutable: true}}
"""


def test_a_change_of_the_file_gives_it_a_new_name_which_the_pods_mount(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config_text(rendered("kustomize", "default")) + "log: {level: debug}\n")
    by_helm, problem = template("--set-file", f"configFile={file}")
    assert by_helm, problem
    shutil.copytree(KUSTOMIZE / "base", tmp_path / "base")
    (tmp_path / "kustomization.yaml").write_text(CHANGED)
    by_kustomize, problem = kustomized(tmp_path)
    assert by_kustomize, problem
    for way, objects in (("helm", by_helm), ("kustomize", by_kustomize)):
        before, after = (only(each, "ConfigMap")["metadata"]["name"] for each in (rendered(way, "default"), objects))
        assert before != after
        [volume] = [each for each in pod_spec(objects)["volumes"] if each["name"] == "config"]
        assert volume["configMap"]["name"] == after
        assert only(objects, "ConfigMap")["immutable"] is True


def test_a_file_given_whole_arrives_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    text = (ROOT / "examples" / "segment.yaml").read_text()
    file.write_text(text)
    objects, problem = template("--set-file", f"configFile={file}", "--set", "networkPolicy.kafkaPorts={9092}")
    assert objects, problem
    assert config_text(objects).strip() == text.strip()
