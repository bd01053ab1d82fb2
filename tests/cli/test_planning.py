"""`putevents plan`: its exit codes, where records come from, and what goes to which stream."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from connector.cli import main
from connector.cli.planned_records import given
from connector.exits import Exit
from connector.given_dumps import of_console
from connector.local.mock_cluster import MockCluster
from tests.support.config_files import build

OLD = build(
    pipelines="""\
        pipelines:
          - name: web
            topics: [clicks]
            rules:
              - name: view
                put_events:
                  {sessionId: value.session, eventType: {const: View}, eventId: value.id, sentAt: {const: 1795509011}}
    """
)
NEW = OLD.replace("eventId: value.id", "eventId: value.session")
RECORD = '{"session": "sess1", "id": "a-secret-id"}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    (tmp_path / "records.jsonl").write_text(f"{RECORD}\n\n{RECORD}\n")
    return tmp_path


def plan(*words: str, new: str = "new.yaml") -> int:
    return main(["plan", "old.yaml", new, *words])


def on_records(*words: str, new: str = "new.yaml") -> int:
    return plan("--input", "records.jsonl", *words, new=new)


@pytest.mark.usefixtures("folder")
def test_a_plan_ends_with_0_unless_it_has_what_it_shall_fail_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_records() == Exit.OK
    assert on_records("--fail-on", "dead_letters") == Exit.OK
    assert "fails on" not in capsys.readouterr().out
    assert on_records("--fail-on", "dead_letters,event_ids") == Exit.NOT_OK
    out, err = capsys.readouterr()
    assert out.endswith("2 of 2 records change\nfails on event_ids\n")
    assert not err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_no_output_has_values_unless_it_is_asked_for_them(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    on_records("--output", output)
    assert "a-secret-id" not in capsys.readouterr().out
    on_records("--output", output, "--show-values")
    assert "a-secret-id" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_json_has_all_that_a_program_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_records("--output", "json", "--fail-on", "event_ids") == Exit.NOT_OK
    found = json.loads(capsys.readouterr().out)
    assert found["failed_on"] == ["event_ids"]
    assert found["event_ids"] == {"changed": 2, "compared": 2}
    assert found["records"] == {"compared": 2, "changed": 2, "unread": 0}
    example = {"old": "text(11)", "new": "text(5)", "rule": "view", "line": 1}
    assert found["members"] == [{"member": "eventId", "events": 2, "example": example}]
    assert found["new"]["repeated_event_ids"] == 0
    assert set(found["newly"]) == {"dead_letter", "skipped", "filtered", "unread", "delivered"}


@pytest.mark.usefixtures("folder")
def test_a_name_that_cannot_be_failed_on_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        on_records("--fail-on", "event_id")
    assert ended.value.code == 2
    assert "did you mean event_ids?" in capsys.readouterr().err


def test_a_version_that_is_wrong_ends_with_78_and_both_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old.yaml").write_text(OLD.replace("clicks.dead", "[]"))
    (folder / "new.yaml").write_text(NEW.replace("value.session", "valu.session"))
    assert on_records() == Exit.BAD_FILE
    out, err = capsys.readouterr()
    assert not out
    assert "old.yaml: 1 problem" in err
    assert "new.yaml: 2 problems" in err
    assert "^" in err


@pytest.mark.usefixtures("folder")
def test_a_file_or_a_revision_that_is_not_there_ends_with_78(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_records(new="nowhere.yaml") == Exit.BAD_FILE
    assert on_records(new="HEAD:nowhere.yaml") == Exit.BAD_FILE
    err = capsys.readouterr().err
    assert "expected a readable file: no such file or directory" in err
    assert "HEAD:nowhere.yaml: expected a" in err


def test_warnings_are_those_of_the_new_version_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skip = "tests: [{name: t, pipeline: web, input: {}, output: {skipped: REASON}}]\n"
    (folder / "old.yaml").write_text(OLD + skip.replace("REASON", "old reason"))
    (folder / "new.yaml").write_text(NEW + skip.replace("REASON", "new reason"))
    on_records()
    err = capsys.readouterr().err
    assert "new.yaml" in err
    assert "old.yaml" not in err


def test_no_records_are_no_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty sample must not pass for a change without consequences."""
    (folder / "records.jsonl").write_text("\n")
    assert on_records() == Exit.NOT_OK
    assert capsys.readouterr() == ("", "expected records in records.jsonl: there is none, so nothing was compared\n")


def test_records_of_other_topics_only_are_no_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "records.jsonl").write_text(json.dumps({"topic": "else", "value": {"session": "s", "id": "i"}}))
    assert on_records("--records") == Exit.NOT_OK
    assert "expected records of topics that a version reads (clicks)" in capsys.readouterr().err
    assert on_records("--records", "--pipeline", "web") == Exit.OK


def test_a_file_that_cannot_be_read_and_a_line_that_is_no_record_are_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan("--input", "nowhere.jsonl") == Exit.NOT_OK
    assert capsys.readouterr().err == "nowhere.jsonl: expected lines that can be read: no such file or directory\n"
    (folder / "records.jsonl").write_text('{"value": {}}\n{"vaule": {}}\n')
    assert on_records("--records") == Exit.NOT_OK
    assert capsys.readouterr().err.startswith("line 2: expected an object with headers")


def test_what_kcat_and_the_console_consumer_print_is_recognised(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kcat = {"topic": "clicks", "partition": 1, "offset": 7, "tstype": "create", "ts": 1795509000000, "broker": 0}
    kcat |= {"headers": ["shop", "web"], "key": None, "payload": RECORD}
    console = f"CreateTime:1795509020000\tPartition:0\tOffset:3\t{RECORD}"
    (folder / "records.jsonl").write_text(f"{json.dumps(kcat)}\n{console}\n{RECORD}\n")
    assert on_records("--output", "json") == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert found["new"]["outcomes"] == {"delivered": 3}
    assert found["seconds"] == 20.0


def test_a_line_of_the_console_consumer_is_the_record_that_map_reads(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"CreateTime:1795509020000\tPartition:2\tOffset:3\tshop:web\tk1\t{RECORD}"
    [[planned, mapped]] = [
        (each.record, of_console(line.encode(), 1, "clicks"))
        for each in given([_written(folder, line)], "clicks", "text", records=False)
    ]
    assert planned == mapped
    assert planned.key == b"k1"
    assert on_records("--output", "json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["new"]["outcomes"] == {"delivered": 1}


def test_a_line_that_can_be_read_in_two_ways_is_told_what_this_command_takes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(folder, f"CreateTime:1795509020000\tshop:web\t{RECORD}")
    assert on_records() == Exit.NOT_OK
    assert capsys.readouterr().err == "line 1: before the value stands a key, or headers: give lines of kcat -J\n"


def _written(folder: Path, line: str) -> str:
    path = folder / "records.jsonl"
    path.write_text(f"{line}\n")
    return str(path)


def test_records_that_make_no_event_are_not_said_to_make_the_same_events(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(folder, '{"topic": "clicks", "value": {"session": "s"}}')
    assert on_records() == Exit.OK
    assert "1 record, none of which makes an event in either version" in capsys.readouterr().out


def test_values_that_are_not_lines_need_an_encoding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("old.yaml", OLD), ("new.yaml", NEW)):
        (folder / name).write_text(text.replace("    rules:", "    value: {compression: gzip}\n    rules:"))
    assert on_records() == Exit.NOT_OK
    assert "give --encoding base64, hex or binary" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--input", "records.jsonl", "-o", "-1h"), "expected either --input"),
        (("--records",), "expected --input FILE beside --records"),
        (("--encoding", "hex"), "expected --input FILE beside --encoding"),
        (
            ("--input", "records.jsonl", "--pipeline", "wbe"),
            "old.yaml: expected a pipeline of this file for",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_refused(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(*words) == Exit.NOT_OK
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.usefixtures("folder")
def test_n_bounds_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_records("-n", "1", "--output", "json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["records"]["compared"] == 1


@pytest.mark.usefixtures("folder")
def test_a_version_that_needs_a_registry_which_is_away_ends_with_69(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.schema_wait.PATIENCE", 0.2)
    avro = OLD.replace("    rules:", "    value: {format: avro}\n    rules:")
    (folder / "new.yaml").write_text(avro + "schema_registry: {url: 'http://127.0.0.1:1'}\n")
    (folder / "records.jsonl").write_text("0000000007")
    assert on_records("--encoding", "hex") == Exit.UNAVAILABLE
    assert capsys.readouterr().err.startswith("line 1: the schema registry did not give schema 7")


# -- from the topics -------------------------------------------------------------------------------------------


@pytest.fixture
def servers(folder: Path) -> Iterator[str]:
    with MockCluster() as cluster:
        cluster.create_topic("clicks", 2)
        for name, text in (("old.yaml", OLD), ("new.yaml", NEW)):
            (folder / name).write_text(text.replace("broker:9092", f'"{cluster.bootstrap_servers}"'))
        yield cluster.bootstrap_servers


def write(servers: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": servers, "log_level": 0})
    for number in range(count):
        producer.produce("clicks", json.dumps({"session": "s", "id": f"i{number}"}).encode(), partition=number % 2)
    assert producer.flush(60) == 0


@pytest.mark.timeout(180)
def test_records_come_from_the_topics_between_two_positions(servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(servers, 6)
    assert plan("-o", "1:", "--output", "json", "--fail-on", "event_ids") == Exit.NOT_OK
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["records"] == {"compared": 4, "changed": 4, "unread": 0}
    assert found["members"][0]["example"]["offset"] == 1
    assert not err


@pytest.mark.timeout(180)
def test_a_topic_without_records_there_is_no_success(servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(servers, 2)
    assert plan("-o", "end") == Exit.NOT_OK
    assert capsys.readouterr().err.startswith("no record lies there, so nothing was compared: an earlier -o")
    assert plan("-o", "start") == Exit.OK


@pytest.mark.timeout(180)
def test_a_cluster_that_is_away_ends_with_69(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.yaml").write_text(NEW.replace("broker:9092", '"127.0.0.1:1"'))
    assert plan("-o", "start") == Exit.UNAVAILABLE
    assert capsys.readouterr().err
