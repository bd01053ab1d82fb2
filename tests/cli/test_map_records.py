"""``putevents map`` says so where lines were records, and were read as values."""

from pathlib import Path

import pytest

from tests.cli.test_commands import Line, line
from tests.support.config_files import build

__all__ = ["line"]
PIPELINES = """\
pipelines:
  - name: web
    topics: [clicks]
    rules:
      - name: all
        put_events: {sessionId: value.session, eventType: {const: View}}
"""


@pytest.fixture
def web(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(build(pipelines=PIPELINES))
    return str(path)


RECORDS = [
    b'{"value": {"session": "s1"}}',
    b'{"topic": "clicks", "value": {"session": "s1"}}',
    b'{"key": "k1", "value_base64": "e30="}',
]


@pytest.mark.parametrize("given", RECORDS)
def test_lines_that_look_like_records_and_make_nothing_as_values_are_told_the_option(
    given: bytes, line: Line, web: str
) -> None:
    ran = line("map", web, stdin=given + b"\n")
    assert [each["outcome"] for each in ran.lines] == ["dead_letter"]
    assert "\nnote: lines look like records, and were read as values: --records reads" in ran.err


@pytest.mark.parametrize(
    ("stdin", "options"),
    [
        (RECORDS[1] + b'\n{"session": "s1"}\n', ()),
        (b'{"value": 5}\n', ()),
        (b'{"value": {}, "unit": "ms"}\n', ()),
        (b'{"value": \n', ()),
        (b'["value"]\n', ()),
        (RECORDS[1] + b"\n", ("--records",)),
    ],
)
def test_nothing_is_said_of_records_where_a_line_maps_or_is_another_object(
    stdin: bytes, options: tuple[str, ...], line: Line, web: str
) -> None:
    assert "look like records" not in line("map", web, *options, stdin=stdin).err
