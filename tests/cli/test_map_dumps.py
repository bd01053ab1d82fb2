"""``putevents map`` reads what kcat and kafka-console-consumer print, and one record of the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.cli import main
from connector.given_dumps import kcat_format, of_console, of_format, of_kcat
from tests.cli.test_commands import Line, line
from tests.support.config_files import build

__all__ = ["line"]
PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    rules:
      - name: all
        put_events:
          sessionId: value.session
          eventType: {const: View}
          eventId: {template: "{{ topic }}/{{ partition }}/{{ offset }}"}
          sentAt: timestamp
          properties: {key: key, shop: headers.shop}
"""
VALUE = b'{"session": "s1"}'
MS = 1_763_973_011_000


@pytest.fixture
def web(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(build(pipelines=PIPELINES))
    return str(path)


def event(ran: Any) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    [mapped] = ran.lines
    [call] = mapped["calls"]
    [made] = call["eventList"]
    return {**made, "properties": json.loads(made.get("properties", "{}"))}


def full(*, shop: str | None = "a,b", key: str | None = "k1", time: int = MS, offset: int = 7) -> dict[str, Any]:
    properties = {name: value for name, value in (("key", key), ("shop", shop)) if value is not None}
    return {
        "eventType": "View",
        "eventId": f"clicks/2/{offset}",
        "sentAt": time // 1000,
        "properties": properties,
    }


KCAT = {
    "topic": "clicks",
    "partition": 2,
    "offset": 7,
    "tstype": "create",
    "ts": MS,
    "broker": 1,
    "headers": ["shop", "a,b", "empty", None],
    "key": "k1",
    "payload": VALUE.decode(),
}


@pytest.mark.parametrize("options", [(), ("--records",)])
def test_a_line_of_kcat_is_the_record_with_its_place_time_key_and_headers(
    options: tuple[str, ...],
    line: Line,
    web: str,
) -> None:
    ran = line("map", web, *options, stdin=json.dumps(KCAT).encode() + b"\n")
    assert event(ran) == full()
    noted = "note: lines are read as records that kcat -J printed\n"
    assert (noted in ran.err) is (not options)


@pytest.mark.parametrize(
    "dump",
    [
        b"CreateTime:%d\tPartition:2\tOffset:7\tshop:a,b,other:x\tk1\t%s" % (MS, VALUE),
        b"LogAppendTime:%d\tPartition:2\tOffset:7\tshop:a,b\tk1\t%s" % (MS, VALUE),
        b'CreateTime:%d\tPartition:2\tOffset:7\tshop:a,b\tk1\t{\t"session":\t"s1"}' % MS,
    ],
)
def test_a_line_of_the_console_consumer_is_the_record(dump: bytes, line: Line, web: str) -> None:
    ran = line("map", web, stdin=dump + b"\r\n")
    assert event(ran) == full()
    assert ran.err.startswith("note: lines are read as records that kafka-console-consumer printed\n")


@pytest.mark.parametrize(
    ("given", "dump"),
    [
        ("%t/%p/%o %T %k %h|%s", b"clicks/2/7 %d k1 shop=a,b,x=y|%s" % (MS, VALUE)),
        (r"%t\t%p\t%o\t%T\t%k\t%h\t%s\n", b"clicks\t2\t7\t%d\tk1\tx=,shop=a,b\t%s" % (MS, VALUE)),
        (r"CreateTime:%T\t%t %p %o\t%h\t%k\t%s", b"CreateTime:%d\tclicks 2 7\tshop:a,b\tk1\t%s" % (MS, VALUE)),
        (r"%t %p %o %T [%K] %k%%\x7c%h %S:%s", b"clicks 2 7 %d [2] k1%%|shop=a,b 17:%s" % (MS, VALUE)),
    ],
)
def test_a_line_in_a_format_of_kcat_is_the_record(given: str, dump: bytes, line: Line, web: str) -> None:
    assert event(line("map", web, "--kcat-format", given, stdin=dump + b"\n")) == full()


def test_what_a_dump_leaves_out_is_what_a_plain_line_has(line: Line, web: str) -> None:
    made = event(line("map", web, "--kcat-format", "%k:%s", stdin=b"k1:" + VALUE + b"\n"))
    assert (made["eventId"], made["properties"]) == ("clicks/0/0", {"key": "k1"})
    made = event(line("map", web, stdin=b"CreateTime:%d\t%s\n" % (MS, VALUE)))
    assert (made["eventId"], made["sentAt"], made["properties"]) == ("clicks/0/0", MS // 1000, {})


@pytest.mark.parametrize(
    ("dump", "options"),
    [
        (json.dumps({**KCAT, "payload": None}).encode(), ()),
        (b"CreateTime:%d\tk1\tnull" % MS, ()),
        (b"k1:", ("--kcat-format", "%k:%s")),
        (b"k1:NULL", ("--kcat-format", "%k:%s")),
    ],
)
def test_a_record_without_a_value_is_a_tombstone_in_every_dump(
    dump: bytes,
    options: tuple[str, ...],
    line: Line,
    web: str,
) -> None:
    [skipped] = line("map", web, *options, stdin=dump + b"\n").lines
    assert (skipped["outcome"], skipped["reason"]) == ("skipped", "tombstone")


def test_parts_that_are_null_are_none_and_not_the_word() -> None:
    console = of_console(b"NO_TIMESTAMP\tPartition:0\tNO_HEADERS\tnull\t{}", 1, "t")
    assert console is not None
    assert (console.timestamp, console.key, console.headers, console.value) == (None, None, (), b"{}")
    console = of_console(b"CreateTime:-1\ta:null,b:\tk\t{}", 1, "t")
    assert console is not None
    assert (console.timestamp, console.headers) == (None, (("a", None), ("b", b"")))
    kcat = of_kcat(json.dumps({**KCAT, "ts": -1, "key": None, "headers": []}).encode(), 1)
    assert kcat is not None
    assert (kcat.timestamp, kcat.key, kcat.headers) == (None, None, ())
    form = of_format(kcat_format("%T|%k|%h|%s"), b"-1|NULL|a=NULL|x", 1, "t")
    assert (form.timestamp, form.key, form.headers, form.value) == (None, None, (("a", None),), b"x")
    assert of_format(kcat_format("%k|%h|%s"), b"||x", 1, "t")[4:] == (None, b"x", ())


def test_what_kcat_has_decoded_itself_is_given_on_as_json() -> None:
    record = of_kcat(json.dumps({**KCAT, "payload": {"a": 1}, "key_schema_id": 3}).encode(), 1)
    assert record is not None
    assert record.value == b'{"a":1}'


@pytest.mark.parametrize(
    "value",
    [
        b'{"topic": "clicks", "payload": {}}',
        b'{"topic": "clicks", "partition": 1, "offset": 2, "payload": "", "more": 1}',
        b'{"payload" "offset"',
        b"CreateTime: today",
        b"Partition: of India",
    ],
)
def test_a_value_that_only_resembles_a_dump_stays_a_value(value: bytes, line: Line, web: str) -> None:
    assert of_kcat(value, 1) is None
    assert of_console(value, 1, "t") is None
    assert "note:" not in line("map", web, stdin=value + b"\n").err


def test_other_encodings_look_for_no_dump(line: Line, web: str) -> None:
    ran = line("map", web, "--encoding", "binary", stdin=b"CreateTime:%d\t{}" % MS)
    assert "note:" not in ran.err
    assert ran.lines[0]["rejection"]["reason"] == "not_json"


@pytest.mark.parametrize(
    ("dump", "options", "message"),
    [
        (b"CreateTime:1\tSECRET:x\t{}", (), "before the value stands a key, or headers: say how with --kcat-format"),
        (b"CreateTime:1\ta\tb\tSECRET\t{}", (), "expected headers, a key and a value at most, not more parts"),
        (b"SECRET", ("--kcat-format", "%k:%s"), "expected a line as kcat -f prints it with --kcat-format '%k:%s'"),
        (
            json.dumps({**KCAT, "topic": 5, "key": "SECRET"}).encode(),
            (),
            "expected topic of a line of kcat -J to be text",
        ),
        (json.dumps({**KCAT, "offset": "SECRET"}).encode(), (), "expected offset of a line of kcat -J to be a number"),
        (json.dumps({**KCAT, "ts": "SECRET"}).encode(), (), "expected ts of a line of kcat -J to be a number of mil"),
        (json.dumps({**KCAT, "headers": ["SECRET"]}).encode(), (), "expected headers of a line of kcat -J to be names"),
        (json.dumps({**KCAT, "topic": "other"}).encode(), (), "no pipeline reads the topic other: expected one of"),
    ],
)
def test_a_line_that_is_broken_is_named_by_its_number_and_not_shown(
    dump: bytes,
    options: tuple[str, ...],
    message: str,
    line: Line,
    web: str,
) -> None:
    ran = line("map", web, *options, stdin=b"\n" + dump + b"\n")
    assert ran.code == 1
    assert f"line 2: {message}" in ran.err
    assert "SECRET" not in ran.err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("%k", "expected %s, the value, as in '%k:%s'"),
        ("%R%s", "expected %t, %p, %o, %T, %k, %h, %s, %S, %K or %%, not %R"),
        ("%s%s", "expected %s once"),
        (r"%k\n%s", r"expected one line for each record: \n only at the end"),
        ("%s%", "or %%, not %"),
    ],
)
def test_a_format_that_cannot_be_read_again_is_wrong_use(
    given: str, message: str, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["map", web, "--kcat-format", given])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


# -- one record -----------------------------------------------------------------------------------------------


def test_one_record_is_given_on_the_command_line(line: Line, web: str) -> None:
    options = ["--key", "k1", "--header", "shop=a,b", "--header", "x=", "--timestamp", str(MS), "--topic", "clicks"]
    made = event(line("map", web, "--value", VALUE.decode(), *options))
    assert made == {**full(), "eventId": "clicks/0/0"}


def test_one_value_may_be_all_of_stdin_over_several_lines(line: Line, web: str) -> None:
    made = event(
        line("map", web, "--value", "-", "--timestamp", "2025-11-24T08:30:11Z", stdin=b'{\n "session": "s"\n}\n')
    )
    assert made["sentAt"] == MS // 1000


def test_one_value_may_be_in_base64(line: Line, web: str) -> None:
    assert line("map", web, "--value", "eyJzZXNzaW9uIjogInMifQ", "--encoding", "base64").code == 0
    ran = line("map", web, "--value", "SECRET!", "--encoding", "base64")
    assert (ran.code, ran.err) == (1, "--value: expected base64\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--key", "k"], "expected --value beside --key: they describe one record"),
        (["--header", "a=b"], "expected --value beside --header: they describe one record"),
        (["--value", "{}", "--records"], "expected either --value, for one record, or --records"),
        (["--value", "{}", "--kcat-format", "%s"], "expected either --value, for one record, or --kcat-format"),
        (["--value", "{}", "--input", "f"], "expected either --value, for one record, or --input"),
    ],
)
def test_parts_of_one_record_without_it_are_refused(
    options: list[str],
    message: str,
    line: Line,
    web: str,
) -> None:
    ran = line("map", web, *options)
    assert (ran.code, ran.out, ran.err) == (1, "", f"{message}\n")


@pytest.mark.parametrize(
    "options",
    [["--timestamp", "yesterday"], ["--timestamp", "2025-11-24T08:30:11"], ["--header", "a"], ["--header", "=a"]],
)
def test_parts_of_another_form_are_wrong_use(options: list[str], web: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["map", web, "--value", "{}", *options])
    assert left.value.code == 2
    assert "expected" in capsys.readouterr().err
