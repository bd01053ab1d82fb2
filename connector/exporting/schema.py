"""The schema of a dataset, in Avro's JSON, as CreateSchema takes it. Its fields are in the order of the columns."""

from collections.abc import Sequence
from typing import Any

from connector.exporting.columns import Seen
from connector.exporting.datasets import Dataset


def schema_of(dataset: Dataset, columns: Sequence[Seen]) -> dict[str, Any]:
    """The schema."""
    return {
        "type": "record",
        "name": dataset.record,
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [_field(each) for each in columns],
        "version": "1.0",
    }


def _field(column: Seen) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": ["null", column.type] if column.nullable else column.type}
    return {**field, "categorical": True} if column.categorical else field
