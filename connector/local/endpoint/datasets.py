"""DescribeDataset, the one operation of the service beside this one that the connector calls: ``putevents check`` does.

It is of the AWS JSON protocol: every call goes to ``/``, and a header names the operation. What an ARN ends with is
what a dataset holds, since AWS makes ARNs so.
"""

from typing import Final

import orjson

from connector.local.endpoint.errors import ServiceError
from connector.local.endpoint.exchange import Reply, Request
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.signatures import check_signature

DESCRIBE: Final = b"AmazonPersonalize.DescribeDataset"
TYPES: Final = {"INTERACTIONS": "Interactions", "USERS": "Users", "ITEMS": "Items", "ACTIONS": "Actions"}


def described(request: Request, faults: Faults, now: float) -> Reply:
    """The reply to a call of DescribeDataset."""
    try:
        check_signature(request, now, faults.credentials)
        return Reply(200, orjson.dumps({"dataset": _dataset(request.body, faults)}))
    except ServiceError as error:
        content = orjson.dumps({"__type": error.code, "message": error.message})
        return Reply(error.status, content, error.code)


def _dataset(body: bytes, faults: Faults) -> dict[str, str]:
    if faults.denied:
        raise ServiceError("AccessDeniedException", "not authorized to perform: personalize:DescribeDataset")
    try:
        arn = orjson.loads(body)["datasetArn"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ServiceError("InvalidInputException", "expected a datasetArn") from error
    kind = TYPES.get(str(arn).rpartition("/")[2])
    if kind is None or (faults.dataset_arns is not None and arn not in faults.dataset_arns):
        raise ServiceError("ResourceNotFoundException", "the dataset does not exist")
    return {"datasetArn": arn, "datasetType": kind, "status": "ACTIVE"}
