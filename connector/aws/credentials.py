"""Who we are to AWS, for every call there: boto3's own chain finds it, and nothing of it is kept here.

personalize.py signs events with it, and msk.py tokens for Kafka. So both find the same region and the same credentials,
wait as long for whoever hands them out, and miss them with the same words.
"""

import os
from typing import NamedTuple

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session, get_session

from connector import __version__

CONNECT_TIMEOUT = 2.0  # seconds


class Role(NamedTuple):
    """A role to assume with the credentials that the chain finds."""

    arn: str
    external_id: str | None
    session_name: str


class Account(NamedTuple):
    """Which AWS to talk to. What is None is for boto3's own chain to find: environment, profile, instance."""

    region: str | None = None
    endpoint_url: str | None = None
    role: Role | None = None


class NotConfigured(Exception):
    """No client can be made of what there is; the message says what is missing."""


def client_config(timeout: float) -> Config:
    """How botocore's own clients behave: they wait for so many seconds, try once, and say who we are."""
    return Config(
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=timeout,
        user_agent_extra=f"putevents-connector/{__version__}",
    )


def new_session(region: str | None, config: Config) -> Session:
    """A session that knows its region, where anything names one."""
    session = get_session()
    # Every other AWS SDK reads AWS_REGION, and EKS sets it; botocore by itself looks at AWS_DEFAULT_REGION only.
    region = region or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    # For the clients that fetch credentials, too: all calls wait while one of those is asked, and botocore's own
    # defaults would let an unreachable one take minutes.
    session.set_default_client_config(config)
    return session


def _without_page(message: str) -> str:
    """Botocore quotes what a container's agent answered, which may be anything."""
    before, mark, _ = message.partition("from container metadata: ")
    return f"{before}{mark.removesuffix(': ')}"


def find_credentials(session: Session, role: Role | None) -> Credentials:
    """What boto3's chain finds, or the role that is assumed with it, which is fetched when it is first used.

    Raises:
        NotConfigured: there are none, or half of a pair, or of a profile that is not there.
    """
    try:
        found = session.get_credentials()
    except (BotoCoreError, ValueError) as error:  # no such profile, half of a pair of keys, an agent at a strange host
        raise NotConfigured(f"no AWS credentials: {_without_page(str(error))}") from error
    except OSError as error:  # a file with a token that is not there
        raise NotConfigured(f"no AWS credentials: {error.strerror} ({error.filename})") from error
    except Exception as error:
        # botocore believes whoever answers 200: a container's agent, or what answers in its place.
        raise NotConfigured(
            f"no AWS credentials: a container's agent or another service answers, but not with credentials "
            f"({type(error).__name__}); check AWS_CONTAINER_CREDENTIALS_FULL_URI, "
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and the profile"
        ) from error
    if found is None:
        raise NotConfigured(
            "no AWS credentials: expected them in the environment (AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY), a profile, a web identity token (IRSA), Pod Identity, or instance metadata"
        )
    if role is None:
        return found
    arguments = {"RoleSessionName": role.session_name}
    if role.external_id is not None:
        arguments["ExternalId"] = role.external_id
    fetcher = AssumeRoleCredentialFetcher(session.create_client, found, role.arn, extra_args=arguments)
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
