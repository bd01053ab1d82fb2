"""Loads a file: a valid configuration, or all of its problems.

YAML that cannot be parsed is the only problem reported. Otherwise all are collected, in the order of the file: those of
the models, of the compiler in pipelines that the models accept, and of the checks across sections.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from connector.config import checks
from connector.config.corrections import Checked, corrected
from connector.config.example_checks import check_tests, listed
from connector.config.formats import check_formats
from connector.config.located import Located
from connector.config.models import Config, PersonalizeConfig
from connector.config.partial import Partial, usable, whole
from connector.config.paths import at
from connector.config.printing import print_config
from connector.config.problems import Problem
from connector.config.quota import check_quota
from connector.config.registry_checks import check_registry
from connector.config.schema_files import compile_formats
from connector.config.strangers import stranger
from connector.config.unexpanded import check_unexpanded, explained
from connector.config.wording import Mistake, located_problem, problems_of
from connector.config.yaml_tree import Path, Tree, parse
from connector.core.formats.decoded import Schemas
from connector.core.mapping.doubts import doubts
from connector.core.mapping.reading import Formats
from connector.core.mapping.rules import CompiledRules, SpecError, compile_pipeline
from connector.core.mapping.specs import Const, PipelineSpec
from connector.core.mapping.transform import Datasets, Pipeline
from connector.core.operations import OPERATIONS

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Loaded:
    """A valid file. ``mappings`` are its pipelines compiled, and ``formats`` their schema files, in their order.

    ``hash`` is twelve hex digits of the effective file with its secrets masked: equal files are equal, and it
    reveals nothing about a password. ``warnings`` include notes: valid settings that are probably a mistake.
    """

    config: Config
    mappings: tuple[CompiledRules, ...]
    formats: tuple[Formats, ...]
    hash: str
    warnings: tuple[Problem, ...] = ()

    def pipelines(self, schemas: Schemas | None = None) -> list[tuple[PipelineSpec, Pipeline]]:
        """Each pipeline as the file says it and as records go through it.

        ``schemas`` is the registry of the file, which whoever runs the pipelines has started.
        """
        triples = zip(self.config.pipelines, self.mappings, self.formats, strict=True)
        return [
            (spec, self.pipeline(spec, mapping, formats._replace(schemas=schemas)))
            for spec, mapping, formats in triples
        ]

    def pipeline(self, spec: PipelineSpec, mapping: CompiledRules, formats: Formats) -> Pipeline:
        """A pipeline whose entries go where the file says, unless its rules say otherwise."""
        personalize = self.config.personalize
        return Pipeline(spec, mapping, personalize.tracking_id, formats, datasets_of(personalize))

    @property
    def tracking_ids(self) -> frozenset[str]:
        """Those that the file names; any other comes out of a record, and is data."""
        return self._named("trackingId") | frozenset(filter(None, [self.config.personalize.tracking_id]))

    @property
    def default_targets(self) -> frozenset[str]:
        """Where entries go whose rule does not say it."""
        personalize = self.config.personalize
        return frozenset([*filter(None, [personalize.tracking_id]), *datasets_of(personalize).values()])

    @property
    def targets(self) -> frozenset[str]:
        """The tracking ids, and the ARNs of datasets, that the file names."""
        return self.tracking_ids | self._named("datasetArn") | self.default_targets

    def _named(self, member: str) -> frozenset[str]:
        puts = [rule.put for pipeline in self.config.pipelines for rule in pipeline.rules]
        given = [getattr(put, member, None) for put in puts]
        return frozenset(str(each.const) for each in given if isinstance(each, Const))


def datasets_of(personalize: PersonalizeConfig) -> Datasets:
    """The ARN of each dataset that the file names, by the operation that fills it."""
    named = {each: getattr(personalize, each.setting) for each in OPERATIONS if each.identity is not None}
    return {operation: arn for operation, arn in named.items() if arn is not None}


def load(path: str | FilePath, env: Mapping[str, str]) -> Loaded | list[Problem]:
    """Read a file; one that cannot be read is a problem, too. ``env`` is what ``{env: NAME}`` may name."""
    text = read_text(path)
    return [text] if isinstance(text, Problem) else load_text(text, str(path), env)


def read_text(path: str | FilePath) -> str | Problem:
    """The text of a file, or why there is none."""
    name = str(path)
    try:
        with FilePath(path).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "not a path").lower()
        return Problem("unreadable-file", f"expected a readable file: {why}", name, 1, 1)
    if len(raw) > MAX_BYTES:
        return Problem("too-large", "expected a file of at most 4 MiB", name, 1, 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace").splitlines() or [""]
        wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        message = "expected UTF-8 text, not UTF-16" if wide else "expected UTF-8 text"
        hint = "save the file as UTF-8"
        return Problem("not-utf8", message, name, len(before), len(before[-1]) + 1, hint=hint)


def load_text(text: str, name: str, env: Mapping[str, str]) -> Loaded | list[Problem]:
    """The same for a text; ``name`` is what problems call the file. Never raises for any text."""
    parsed = parse(text)
    strange = stranger(text, parsed.data, name)
    if strange is not None:
        return [strange]
    if not parsed.places:
        located = Located(name, text, parsed)
        return [located.fault(fault) for fault in parsed.faults]
    tree, slips, checked = corrected(parsed, _checker(env))
    located = Located(name, text, tree, before=parsed)
    problems = [*_of_the_form(tree, slips, checked, located)]
    mappings: list[CompiledRules] = []
    formats: list[Formats] = []
    kept = checked.kept.get("pipelines")
    pipelines = usable(tree.data, located.is_bare) if kept is None else whole(kept)
    for partial in pipelines:
        compiled = compile_pipeline(partial.spec)
        if isinstance(compiled, list):
            problems += [_spec_problem(partial, error, located) for error in compiled]
        else:
            mappings.append(compiled)
            problems += [
                _spec_problem(partial, doubt, located)._replace(severity="warning") for doubt in doubts(partial.spec)
            ]
        readers, faults = compile_formats(partial.number, partial.spec, located)
        formats.append(readers)
        problems += faults
    problems += _across(tree.data, checked.kept, {each.number: each.spec for each in pipelines}, located)
    problems = sorted(dict.fromkeys(explained(problems)), key=lambda problem: (problem.line, problem.column))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or checked.config is None:
        return errors
    digest = hashlib.sha256(print_config(checked.config).encode()).hexdigest()
    return Loaded(checked.config, tuple(mappings), tuple(formats), digest[:12], tuple(problems))


def _checker(env: Mapping[str, str]) -> Callable[[Any], Checked]:
    """Validates data, once for each correction. A ``{file: …}`` is read once, however often that is."""
    files: dict[str, str] = {}

    def check(data: Any) -> Checked:
        kept: dict[str, Any] = {}
        context = {"env": env, "files": files, "kept": kept}
        try:
            return Checked(Config.model_validate(data, context=context, by_name=False), None, kept)
        except ValidationError as error:
            return Checked(None, error, kept)

    return check


def _of_the_form(tree: Tree, slips: list[Mistake], checked: Checked, located: Located) -> Iterator[Problem]:
    """What YAML and the models refuse."""
    yield from (located.fault(fault) for fault in tree.faults)
    yield from (located_problem(slip, located) for slip in slips)
    if checked.error is not None:
        # Nothing more is to be said about a value that YAML could not make sense of.
        faulty = {fault.path for fault in tree.faults if fault.code != "duplicate-key"}
        yield from problems_of(checked.error, Config, located, faulty)


def _spec_problem(partial: Partial, error: SpecError, located: Located) -> Problem:
    inside = error.path
    if len(inside) > 1 and inside[0] == "rules" and isinstance(inside[1], int):
        inside = ("rules", partial.rules[inside[1]], *inside[2:])
    path: Path = ("pipelines", partial.number, *inside)
    code = error.code.replace("_", "-")
    if error.position is None:
        return located.at_value(path, code, error.message, error.hint)
    return located.in_scalar(path, error.position, code, error.message, error.hint)


def _across(
    data: Any, kept: Mapping[str, Any], pipelines: dict[int, PipelineSpec], located: Located
) -> Iterator[Problem]:
    """Every check over more than one setting, on the sections that are valid by themselves."""
    if not isinstance(data, dict):
        return
    kafka, dead_letter = kept.get("kafka"), kept.get("dead_letter")
    personalize = kept.get("personalize") if "personalize" in data else PersonalizeConfig()
    yield from checks.check_names(pipelines, located)
    yield from checks.check_late(pipelines, located)
    yield from checks.check_topics(pipelines, dead_letter, located)
    yield from checks.check_tracking_id(pipelines, personalize, located)
    yield from checks.check_datasets(pipelines, personalize, located)
    yield from check_quota(pipelines, personalize, located)
    yield from check_formats(pipelines, located, registry=data.get("schema_registry") is not None)
    yield from checks.check_kafka(kafka, located) if kafka else ()
    yield from checks.check_regions(personalize, kafka, located)
    registry = kept.get("schema_registry")
    yield from check_registry(registry, located) if registry else ()
    yield from checks.check_left_empty(data, located)
    yield from check_unexpanded(data, located)
    yield from checks.note_tests(data, located)
    names = [name for each in listed(data.get("pipelines")) if isinstance(name := at(each, ("name",)), str)]
    yield from check_tests(data, names, {each.name: each for each in kept.get("pipelines", ())}, located)
    raw = at(data, ("kafka", "librdkafka"))
    if isinstance(raw, dict):
        yield from checks.check_librdkafka(raw, kept.get("librdkafka"), located)
