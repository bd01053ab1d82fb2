"""The commands of docs/export.md print what the page shows."""

import json
from pathlib import Path

import pytest

from connector.cli import main
from connector.config import Loaded, load
from connector.exits import Exit
from connector.local.mock_cluster import MockCluster
from tests.support.export_page import RECORDS, TIMESTAMP, config, output_of
from tests.support.mock_cluster import produce

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before")]

EXPORT = "putevents export shop.yaml --to history"
SET = "putevents offsets set shop.yaml history/cutover.json"


def test_the_file_of_the_page_is_valid(tmp_path: Path) -> None:
    (path := tmp_path / "shop.yaml").write_text(config("localhost:9092"))
    assert isinstance(load(path, {}), Loaded)


def test_the_page_shows_what_the_commands_print_and_write(
    cluster: MockCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(config(cluster.bootstrap_servers))
    for number, record in enumerate(RECORDS):
        produce(cluster.bootstrap_servers, "clicks", json.dumps(record).encode(), timestamp=TIMESTAMP + number * 1000)
    shown = {}
    for command in (EXPORT, SET):
        assert main(command.split()[1:]) == Exit.OK
        out, err = capsys.readouterr()
        # Of the mock cluster only: it cannot be asked who is in a group.
        err = "".join(line for line in err.splitlines(keepends=True) if "do not say whether" not in line)
        shown[command] = (err + out).replace(cluster.bootstrap_servers, "localhost:9092")
    lines = Path("history/interactions-00001.csv").read_text().splitlines(keepends=True)
    shown["head -3 history/interactions-00001.csv"] = "".join(lines[:3])
    shown["cat history/schema.json"] = Path("history/schema.json").read_text()
    assert shown == {command: output_of(command) for command in shown}
