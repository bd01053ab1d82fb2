"""One clickstream, as producers of each format write it, becomes the same calls, byte for byte."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import Line, line  # noqa: F401  a fixture
from tests.support.clickstream import FORMS, PACKED, STREAM, answering, new_client
from tests.support.config_files import build
from tests.support.registry import running_registry

ALL = [(name, packed) for name in FORMS for packed in PACKED if (name, packed) != ("json", "none")]
SEVERAL = {name for name in FORMS if "list" in name or "lines" in name or "batch" in name}  # clicks in a record


def calls(line: Line, folder: Path, name: str, packed: str) -> list[list[dict[str, Any]]]:  # noqa: F811
    """Those of each record."""
    form, client = FORMS[name], new_client()
    records = [
        {"headers": headers, "value_base64": base64.b64encode(PACKED[packed](value)).decode()}
        for value, headers in form.records(client, folder)
    ]
    setting = form.setting.replace("FOLDER", str(folder))
    pipelines = f"pipelines:\n  - name: web\n    topics: [clicks]\n    value: {{{setting}, compression: {packed}}}\n"
    with running_registry(answering(client)) as server:
        path = folder / "config.yaml"
        path.write_text(build(pipelines=pipelines + form.rules()) + f"schema_registry: {{url: '{server.url}'}}\n")
        ran = line("map", str(path), "--records", stdin="\n".join(map(json.dumps, records)).encode())
    assert ran.code == 0, ran.err
    return [shown["calls"] for shown in ran.lines]


def events(records: list[list[dict[str, Any]]]) -> list[str]:
    """Each event with whom it belongs to, where records of several clicks make calls of other sizes."""
    return [
        json.dumps({**call, "eventList": [event]}) for made in records for call in made for event in call["eventList"]
    ]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[dict[str, Any]]]]:
    """What JSON becomes; filled by the first test that asks."""
    del tmp_path_factory
    return {}


@pytest.mark.grid
@pytest.mark.parametrize(("name", "packed"), ALL)
def test_the_same_clickstream_becomes_the_same_calls_in_every_format(
    line: Line,  # noqa: F811
    tmp_path: Path,
    expected: dict[str, list[list[dict[str, Any]]]],
    name: str,
    packed: str,
) -> None:
    if not expected:
        expected["json"] = calls(line, tmp_path, "json", "none")
    wanted, found = expected["json"], calls(line, tmp_path, name, packed)
    assert len(wanted) == len(STREAM)
    if name in SEVERAL:
        assert sorted(events(found)) == sorted(events(wanted))
    else:
        assert json.dumps(found) == json.dumps(wanted)
