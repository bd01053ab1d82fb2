"""Users, items and actions, and the way to a first recommendation: pages hold to the code and to the models of AWS."""

import json
import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape

from connector.config import Loaded, load_text
from connector.core.mapping.entries import KINDS
from connector.core.mapping.limits import MAX_TEXT
from connector.core.operations import OPERATIONS
from connector.core.records import MAX_EVENTS_PER_CALL, Record, Transformed
from tests.support.pages import ROOT

OPERATIONS_PAGE = ROOT / "docs" / "users-items-actions.md"
FIRST = ROOT / "docs" / "first-recommendation.md"
MODELS = {"s3api": "s3"}  # where the command line calls a service otherwise than botocore


def blocks(page: Path) -> list[tuple[str, str]]:
    """Each block of a page: what follows its fence, and its text."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(program: str) -> list[list[str]]:
    """The words of each command of the page that calls this program."""
    lines = "".join(text for kind, text in blocks(FIRST) if not kind).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{program} ")]


AWS = commands("aws")


def model_of(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(MODELS.get(service, service), "service-2"), service)


def input_of(words: list[str]) -> StructureShape:
    """The members that botocore knows of the operation of a command."""
    _, service, command, *_ = words
    model = model_of(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert command in names, f"{service} has no operation {command}"
    shape = model.operation_model(names[command]).input_shape
    assert isinstance(shape, StructureShape)
    return shape


def options(words: list[str]) -> dict[str, str | None]:
    """What a command gives, by option; None where an option stands alone."""
    given: dict[str, str | None] = {}
    rest = words[3:]
    while rest:
        name = rest.pop(0)
        assert name.startswith("--"), words
        given[name.removeprefix("--")] = rest.pop(0) if rest and not rest[0].startswith("--") else None
    return given


def judge(name: str, value: str | None, shape: Shape) -> None:
    """A value of an option: JSON and short forms have members that are known, choices are among those of the model."""
    if shape.type_name == "boolean":
        assert value is None, name
    elif isinstance(shape, StructureShape):
        member, _, text = (value or "").partition("=")
        assert member in shape.members, f"{name} has no {member}"
        judge(member, text, shape.members[member])
    elif getattr(shape, "enum", None):
        assert value in shape.enum, name  # type: ignore[attr-defined]  # of texts only
    else:
        assert value, name


@pytest.mark.parametrize("words", AWS, ids=" ".join)
def test_a_command_of_aws_names_an_operation_and_parameters_that_botocore_knows(words: list[str]) -> None:
    shape, given = input_of(words), options(words)
    known = {xform_name(name, "-"): member for name, member in shape.members.items()}
    known |= {f"no-{name}": member for name, member in known.items() if member.type_name == "boolean"}
    for name, value in given.items():
        assert name in known, f"{words[2]} has no --{name}"
        judge(name, value, known[name])
    required = {xform_name(name, "-") for name in shape.required_members}
    assert required <= set(given), words


def test_the_way_has_every_step_from_the_group_to_the_recommendation_in_order() -> None:
    steps = [words[2] for words in AWS if words[1].startswith("personalize")]
    way = [
        "create-dataset-group",
        "create-schema",
        "create-dataset",
        "create-dataset-import-job",
        "create-event-tracker",
        "create-solution",
        "create-solution-version",
        "create-campaign",
        "get-recommendations",
    ]
    assert sorted(way, key=steps.index) == way


def test_each_file_that_a_command_reads_is_in_the_page_or_written_by_an_export() -> None:
    shown = {kind.removeprefix("json "): text for kind, text in blocks(FIRST) if kind.startswith("json ")}
    read = {value.removeprefix("file://") for words in AWS for value in words if value.startswith("file://")}
    assert {name for name in read if not name.endswith("/schema.json")} == set(shown)
    for text in shown.values():
        assert json.loads(text)["Version"] == "2012-10-17"


def test_the_page_says_that_nothing_was_run_against_aws() -> None:
    assert "**None of the `aws` commands here was run against AWS.**" in FIRST.read_text()
    assert "Nothing here was run against AWS" in OPERATIONS_PAGE.read_text()


def rows(page: str) -> dict[str, list[str]]:
    """The cells of each row of a table that has the name of an operation in its first cell."""
    found = re.findall(r"^\| (Put\w+) \| (.*) \|$", page, re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in found}


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    table = rows(OPERATIONS_PAGE.read_text())
    assert set(table) == {operation.name for operation in OPERATIONS}
    for operation in OPERATIONS:
        expected = [MAX_TEXT, KINDS[operation].properties, MAX_EVENTS_PER_CALL, int(operation.rate)]
        assert [int(cell.split(", not")[0].replace(",", "")) for cell in table[operation.name]] == expected


def test_the_page_has_a_row_for_each_action_with_its_operation() -> None:
    page = OPERATIONS_PAGE.read_text()
    for operation in OPERATIONS:
        target = "event tracker" if operation.target == "trackingId" else f"{operation.nouns} dataset"
        assert f"| `{operation.action}` | {operation.name} | {target} |" in page


def test_the_record_of_the_page_becomes_the_item_beside_it() -> None:
    [text] = [text for kind, text in blocks(OPERATIONS_PAGE) if kind == "yaml"]
    [lines] = [text for kind, text in blocks(OPERATIONS_PAGE) if kind == "json"]
    record, item = lines.splitlines()
    loaded = load_text(text, OPERATIONS_PAGE.name, {})
    assert isinstance(loaded, Loaded), loaded
    [(_, pipeline)] = loaded.pipelines()
    made = pipeline(Record("shop.public.products", 0, 0, None, None, record.encode()), 1_795_600_000.0)
    assert isinstance(made, Transformed), made
    [entry] = made.entries
    found = json.loads(entry.body)
    assert {**found, "properties": json.loads(found["properties"])} == json.loads(item)
    assert entry.target == loaded.config.personalize.items_dataset_arn
