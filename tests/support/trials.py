"""Files with tests, and what `putevents test` makes of them."""

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from connector.config import Problem
from connector.trials.cases import Suite, collect
from connector.trials.running import Ran, Result, run

RULES = """\
- name: bots
  when: value.bot
  skip: bot
- name: clicks
  when: value.session || value.action
  put_events:
    sessionId: value.session
    userId: value.user
    eventType: {from: value.action, lookup: {view: View, buy: Purchase}, otherwise: skip}
    itemId: value.item
    sentAt: {from: value.time, default: 1795509011}
"""
VIEW = "{session: s1, action: view, item: p1, time: 1795509011}"
EVENT = "{sessionId: s1, eventType: View, eventId: clicks-0-0, itemId: p1, sentAt: 1795509011}"
HEAD = """\
kafka: {bootstrap_servers: "b:9092", group_id: g}
personalize: {tracking_id: t1}
dead_letter: {topic: d}
"""


def config(tests: str = "", *, rules: str = RULES, pipeline: str = "", head: str = HEAD) -> str:
    """A configuration of one pipeline; ``pipeline`` has further keys of it, ``tests`` the list as YAML."""
    parts = [head, "pipelines:", "  - name: web", "    topics: [clicks]"]
    parts += [indent(dedent(pipeline), "    ").rstrip("\n")] if pipeline else []
    parts += ["    rules:", indent(rules, "      ").rstrip("\n")]
    parts += ["tests:", indent(dedent(tests), "  ")] if tests else []
    return "\n".join(parts) + "\n"


def case(value: str = VIEW, output: str = f"[{EVENT}]", **others: str) -> str:
    """One test as YAML: of a value, with other keys of ``input`` or of the test itself."""
    given = others.pop("input", f"{{value: {value}}}")
    lines = [f"{key}: {text}" for key, text in {"name": "t", "pipeline": "web", **others}.items()]
    lines += [f"input: {given}"] + ([f"output: {output}"] if "outputs" not in others else [])
    return "- " + "\n  ".join(lines) + "\n"


def collected(folder: Path, text: str, name: str = "clicks.yaml") -> Suite | list[Problem]:
    """The file, written to a folder, and its tests."""
    (folder / name).write_text(text)
    return collect(folder / name, {})


def ran(folder: Path, text: str, **options: Any) -> Ran:
    """The tests of a file that is right, run."""
    found = collected(folder, text)
    assert isinstance(found, Suite), found
    done = run(found, **options)
    assert not done.problems, done.problems
    return done


def results(folder: Path, text: str) -> list[Result]:
    return list(ran(folder, text).results)


def only(folder: Path, text: str) -> Result:
    [result] = results(folder, text)
    return result


def wrong(folder: Path, text: str) -> Problem:
    """The one problem of a file."""
    found = collected(folder, text)
    problems = run(found).problems if isinstance(found, Suite) else found
    [problem] = problems
    return problem
