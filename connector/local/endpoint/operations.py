"""The five operations of the service: path, envelope and list of each, read from botocore's own model."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, StructureShape

SERVICE = "personalize-events"
# An entry of these replaces the one of the same id: the service keeps the newest of each.
REPLACING: Mapping[str, str] = {"PutUsers": "userId", "PutItems": "itemId", "PutActions": "actionId"}
IDENTIFIED: Mapping[str, str] = {"PutEvents": "eventId", "PutActionInteractions": "eventId", **REPLACING}
IDS = frozenset(["itemId", "eventId", "userId", "sessionId", "actionId"])


class Operation(NamedTuple):
    """One operation.

    Attributes:
        name: as AWS calls it, ``PutUsers``.
        path: what is posted to, ``b"/users"``.
        destination: the member of a call that names where its entries go: ``trackingId`` or ``datasetArn``.
        entries: the member of a call that has the list of one to ten entries.
        entry_id: the member of an entry that tells a repeat.
        replaces: whether an entry replaces an earlier one of the same id.
        ids: the members of an entry that are ids of people, items, actions, sessions or events.
        time: the member of an entry that is its time, None where it has none.
        shape: the input, as the model describes it.
    """

    name: str
    path: bytes
    destination: str
    entries: str
    entry_id: str
    replaces: bool
    ids: tuple[str, ...]
    time: str | None
    shape: StructureShape


def service_model() -> ServiceModel:
    """The service as the installed botocore describes it."""
    return ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)


@cache
def operations() -> Mapping[bytes, Operation]:
    """Path → operation."""
    model = service_model()
    found = [_operation(model, str(name)) for name in model.operation_names]
    return {each.path: each for each in found}


@cache
def operation(name: str) -> Operation:
    """The operation of a name such as ``PutUsers``."""
    return next(each for each in operations().values() if each.name == name)


def _operation(model: ServiceModel, name: str) -> Operation:
    described = model.operation_model(name)
    shape = described.input_shape
    assert shape is not None  # noqa: S101  every operation of this service has an input
    entries = next(member for member, of in shape.members.items() if isinstance(of, ListShape))
    destination = next(member for member in ("trackingId", "datasetArn") if member in shape.members)
    path = str(described.http["requestUri"]).encode()
    members = shape.members[entries].member.members  # type: ignore[attr-defined]  # a list of structures
    ids = tuple(member for member in members if member in IDS)
    time = next((member for member, of in members.items() if of.type_name == "timestamp"), None)
    return Operation(name, path, destination, entries, IDENTIFIED[name], name in REPLACING, ids, time, shape)
