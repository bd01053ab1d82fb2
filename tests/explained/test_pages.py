"""Every code that a user may see has a page, and the examples of a page do what they say."""

import ast
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from textwrap import indent

import pytest

import connector
from connector.config import Loaded, Problem, load_text
from connector.core.records import SKIPS, Reason, Skip
from connector.exits import Exit
from connector.explained.book import PAGES
from connector.explained.page import Page, anchor
from tests.support.config_files import SECTIONS, build
from tests.support.each import for_each
from tests.support.kafka.certificates import Authority

PACKAGE = Path(connector.__file__).parent
ROOT = PACKAGE.parent
ENV = {"EMPTY": "", "PERSONALIZE_TRACKING_ID": "tracker-1", "PASSWORD": "secret"}
OF_FILES = [page for page in PAGES if page.kind in {"error", "warning", "note"}]


# Codes as they stand in the code: the name of what is called, and which of its arguments is the code.
ARGUMENTS = {
    "Problem": 0, "Reworded": 0, "PydanticCustomError": 0, "fail": 0, "_fault": 0, "Refusal": 1, "Mistake": 1,
    "at_value": 1, "at_key": 1, "in_scalar": 2, "_bound": 2, "_address": 1, "SpecError": 1, "problem": 1,
}  # fmt: skip
# Calls whose code is that of what they were given, or one of the table beside.
PASSED_ON = {
    "config/checks.py": {"code", "refusal.code"},
    "config/loading.py": {"code"},
    "config/located.py": {"code"},
    "config/scalars.py": {"code"},
    "config/wording.py": {"code"},
    "core/mapping/doubts.py": {"code"},
    "core/mapping/events.py": {"Reason.TOO_LONG"},
    "core/mapping/limits.py": {
        "OURS", "Reason.EMPTY", "Reason.IGNORED_LITERAL", "Reason.INVALID_PROPERTIES", "Reason.INVALID_VALUE",
        "Reason.RESERVED_PROPERTY", "Reason.TIME_OUT_OF_WINDOW",
    },
    "core/mapping/fields.py": {"f'unknown_{error.key}'"},
    "core/mapping/members.py": {"together.reason"},
    "trials/cases.py": {"code"},
    "core/mapping/scope.py": {"code", "error.code", "error.reason", "problem.reason"},
}  # fmt: skip
BY_ANOTHER_NAME = {
    "unknown-format", "unknown-timezone",  # f"unknown_{error.key}"
    "unreachable-arm",  # doubts.py gives it to what finds rules, too
    "bad-region", "unknown-region",  # checks.region chooses
    "syntax",  # the default of ExpressionError
    # Reasons of records, where a fixed value has them.
    "too-long", "empty", "ignored-literal", "invalid-properties", "invalid-value", "invalid-time", "time-out-of-window",
}  # fmt: skip
# A page without an example, and why it has none.
WITHOUT_EXAMPLE = {
    "not-utf8",  # bytes, which no page can show
    "empty-file",  # there is nothing to show
    "unsupported",  # of a later version of the library
    "missing-package",  # not of the file but of what is installed
    "unusable-input", "tests-alone",  # of `putevents test`: tests/trials
}  # fmt: skip


def codes_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Each code that a module makes, and whether it is written out; else it is the expression."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [word.value for word in node.keywords if word.arg == "code"]
        if name in ARGUMENTS and len(node.args) > ARGUMENTS[name]:
            given.append(node.args[ARGUMENTS[name]])
        for code in given:
            written = isinstance(code, ast.Constant)
            yield (str(code.value) if isinstance(code, ast.Constant) else ast.unparse(code)), written


def modules() -> list[Path]:
    rooms = ("config", "core", "trials")
    return sorted(path for room in rooms for path in PACKAGE.glob(f"{room}/**/*.py"))


def test_every_code_that_the_package_gives_has_a_page_and_no_page_is_without_use() -> None:
    written = {code.replace("_", "-") for path in modules() for code, is_text in codes_of(path) if is_text}
    written |= {code for code in yaml_faults() if code}
    assert written | BY_ANOTHER_NAME == {page.code for page in OF_FILES}


def yaml_faults() -> Iterator[str]:
    """``Fault`` is a name of two things; that of YAML begins with a code."""
    for node in ast.walk(ast.parse((PACKAGE / "config" / "yaml_tree.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fault" and node.args:
            yield str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else ""


def test_no_code_is_passed_on_in_a_way_that_hides_a_new_one() -> None:
    found = {
        (path.relative_to(PACKAGE).as_posix(), code)
        for path in modules()
        for code, is_text in codes_of(path)
        if not is_text
    }
    assert found - {(name, code) for name, codes in PASSED_ON.items() for code in codes} == set()


def test_every_reason_skip_and_exit_code_has_a_page() -> None:
    by_kind = {kind: {page.code for page in PAGES if page.kind == kind} for kind in ("reason", "skip", "exit")}
    assert by_kind["reason"] == set(Reason)
    assert by_kind["skip"] == set(Skip) == set(SKIPS)
    assert {str(int(code)) for code in Exit} <= by_kind["exit"]


def test_one_kind_of_code_has_one_page() -> None:
    assert len({(page.code, page.kind) for page in PAGES}) == len(PAGES)


# Examples


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The files that examples name."""
    folder = tmp_path_factory.mktemp("files")
    folder.joinpath("tracking-id.txt").write_text("tracker-1\n")
    schema = '{"type": "record", "name": "Click", "fields": [{"name": "session", "type": "string"}]}'
    folder.joinpath("click.avsc").write_text(schema)
    Authority().issue("client").write(folder, "client")
    with chdir(folder):
        yield


def whole(excerpt: str) -> str:
    """The excerpt in a file that is valid without it: as a section, as the rules, or as members of a rule."""
    if excerpt.startswith("- "):
        rules = f"pipelines:\n- name: web\n  topics: [clicks]\n  rules:\n{indent(excerpt, '  ')}\n"
        return build(pipelines=rules)
    key = re.split(r"[:\s]", excerpt, maxsplit=1)[0]
    if key in SECTIONS or key == "schema_registry":
        return build(**{key: excerpt})
    defaults = {"sessionId": "value.session", "eventType": "{const: View}"}
    members = [f"{name}: {text}" for name, text in defaults.items() if f"{name}:" not in excerpt]
    lines = [excerpt] if key == "put_events" else ["put_events:", indent("\n".join([*members, excerpt]), "  ")]
    rule = "\n".join(["- name: view", indent("\n".join(lines), "  ")])
    return whole(rule)


def found_in(excerpt: str) -> tuple[Problem, ...]:
    result = load_text(whole(excerpt), "file.yaml", ENV)
    return result.warnings if isinstance(result, Loaded) else tuple(result)


NOT_RUN = ("tests-not-run", "note")


@for_each([page for page in PAGES if page.wrong], lambda page: page.code)
def test_the_example_of_a_page_gives_its_code_and_no_other(page: Page) -> None:
    found = {(problem.code, problem.severity) for problem in found_in(page.wrong)}
    # A valid file with tests always gets the note that they are not run.
    assert found - ({NOT_RUN} if page.kind == "warning" else set()) == {(page.code, page.kind)}


@for_each([page for page in PAGES if page.right], lambda page: page.code)
def test_the_mended_example_is_valid_without_a_warning(page: Page) -> None:
    assert found_in(page.right) == ()


def test_every_code_of_a_file_has_an_example_unless_there_can_be_none() -> None:
    assert {page.code for page in OF_FILES if not page.wrong} == WITHOUT_EXAMPLE
    of_tests = {"unknown-pipeline", "unknown-rule", "unknown-member", "impossible-test", "tests-not-run"}
    assert {page.code for page in OF_FILES if page.wrong and not page.right} == of_tests


@for_each([page for page in PAGES if page.link], lambda page: page.code)
def test_a_page_links_to_a_heading_that_exists(page: Page) -> None:
    name, _, fragment = page.link.partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / name).read_text(), re.MULTILINE)
    assert not fragment or fragment in map(anchor, headings)
