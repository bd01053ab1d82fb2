"""Asks Amazon Personalize what a dataset is: another service than the one that takes entries, with other rights.

An empty call cannot tell whether a dataset exists: AWS does not say what it looks at first, the list or the dataset.
"""

import os
from typing import Any, Final, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from connector.aws.credentials import (
    CONNECT_TIMEOUT,
    Account,
    NotConfigured,
    client_config,
    session_of,
)
from connector.aws.failures import code_of

SERVICE: Final = "personalize"
OWN: Final = ("AWS_ENDPOINT_URL_PERSONALIZE", "AWS_ENDPOINT_URL")  # where boto3 itself looks for another endpoint


class Dataset(NamedTuple):
    """A dataset that exists: its type and status in the service's words, such as ``Items`` and ``ACTIVE``."""

    type: str
    status: str


class Unknown(NamedTuple):
    """It was not told: the code of the answer, or the kind of failure."""

    code: str


def describe_dataset(account: Account, arn: str) -> Dataset | Unknown:
    """What the service says of a dataset. Never raises for anything that a network or a service can do.

    Args:
        account: where and as whom. Where it has another endpoint for entries, that is asked for datasets, too, unless
            the environment names one.
        arn: of the dataset.
    """
    config = client_config(CONNECT_TIMEOUT)
    other = None if any(os.environ.get(name) for name in OWN) else account.endpoint_url
    try:
        session = session_of(account, config)
        client: Any = boto3.Session(botocore_session=session).client(SERVICE, endpoint_url=other, config=config)
        found = client.describe_dataset(datasetArn=arn).get("dataset") or {}
    except ClientError as error:
        return Unknown(code_of(error) or "no answer of AWS")
    except (BotoCoreError, NotConfigured, ValueError) as error:
        return Unknown(type(error).__name__)
    if not found.get("datasetType"):
        return Unknown("no answer of AWS")
    return Dataset(str(found.get("datasetType", "")), str(found.get("status", "")))
