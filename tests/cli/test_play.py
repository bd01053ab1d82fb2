"""`putevents play` as a command: its address, its messages, its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from connector.cli import main
from tests.support import forked
from tests.support.trials import EVENT, VIEW, config

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60
TESTS = f"- {{name: t, pipeline: web, input: {{value: {VIEW}}}, output: [{EVENT}]}}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.yaml"
    path.write_text(config(TESTS))
    return path


def post(url: str, action: str, given: Any) -> Any:
    headers = {"Content-Type": "application/json", "Origin": "/".join(url.split("/")[:3])}
    request = urllib.request.Request(url + action, json.dumps(given).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE) as answer:
        return json.load(answer)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_answers_there_and_ends_with_0(file: Path, end: signal.Signals) -> None:
    command = [*forked.CONNECTOR, "play", str(file)]
    with forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as play:
        assert play.stdout is not None
        try:
            url = play.stdout.readline().strip()
            opened = post(url, "open", {})
            assert opened["text"] == config(TESTS)
            assert opened["note"] == "records of the file's tests"
            answer = post(url, "evaluate", {"text": opened["text"], "samples": opened["samples"]})
            assert [each["outcome"] for each in answer["records"]] == ["mapped"]
            play.send_signal(end)
            out, err = play.communicate(timeout=PATIENCE)
        finally:
            play.kill()
    assert play.returncode == 0
    assert out == ""
    assert err.startswith("Open this address in a browser.")
    assert "Traceback" not in err


def test_a_file_that_is_wrong_can_be_mended_in_the_page(file: Path) -> None:
    file.write_text("kafka: {}\n")
    command = [*forked.CONNECTOR, "play", str(file)]
    with forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as play:
        assert play.stdout is not None
        try:
            url = play.stdout.readline().strip()
            assert post(url, "evaluate", {"text": "kafka: {}\n", "samples": []})["valid"] is False
            assert post(url, "evaluate", {"text": config(), "samples": []})["valid"] is True
        finally:
            play.kill()


def said(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> str:
    assert main(["play", *map(str, words)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_file_that_is_not_there_names_the_command_that_writes_one(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = file.with_name("other.yaml")
    assert said(capsys, 78, missing) == (
        f"{missing}: expected a readable file: no such file or directory\n"
        f"putevents init --from segment -o {missing} writes a first file; `putevents init` lists other sources\n"
    )


def test_a_file_that_is_not_there_is_proposed_from_the_samples_that_are(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = file.with_name("other.yaml")
    sample = file.with_name("my clicks.jsonl")
    assert said(capsys, 78, missing, "--sample", sample) == (
        f"{missing}: expected a readable file: no such file or directory\n"
        f"putevents init --sample '{sample}' -o {missing} proposes one from these records\n"
    )


def test_a_folder_is_no_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, 78, file.parent) == f"{file.parent}: expected a readable file: is a directory\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "expected sample records that can be read: no such file or directory"),
        ("", "expected sample records: the file is empty"),
    ],
)
def test_samples_that_are_not_there_are_said_to_be_so(
    file: Path, capsys: pytest.CaptureFixture[str], content: str | None, why: str
) -> None:
    samples = file.with_name("samples.jsonl")
    if content is not None:
        samples.write_text(content)
    assert said(capsys, 1, file, "--sample", samples) == f"{samples}: {why}\n"


def test_binary_samples_are_told_how_they_can_be_given(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(config(pipeline="value: {format: json, compression: gzip}"))
    samples = file.with_name("samples")
    samples.write_bytes(b"\x1f\x8b\x00\n")
    said_of_it = said(capsys, 1, file, "--sample", samples)
    assert '{"value_base64": "…"}' in said_of_it


def test_a_port_that_is_taken_is_said_to_be_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert said(capsys, 1, file, "--port", port) == (
            f"port {port}: expected one that is free on 127.0.0.1: address already in use; "
            "without --port any free one is taken\n"
        )


@pytest.mark.parametrize("port", ["-1", "65536", "x", "", "8.0"])
def test_a_port_that_is_none_is_refused(file: Path, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["play", str(file), f"--port={port}"])
    assert "expected a number from 0 to 65535" in capsys.readouterr().err
