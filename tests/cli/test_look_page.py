"""The commands of docs/look.md print what the page shows."""

import json
import re
from pathlib import Path

import pytest

from connector.cli import main
from connector.cli.completing import SHELLS
from connector.config import Loaded, load
from connector.core.positions import range_of
from connector.exits import Exit
from connector.local.mock_cluster import MockCluster
from tests.support.look_page import PAGE, RECORDS, TIMESTAMP, config, output_of
from tests.support.mock_cluster import produce

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before")]


def test_the_file_of_the_page_is_valid(tmp_path: Path) -> None:
    (path := tmp_path / "clicks.yaml").write_text(config("localhost:9092"))
    assert isinstance(load(path, {}), Loaded)


def test_tap_shows_what_the_page_shows(
    cluster: MockCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clicks.yaml").write_text(config(cluster.bootstrap_servers))
    for number, record in enumerate(RECORDS):
        produce(cluster.bootstrap_servers, "clicks", json.dumps(record).encode(), timestamp=TIMESTAMP + number * 1000)
    assert main(["tap", "clicks.yaml", "-o", "start:end"]) == Exit.OK
    out, err = capsys.readouterr()
    assert (err + out).replace(cluster.bootstrap_servers, "localhost:9092") == output_of("tap")


def test_every_position_of_the_page_is_one() -> None:
    found = re.findall(r"`[^`]*-o (\S+?)`", PAGE.read_text())
    assert len(found) == 5
    for text in found:
        range_of(text, TIMESTAMP)


def test_every_shell_of_the_page_has_a_completion() -> None:
    assert tuple(re.findall(r"^\$ putevents completion (\w+)", PAGE.read_text(), re.MULTILINE)) == SHELLS
