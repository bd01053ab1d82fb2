"""The proposal as a file: rules with their evidence, then tests. What is not valid is not shown."""

from collections.abc import Iterator, Sequence

from connector.config import Loaded, load_text
from connector.starting.planning import plan
from connector.starting.plans import Plan, Rule
from connector.starting.samples import NoSamplesError, Samples
from connector.starting.sources import source_of
from connector.starting.trying import Trial, trials
from connector.starting.writing import WIDTH, flow, scalar, spelled

_NAME = "the proposed file"


def draft(samples: Samples, name: str, members: Sequence[str] = ()) -> str:
    """A file for records like these, which ``validate`` accepts; ``name`` is that of the sample.

    ``members`` say which member of an event is which of the records, as ``itemId=value.art``.

    Raises:
        NoSamplesError: the records have nothing to map, or nothing that can be mapped.
    """
    made = _planned(samples, members)
    text = "\n".join([*_head(made, name), *_pipeline(made)]) + "\n"
    tests = list(trials(made, _valid(text)))
    text += "\ntests:\n" + "\n".join(line for trial in tests for line in _trial(trial))
    _valid(text)
    return text


def _planned(samples: Samples, members: Sequence[str]) -> Plan:
    try:
        return plan(samples, members)
    except NoSamplesError as error:
        source = source_of(samples)
        hint = f". These records look like {source.words}: putevents init --from {source.preset}" if source else ""
        raise NoSamplesError(f"{error}{hint}") from None


def _valid(text: str) -> Loaded:
    loaded = load_text(text, _NAME, {})
    if isinstance(loaded, Loaded):
        return loaded
    raise NoSamplesError(
        f"expected a valid mapping from these records; what came out is not: {loaded[0].message}. "
        "Start from a preset: putevents init --from flat"
    )


def _head(made: Plan, name: str) -> Iterator[str]:
    count = f"{made.fields.records:,} record{'' if made.fields.records == 1 else 's'}"
    yield "# yaml-language-server: $schema=putevents.schema.json"
    yield f"# Proposed from {count} of {scalar(name)}. Read each line: names and values are all it goes by."
    yield "# `putevents schema > putevents.schema.json` beside this file lets your editor check it."
    source = source_of(made.samples)
    if source is not None:
        yield f"# They look like {source.words}: `putevents init --from {source.preset}` has a mapping made for them."
    for note in made.notes:
        yield from _comment(f"To decide: {note}", "")
    yield "version: 1"
    yield "kafka:"
    yield '  bootstrap_servers: {env: KAFKA_BOOTSTRAP_SERVERS, default: "localhost:9092"}'
    yield "  group_id: personalize"
    yield "personalize:"
    yield "  tracking_id: {env: PERSONALIZE_TRACKING_ID, default: not-set-yet}   # enough for validate and map"
    yield "dead_letter:"
    yield f"  topic: {scalar(f'{made.topic}.dead-letter')}   # must exist; gets each invalid record unchanged"
    yield ""


def _pipeline(made: Plan) -> Iterator[str]:
    yield "pipelines:"
    yield "  - name: events"
    yield f"    topics: [{scalar(made.topic)}]"
    yield from _value(made)
    yield "    # The first rule that matches decides. Names on the left are PutEvents' own, expressions on the right"
    yield "    # are JMESPath over {value, key, headers, topic, partition, offset, timestamp}."
    yield "    rules:"
    for number, rule in enumerate(made.rules):
        yield from [""] if number else []
        yield from _rule(rule)


def _value(made: Plan) -> Iterator[str]:
    samples = made.samples
    if samples.columns is not None:
        delimiter = "" if samples.delimiter == "\t" else f"      delimiter: {scalar(samples.delimiter or ',')}"
        yield from ["    value:", "      format: delimited", *([delimiter] if delimiter else [])]
        yield f"      columns: {flow(samples.columns, 15)}"
    elif made.envelope != "none":
        yield f"    value: {{envelope: {made.envelope}}}"
    elif made.inside == ("value",):
        yield "    value: {root: array}"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"      - name: {rule.name:<24}# {rule.why}"
    if rule.when is not None:
        yield f"        when: {spelled(rule.when)}"
    if rule.skip is not None:
        yield f"        skip: {rule.skip}"
        return
    if rule.for_each is not None:
        yield f"        for_each: {spelled(rule.for_each)}"
    yield "        put_events:"
    for member in rule.members:
        yield from _comment(member.why, "          ") if member.why else []
        yield f"          {member.name}: {member.spec}"


def _comment(text: str, indent: str) -> Iterator[str]:
    """Lines of a comment."""
    line = f"{indent}#"
    for word in text.split(" "):
        if len(line) + len(word) >= WIDTH and not line.endswith("#"):
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _trial(trial: Trial) -> Iterator[str]:
    yield f"  - name: {flow(trial.name, 10)}"
    yield "    pipeline: events"
    yield "    input:"
    yield from (f"      {name}: {flow(part, 8 + len(name))}" for name, part in trial.input.items())
    if isinstance(trial.output, list) and trial.output:
        yield "    output:"
        yield from (f"      - {flow(event, 8)}" for event in trial.output)
    else:
        yield f"    output: {flow(trial.output, 12)}"
    yield ""
