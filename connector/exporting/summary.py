"""What the user is told of a finished export: rows, what was left out and why, limits, and the next commands."""

import shlex
from collections.abc import Iterator
from typing import Any

from connector.config.quota import TOGETHER
from connector.exporting.columns import Seen
from connector.exporting.datasets import INTERACTIONS
from connector.exporting.export import Done
from connector.looking.masking import is_name

LEAST = 1_000  # interactions that a training needs
FULL = 100_000_000_000  # bytes that a full import job takes at most

# Why an entry is no row.
_NO_ROW = {
    "no_item": "events without an {noun}: an import needs one",
    "no_user": "events of sessions in which nobody logged in afterwards",
    "repeat": "events whose eventId came before: the first one counts",
    "superseded": "older versions: the newest of each id counts",
    "other_target": "entries for another tracking id or dataset: --target exports those",
}
_CHANGED = {"impression": "impressions that hold an item id with a |, which would be two: left empty"}
_NO_COLUMN = {
    "name": "values of properties whose name is no name of a column",
    "same_column": "values of properties whose column another property or the service has",
    "too_many": "values of properties beyond 100 columns",
}


def summary_text(done: Done, config: str, bucket: str, types: frozenset[str]) -> str:
    """For people. ``types`` are event types that the file names: no other is shown."""
    parts = [_head(done), _counted(done), _columns(done), *(_types(done, types) if done.types else [])]
    parts += [_quota(done)] if done.dataset is INTERACTIONS else []
    warnings = list(warnings_of(done))
    if warnings:
        parts.append("\n".join(["to look at", *(f"  {each}" for each in warnings)]))
    return "\n\n".join([*parts, _next(done, config, bucket)]) + "\n"


def _head(done: Done) -> str:
    files = f"{len(done.files):,} file{'' if len(done.files) == 1 else 's'}"
    return f"{done.rows:,} rows of the {done.dataset.name} dataset in {files}, {size(done.bytes)}, in {done.folder}"


def size(number: int) -> str:
    """Bytes for people."""
    amount, units = float(number), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.0f} bytes" if units[0] == "bytes" else f"{amount:,.1f} {units[0]}"


def _counted(done: Done) -> str:
    fates = done.fates
    rows = [(done.records, "records read"), (fates.mapped, "mapped"), (fates.filtered, "taken by no rule")]
    rows += [(count, f"skipped: {reason}{_of(rule)}") for (reason, rule), count in fates.skipped.most_common()]
    rows += [
        (count, f"invalid: {reason}{_of(rule)}{f', {member}' if member else ''}")
        for (reason, rule, member), count in fates.rejected.most_common()
    ]
    rows += [(done.missed, "offsets that retention deleted before they were read")]
    rows += [(count, f"left out: {_why(done, reason)}") for reason, count in done.left_out.most_common()]
    rows += [(count, f"of other datasets: {action}") for action, count in done.others.most_common()]
    rows += [(count, _NO_COLUMN[reason]) for reason, count in done.no_columns.most_common()]
    return "\n".join(f"{count:>14,}  {words}" for count, words in rows if count or words == "records read")


def _why(done: Done, reason: str) -> str:
    return (_NO_ROW | _CHANGED)[reason].format(noun=done.dataset.noun)


def _of(rule: str) -> str:
    return f", rule {rule}" if rule else ""


def _columns(done: Done) -> str:
    shown = [each for each in done.columns if each.reserved or is_name(each.name)]
    hidden = len(done.columns) - len(shown)
    width = max(len(each.name) for each in shown)
    lines = [f"  {each.name:<{width}}  {_kind(each)}" for each in shown]
    lines += [f"  {hidden} that look like data"] if hidden else []
    return "\n".join(["columns", *lines])


def _kind(column: Seen) -> str:
    return f"{column.type}{', may be empty' if column.nullable else ''}{', categorical' if column.categorical else ''}"


def _types(done: Done, named: frozenset[str]) -> list[str]:
    shown = [(name, count) for name, count in done.types.most_common() if name in named]
    hidden = [count for name, count in done.types.items() if name not in named]
    rows = shown + ([(f"({len(hidden)} not named in the file)", sum(hidden))] if hidden else [])
    return ["\n".join(["event types", *(f"{count:>14,}  {name}" for name, count in rows)])]


def warnings_of(done: Done) -> Iterator[str]:
    """What the service would refuse, or make nothing of."""
    own = [each for each in done.columns if not each.reserved]
    yield from _of_interactions(done, own) if done.dataset is INTERACTIONS else ()
    if not own and not done.dataset.adds_up:
        yield "no column beside the id: the schema of this dataset needs at least one"
    if len(own) > done.dataset.most_own:
        yield f"{len(own)} columns of properties: the dataset takes at most {done.dataset.most_own}"
    yield from (said for each in own for said in _of_column(each))
    yield from _of_reading(done)


def _of_reading(done: Done) -> Iterator[str]:
    if done.bytes > FULL:
        yield f"more than {size(FULL)}, which one import job takes at most: import files one by one, the first as FULL"
    if done.others:
        yield (
            "the same topics make entries of other datasets: export those with --until "
            f"{done.folder / 'cutover.json'}, before offsets are set"
        )
    if not done.from_start:
        yield "records before the START of -o are in no file, and `run` does not read them either"
    if done.missed:
        yield "retention deletes faster than the export reads: records are missing"


def _quota(done: Done) -> str:
    """The quota of event types and columns together, and how much of it is used."""
    types, own = len(done.types), sum(not each.reserved for each in done.columns)
    parts = [f"{types} event type{'' if types == 1 else 's'}", *_counting(done)]
    parts += [f"{own} column{'' if own == 1 else 's'} of properties"]
    return (
        f"{', '.join(parts[:-1])} and {parts[-1]}: {types + len(parts) - 2 + own} of {TOGETHER}; "
        f"{own} of {done.dataset.most_own} columns of your own"
    )


def _counting(done: Done) -> list[str]:
    """The service's own columns that count against the quota."""
    return [each.name for each in done.columns if each.name in {"EVENT_TYPE", "EVENT_VALUE"}]


def _of_interactions(done: Done, own: list[Seen]) -> Iterator[str]:
    if done.rows < LEAST:
        yield f"{done.rows:,} interactions: a training needs at least {LEAST:,}"
    together = len(done.types) + len(_counting(done)) + len(own)
    if together > TOGETHER:
        yield f"{together} event types and columns together: a training fails beyond {TOGETHER}"


def _of_column(column: Seen) -> Iterator[str]:
    name = column.name if is_name(column.name) else "a column"
    if column.type == "string" and len(column.kinds) > 1:
        yield f"{name}: text because its values are {' and '.join(column.kinds)}: give the property an `as`"
    elif column.type == "string" and not column.categorical:
        yield f"{name}: many different texts: training uses it only if schema.json makes it categorical or textual"
    if column.type == "boolean":
        yield f"{name}: training does not use true and false: map them to 1 and 0, or to texts"


def _next(done: Done, config: str, bucket: str) -> str:
    folder, kind = shlex.quote(str(done.folder)), done.dataset.job
    copy = f"  aws s3 cp {folder} {bucket or 's3://BUCKET/PREFIX/'} --recursive --exclude '*' --include '*.csv'\n"
    return (
        "next\n"
        f"{'' if bucket else copy}"
        f"  aws personalize create-schema --name NAME --schema file://{folder}/schema.json\n"
        f"  aws personalize create-dataset --name NAME --dataset-type {kind} --dataset-group-arn ARN --schema-arn ARN\n"
        "  aws personalize create-dataset-import-job --job-name NAME --dataset-arn ARN --role-arn ARN \\\n"
        f"      --data-source dataLocation={bucket or 's3://BUCKET/PREFIX/'}\n"
        f"  putevents offsets set {shlex.quote(config)} {folder}/cutover.json\n"
        f"  putevents run {shlex.quote(config)}"
    )


def summary_json(done: Done) -> dict[str, Any]:
    """For programs."""
    fates = done.fates
    return {
        "dataset": done.dataset.name,
        "files": [str(path) for path in done.files],
        "rows": done.rows,
        "bytes": done.bytes,
        "records": done.records,
        "mapped": fates.mapped,
        "filtered": fates.filtered,
        "skipped": [
            {"reason": reason, "rule": rule or None, "records": n} for (reason, rule), n in fates.skipped.items()
        ],
        "invalid": [
            {"reason": reason, "rule": rule or None, "member": member or None, "records": n}
            for (reason, rule, member), n in fates.rejected.items()
        ],
        "missed": done.missed,
        "left_out": {name: count for name, count in done.left_out.items() if name in _NO_ROW},
        "emptied": {name: count for name, count in done.left_out.items() if name in _CHANGED},
        "other_datasets": dict(done.others),
        "values_without_column": dict(done.no_columns),
        "event_types": len(done.types),
        "columns": len(done.columns),
        "warnings": list(warnings_of(done)),
    }
