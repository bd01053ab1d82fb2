"""A file is a configuration, or everything that is wrong with it.

YAML that cannot be read ends the matter. Otherwise everything is collected, in the order of the file: what
the models refuse, what the compiler refuses in pipelines that they accept, what only shows across sections.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from connector.config import checks
from connector.config.located import Located
from connector.config.models import Blank, Config, DeadLetterConfig, KafkaConfig, PersonalizeConfig
from connector.config.printing import print_config
from connector.config.problems import Problem
from connector.config.scalars import Property
from connector.config.wording import at, problems_of
from connector.config.yaml_tree import Path, parse
from connector.core.mapping import Mapping as CompiledPipeline
from connector.core.mapping import SpecError, compile_pipeline
from connector.core.specs import Const, PipelineSpec, Rule
from connector.core.transform import Pipeline

MAX_BYTES = 4 * 1024 * 1024

_Section = TypeVar("_Section", bound=BaseModel)
_PROPERTIES: TypeAdapter[dict[str, Any]] = TypeAdapter(Annotated[dict[str, Property], Blank])


@dataclass(frozen=True)
class Loaded:
    """A valid file. ``mappings`` are its pipelines compiled, in their order.

    ``hash`` is twelve hex digits of the effective file with its secrets masked: equal files are equal, and it
    says nothing about a password.
    """

    config: Config
    mappings: tuple[CompiledPipeline, ...]
    hash: str

    @property
    def pipelines(self) -> list[tuple[PipelineSpec, Pipeline]]:
        """Each pipeline as the file says it and as records go through it."""
        tracking_id = self.config.personalize.tracking_id
        pairs = zip(self.config.pipelines, self.mappings, strict=True)
        return [(spec, Pipeline(spec, mapping, tracking_id)) for spec, mapping in pairs]

    @property
    def tracking_ids(self) -> frozenset[str]:
        """Those that the file names; any other comes out of a record, and is data."""
        rules = [rule.put_events for pipeline in self.config.pipelines for rule in pipeline.rules]
        constants = [each.trackingId.const for each in rules if each is not None and isinstance(each.trackingId, Const)]
        return frozenset(map(str, constants)) | frozenset(filter(None, [self.config.personalize.tracking_id]))


def load(path: str | FilePath, env: Mapping[str, str]) -> Loaded | list[Problem]:
    """Read a file; one that cannot be read is a problem, too. ``env`` is what ``{env: NAME}`` may name."""
    name = str(path)
    try:
        with FilePath(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        return [Problem("unreadable-file", f"expected a readable file: {why}", name, 1, 1)]
    if len(raw) > MAX_BYTES:
        return [Problem("too-large", "expected a file of at most 4 MiB", name, 1, 1)]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").splitlines() or [""]
        message = "expected UTF-8 text"
        return [Problem("not-utf8", message, name, len(before), len(before[-1]) + 1)]
    return load_text(text, name, env)


def load_text(text: str, name: str, env: Mapping[str, str]) -> Loaded | list[Problem]:
    """The same for a text; ``name`` is what problems call the file. Never raises for any text."""
    tree = parse(text)
    located = Located(name, text, tree)
    problems = [located.fault(fault) for fault in tree.faults]
    if not tree.places:
        return problems
    context = {"env": env}
    data = tree.data
    try:
        config = Config.model_validate(data, context=context, by_name=False)
    except ValidationError as error:
        config = None
        # Nothing more is to be said about a value that YAML could not make sense of.
        faulty = {fault.path for fault in tree.faults if fault.code != "duplicate-key"}
        problems += problems_of(error, Config, located, faulty)
    pipelines = _pipelines(data)
    mappings: list[CompiledPipeline] = []
    for partial in pipelines:
        compiled = _compile(partial.spec)
        if isinstance(compiled, list):
            problems += [_spec_problem(partial, error, located) for error in compiled]
        else:
            mappings.append(compiled)
    problems += _across(data, context, {each.number: each.spec for each in pipelines}, located)
    if problems or config is None:
        return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))
    digest = hashlib.sha256(print_config(config).encode()).hexdigest()
    return Loaded(config, tuple(mappings), digest[:12])


def _compile(pipeline: PipelineSpec) -> CompiledPipeline | list[SpecError]:
    """Topics are judged in ``checks``, where they can point into the expression and never raise."""
    return compile_pipeline(pipeline.model_copy(update={"topics": []}))


class _Partial(NamedTuple):
    """A pipeline without its invalid rules; ``rules`` has the place in the file of those that are left."""

    number: int
    spec: PipelineSpec
    rules: list[int]


def _pipelines(data: Any) -> list[_Partial]:
    """So that a slip in one rule does not hide what is wrong with the expressions of all the others."""
    items = at(data, ("pipelines",))
    found = (_partial(index, item) for index, item in enumerate(items if isinstance(items, list) else ()))
    return [partial for partial in found if partial is not None]


# Stands in where no rule is valid, so that the topics are looked at all the same.
_NO_RULE = {"name": "-", "skip": "-"}


def _partial(index: int, item: Any) -> _Partial | None:
    rules = at(item, ("rules",))
    if not isinstance(rules, list):
        return None
    valid = [number for number, rule in enumerate(rules) if _valid(Rule, rule, {}) is not None]
    left = [rules[number] for number in valid] or [_NO_RULE]
    spec = _valid(PipelineSpec, {**item, "rules": left}, {})
    return None if spec is None else _Partial(index, spec, valid)


def _spec_problem(partial: _Partial, error: SpecError, located: Located) -> Problem:
    inside = error.path
    if len(inside) > 1 and inside[0] == "rules" and isinstance(inside[1], int):
        inside = ("rules", partial.rules[inside[1]], *inside[2:])
    path: Path = ("pipelines", partial.number, *inside)
    code = error.code.replace("_", "-")
    if error.position is None:
        return located.at_value(path, code, error.message, error.hint)
    return located.in_scalar(path, error.position, code, error.message, error.hint)


def _valid(model: type[_Section], data: Any, context: dict[str, Any]) -> _Section | None:
    try:
        return model.model_validate({} if data is None else data, context=context, by_name=False)
    except ValidationError:
        return None


def _across(
    data: Any, context: dict[str, Any], pipelines: dict[int, PipelineSpec], located: Located
) -> Iterator[Problem]:
    """Every check over more than one setting, on the sections that are valid by themselves."""
    if not isinstance(data, dict):
        return
    kafka = _valid(KafkaConfig, data.get("kafka"), context)
    dead_letter = _valid(DeadLetterConfig, data.get("dead_letter"), context)
    personalize = _valid(PersonalizeConfig, data.get("personalize"), context)
    yield from checks.check_names(pipelines, located)
    yield from checks.check_topics(pipelines, dead_letter, located)
    yield from checks.check_tracking_id(pipelines, personalize, located)
    yield from checks.check_kafka(kafka, located) if kafka else ()
    yield from checks.check_tests(data, located)
    raw = at(data, ("kafka", "librdkafka"))
    if isinstance(raw, dict):
        yield from checks.check_librdkafka(raw, _properties(raw, context), located)


def _properties(raw: Any, context: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return _PROPERTIES.validate_python(raw, context=context)
    except ValidationError:
        return None
