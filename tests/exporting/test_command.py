"""`putevents export` and `putevents offsets set` on the mock cluster."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as ClientTopicPartition

from connector.cli import exporting, main
from connector.exits import Exit
from tests.exporting.exports import RULE, TIME, event
from tests.support.config_files import build

if TYPE_CHECKING:
    from pathlib import Path

    from connector.local.mock_cluster import MockCluster

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before")]


class Shop:
    """A topic on a cluster, a file about it, and the commands."""

    def __init__(self, servers: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.servers, self.folder, self.capsys = servers, folder, capsys
        self.path = folder / "shop.yaml"
        self.write()

    def write(self, rules: str = RULE, group: str = "shop", topics: str = "clicks", **sections: str) -> None:
        kafka = f"kafka: {{bootstrap_servers: '{self.servers}', group_id: {group}}}"
        pipelines = f"pipelines: [{{name: web, topics: [{topics}], rules: [{rules}]}}]"
        self.path.write_text(build(kafka=kafka, pipelines=pipelines, **sections))

    def produce(self, values: list[dict[str, Any]], topic: str = "clicks", partition: int = 0) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "log_level": 0})
        for value in values:
            producer.produce(topic, json.dumps(value).encode(), partition=partition)
        assert producer.flush(60) == 0

    def run(self, *words: str, code: int = Exit.OK) -> tuple[str, str]:
        found = main([str(each) for each in words])
        out, err = self.capsys.readouterr()
        assert found == code, out + err
        return out, err

    def export(self, to: str = "out", *words: str, code: int = Exit.OK) -> tuple[str, str]:
        return self.run("export", str(self.path), "--to", str(self.folder / to), *words, code=code)

    def set(self, *words: str, code: int = Exit.OK, cutover: str = "out/cutover.json") -> tuple[str, str]:
        return self.run("offsets", "set", str(self.path), str(self.folder / cutover), *words, code=code)

    def rows(self, to: str = "out") -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for path in sorted((self.folder / to).glob("*.csv")):
            with path.open(newline="") as lines:
                found += csv.DictReader(lines)
        return found

    def document(self, name: str, to: str = "out") -> Any:
        return json.loads((self.folder / to / name).read_bytes())

    def committed(self, group: str = "shop", topic: str = "clicks") -> dict[int, int]:
        client = self.member(group)
        partitions = client.list_topics(topic, timeout=30).topics[topic].partitions
        found = client.committed([ClientTopicPartition(topic, number) for number in partitions], timeout=30)
        client.close()
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def member(self, group: str = "shop") -> Consumer:
        return Consumer({"bootstrap.servers": self.servers, "group.id": group, "session.timeout.ms": 6000})


@pytest.fixture
def shop(cluster: MockCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(cluster.bootstrap_servers, tmp_path, capsys)


def events(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        event(f"s{n % 5}", f"u{n % 5}", f"i{n}", time=TIME + n, more={"kind": "a"}) for n in range(first, first + count)
    ]


def test_an_export_is_rows_a_schema_and_a_cutover(shop: Shop) -> None:
    shop.produce(events(20))
    shop.produce(events(10, 20), partition=1)
    out, err = shop.export()
    assert sorted(row["ITEM_ID"] for row in shop.rows()) == sorted(f"i{n}" for n in range(30))
    assert [each["name"] for each in shop.document("schema.json")["fields"]] == list(shop.rows()[0])
    assert shop.document("cutover.json")["offsets"]["clicks"] == {"0": 20, "1": 10}
    assert sorted(each.name for each in (shop.folder / "out").iterdir()) == [
        "cutover.json",
        "interactions-00001.csv",
        "schema.json",
    ]
    assert "30 rows of the interactions dataset" in out
    assert "30 interactions: a training needs at least 1,000" in out
    assert "no group is joined and nothing is committed" in err
    assert shop.committed() == {}


def test_neither_output_nor_messages_have_anybodys_ids_or_values(shop: Shop) -> None:
    secret = "jane-4711"
    shop.produce(
        [
            event(secret, secret, secret, type=secret, more={secret: secret}),
            event(secret, None, secret, more={"kind": secret}),
            event(secret * 40, secret),
        ]
    )
    for form in ("text", "json"):
        out, err = shop.export(form, "--output", form)
        assert "jane" not in (out + err).lower()


def test_the_summary_as_json_has_every_count(shop: Shop) -> None:
    shop.write(f"{{name: bots, when: value.bot, skip: bot}}, {RULE}")
    shop.produce([event(), event(item=None), event("x", None), {"bot": True}, event("s" * 300)])
    found = json.loads(shop.export("out", "--output", "json")[0])
    assert (found["records"], found["mapped"], found["rows"]) == (5, 3, 1)
    assert found["left_out"] == {"no_item": 1, "no_user": 1}
    assert found["skipped"] == [{"reason": "bot", "rule": "bots", "records": 1}]
    assert found["invalid"] == [{"reason": "too_long", "rule": "view", "member": "sessionId", "records": 1}]


def test_positions_bound_what_is_read_and_where_run_begins(shop: Shop) -> None:
    shop.produce(events(10))
    out, _ = shop.export("out", "-o", "2:7")
    assert [row["ITEM_ID"] for row in shop.rows()] == [f"i{n}" for n in range(2, 7)]
    assert shop.document("cutover.json")["offsets"]["clicks"]["0"] == 7
    assert "records before the START of -o are in no file" in out


def test_a_second_export_reads_up_to_the_ends_of_the_first(shop: Shop) -> None:
    shop.produce(events(4))
    shop.export("first")
    shop.produce(events(3, 4))
    shop.export("second", "--until", str(shop.folder / "first" / "cutover.json"))
    assert len(shop.rows("second")) == 4
    assert shop.document("cutover.json", "first")["offsets"] == shop.document("cutover.json", "second")["offsets"]


def test_an_existing_folder_is_refused_and_left_as_it_is(shop: Shop) -> None:
    shop.produce(events(1))
    shop.export()
    before = {path: path.read_bytes() for path in (shop.folder / "out").iterdir()}
    assert "finished export" in shop.export(code=Exit.NOT_OK)[1]
    assert {path: path.read_bytes() for path in (shop.folder / "out").iterdir()} == before


def test_a_dataset_that_no_rule_makes_is_said_before_anything_is_read(shop: Shop) -> None:
    _, err = shop.export("out", "--dataset", "items", code=Exit.NOT_OK)
    assert "expected a rule with put_items" in err
    assert not (shop.folder / "out").exists()


def test_an_unfinished_export_of_another_kind_is_not_gone_on_with(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.produce(events(3))
    with monkeypatch.context() as broken:
        broken.setattr("connector.exporting.export.Finishing.events", _killed)
        with pytest.raises(_Killed):
            shop.export()
    _, err = shop.export("out", "-o", "1:", code=Exit.NOT_OK)
    assert "unfinished export of other positions" in err
    shop.write(group="other")
    assert "another version of the configuration file" in shop.export(code=Exit.NOT_OK)[1]
    shop.write()
    _, err = shop.export()
    assert "goes on with the unfinished export" in err
    assert len(shop.rows()) == 3


class _Killed(BaseException):
    pass


def _killed(_: object) -> None:
    raise _Killed


def test_no_room_for_the_files_is_said_and_the_export_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shop.produce(events(3))
    with monkeypatch.context() as broken:
        broken.setattr("connector.exporting.spill.Appended.append", full)
        _, err = shop.export(code=Exit.NOT_OK)
    assert "no space left on device" in err
    shop.export()
    assert len(shop.rows()) == 3


def test_offsets_are_committed_and_run_would_begin_there(shop: Shop) -> None:
    shop.produce(events(5))
    shop.export()
    out, err = shop.set("--dry-run")
    assert "dry run: would commit the offsets of 2 of 2 partitions" in err
    assert shop.committed() == {}
    out, err = shop.set()
    assert shop.committed() == {0: 5, 1: 0}
    assert "`putevents run` begins there" in err
    assert out.splitlines()[1].split() == ["clicks-0", "none", "5"]
    assert "committed the offsets of 0 of 2 partitions" in shop.set()[1], "a second time changes nothing"


def test_offsets_of_a_group_that_has_others_are_changed_only_by_force(shop: Shop) -> None:
    shop.produce(events(5))
    shop.export()
    client = shop.member()
    client.commit(
        offsets=[ClientTopicPartition("clicks", 0, 3), ClientTopicPartition("clicks", 1, 0)], asynchronous=False
    )
    client.close()
    _, err = shop.set(code=Exit.UNAVAILABLE)
    assert "other offsets in 1 of 2 partitions: 0 would go back, 1 would skip records" in err
    assert "--force" in err
    assert shop.committed() == {0: 3, 1: 0}
    shop.set("--force")
    assert shop.committed()[0] == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": {"gone": {"0": 1}}}, "topic gone does not exist"),
        ({"offsets": {"clicks": {"9": 1}}}, "partition clicks-9 does not exist"),
        ({"offsets": {"clicks": {"0": 6}}}, "clicks-0 ends at 5, before the offset 6"),
        ({"group": "another"}, "the export was made for group another, not for shop"),
    ],
)
def test_a_cutover_that_does_not_fit_commits_nothing(shop: Shop, change: dict[str, Any], message: str) -> None:
    shop.produce(events(5))
    shop.export()
    path = shop.folder / "out" / "cutover.json"
    path.write_text(json.dumps(shop.document("cutover.json") | change))
    _, err = shop.set(code=Exit.UNAVAILABLE)
    assert message in err
    assert "nothing was committed" in err
    assert shop.committed() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not other text"),
        ("{}", "version: field required"),
        ('{"version": 2, "cluster": "", "group": "g", "config": "", "dataset": "", "offsets": {}}', "newer putevents"),
        (
            '{"version": 1, "cluster": "", "group": "g", "config": "", "dataset": "", "offsets": {"t": {"x": 1}}}',
            "text",
        ),
    ],
)
def test_a_file_that_is_no_cutover_is_said(shop: Shop, text: str, message: str) -> None:
    (shop.folder / "cutover.json").write_text(text)
    _, err = shop.set(code=Exit.NOT_OK, cutover="cutover.json")
    assert "expected" in err
    assert message in err


def test_an_export_that_a_signal_stopped_is_gone_on_with(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.produce(events(3))
    with monkeypatch.context() as stopped:
        stopped.setattr("connector.cli.topics.Stop.is_set", lambda _: True)
        _, err = shop.export(code=Exit.NOT_OK)
    assert "stopped by a signal: the same command goes on" in err
    assert not (shop.folder / "out" / "cutover.json").exists()
    shop.export()
    assert len(shop.rows()) == 3


def test_an_unfinished_export_of_a_topic_that_was_created_again_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.produce(events(3))
    with monkeypatch.context() as stopped:
        stopped.setattr("connector.cli.topics.Stop.is_set", lambda _: True)
        shop.export(code=Exit.NOT_OK)
    path = shop.folder / "out" / ".putevents-export" / "note.json"
    note = json.loads(path.read_bytes())
    note["partitions"][0][2][1] = 99
    path.write_text(json.dumps(note))
    assert "the topic was created again" in shop.export(code=Exit.NOT_OK)[1]
    path.write_text("{")
    assert "cannot be read" in shop.export(code=Exit.NOT_OK)[1]


def test_an_export_ends_only_where_one_of_the_same_cluster_ended(shop: Shop) -> None:
    shop.produce(events(3))
    shop.export("first")
    path = shop.folder / "first" / "cutover.json"
    path.write_text(json.dumps(shop.document("cutover.json", "first") | {"cluster": "another"}))
    assert "same Kafka cluster" in shop.export("second", "--until", str(path), code=Exit.NOT_OK)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--until", "missing.json"], "no such file"),
        (["--until", "x", "-o", "0:5"], "not both"),
        (["--to", "s3:///prefix"], "expected a bucket"),
    ],
)
def test_what_cannot_be_meant_is_said_before_kafka_is_asked(shop: Shop, words: list[str], message: str) -> None:
    assert message in shop.export("out", *words, code=Exit.NOT_OK)[1]
    assert not (shop.folder / "out").exists()


@pytest.mark.parametrize("words", [["-o", "yesterday"], ["--max-bytes", "5"], ["--dataset", "clicks"]])
def test_arguments_that_are_wrong_are_refused_with_the_usage(shop: Shop, words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        shop.export("out", *words)
    assert left.value.code == 2
    assert "expected" in (err := shop.capsys.readouterr().err) or "invalid choice" in err


CATALOGUE = (
    "{name: items, when: value.sku, put_items: {datasetArn: "
    "{const: 'arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS'}, itemId: value.sku, "
    "properties: {price: value.price}}}"
)


def test_a_topic_of_two_datasets_is_exported_twice_up_to_one_end(shop: Shop) -> None:
    shop.write(f"{CATALOGUE}, {RULE}")
    shop.produce([*events(2), {"sku": "i1", "price": 1.5}, {"sku": "i1", "price": 2}])
    out, _ = shop.export()
    assert "2  of other datasets: put_items" in out
    assert "export those with --until" in out
    shop.produce([{"sku": "i1", "price": 3}])
    target = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS"
    until = str(shop.folder / "out" / "cutover.json")
    out, _ = shop.export("items", "--dataset", "items", "--until", until, "--target", target)
    assert shop.rows("items") == [{"ITEM_ID": "i1", "PRICE": "2"}]
    assert shop.document("schema.json", "items")["fields"][1] == {"name": "PRICE", "type": "float"}
    assert "1  left out: older versions" in out
    shop.set()
    assert "committed the offsets of 0 of 2" in shop.set(cutover="items/cutover.json")[1]


def test_the_quota_of_event_types_and_columns_is_counted_and_warned_of(shop: Shop) -> None:
    shop.produce([event(type=f"Type{n}", price=1, more={"a": 1, "b": 2}) for n in range(7)])
    out, _ = shop.export()
    assert "7 event types, EVENT_TYPE, EVENT_VALUE and 2 columns of properties: 11 of 10; 2 of 5" in out
    assert "11 event types and columns together: a training fails beyond 10" in out


def test_columns_that_training_makes_little_of_are_said(shop: Shop) -> None:
    shop.produce([event(more={"mixed": n or "x", "flag": True, "text": f"text {n}"}) for n in range(40)])
    out, _ = shop.export()
    assert "MIXED: text because its values are int and str: give the property an `as`" in out
    assert "FLAG: training does not use true and false" in out
    assert "TEXT: many different texts: training uses it only if" in out


def test_only_topics_that_make_rows_are_read_and_set(shop: Shop, cluster: MockCluster) -> None:
    cluster.create_topic("catalogue", 1)
    shop.write()
    shop.path.write_text(
        shop.path.read_text().rstrip().removesuffix("]")
        + f", {{name: c, topics: [catalogue], rules: [{CATALOGUE}]}}]\n"
    )
    shop.produce(events(3))
    shop.produce([{"sku": "i1", "price": 1}], "catalogue")
    found = json.loads(shop.export("out", "--output", "json")[0])
    assert (found["records"], found["other_datasets"]) == (3, {})
    assert shop.document("cutover.json")["offsets"].keys() == {"clicks"}
    shop.export("items", "--dataset", "items")
    assert shop.document("cutover.json", "items")["offsets"] == {"catalogue": {"0": 1}}
    shop.set()
    assert (shop.committed(), shop.committed(topic="catalogue")) == ({0: 3, 1: 0}, {})


def test_the_line_of_a_stage_is_gone_before_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Line:
        def __init__(self, doing: str, unit: str = "") -> None:
            self.doing = f"{doing} {unit}"

        def show(self, done: int, total: int | None = None) -> None:
            drawn.append(f"{self.doing} {done} {total}")

        def clear(self) -> None:
            drawn.append(f"no {self.doing}")

    monkeypatch.setattr("connector.cli.exporting.Progress", Line)
    stages = exporting._Stages()
    tell = stages.tell()
    tell.read(1, 2)
    tell.read(2, 2)
    tell.finish(9)
    stages.clear()
    reading, making = "exporting records", "making the files bytes"
    assert drawn[1:] == [f"{reading} 1 2", f"{reading} 2 2", f"no {reading}", f"{making} 9 None", f"no {making}"]
