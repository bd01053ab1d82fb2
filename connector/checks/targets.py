"""Where the calls of a file go: the operations that its rules use, and the tracking ids and datasets that it names."""

from collections.abc import Iterator

from connector.assembly import operations_of
from connector.config import Loaded
from connector.core.mapping.specs import Const
from connector.core.operations import Operation


def targets_of(loaded: Loaded) -> list[tuple[Operation, str]]:
    """Each operation with each target that the file names; one that comes out of a record is data."""
    return [
        (operation, target)
        for operation in operations_of(loaded.config.pipelines)
        for target in sorted(set(_named(loaded, operation)))
    ]


def _named(loaded: Loaded, operation: Operation) -> Iterator[str]:
    config = loaded.config
    rules = [rule for pipeline in config.pipelines for rule in pipeline.rules if rule.operation is operation]
    mapped = [getattr(rule.put, operation.target) for rule in rules]
    yield from (str(each.const) for each in mapped if isinstance(each, Const))
    default = getattr(config.personalize, operation.setting)
    if default is not None and None in mapped:
        yield str(default)
