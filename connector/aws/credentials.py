"""Region and credentials for every call to AWS, found by boto3's own chain. Nothing is cached here.

calls.py signs calls with them, and kafka/msk_tokens.py signs tokens for Amazon MSK. Both find the same region and
credentials, wait equally long for them, and report missing ones in the same words.
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
    """Which AWS to call. boto3's own chain finds what is None: in the environment, a profile, or the instance."""

    region: str | None = None
    endpoint_url: str | None = None
    role: Role | None = None


class NotConfigured(Exception):
    """A client cannot be made; the message says what is missing."""


def client_config(timeout: float) -> Config:
    """Settings for botocore's own clients: a read timeout in seconds, one attempt, and our name as the user agent."""
    return Config(
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=timeout,
        user_agent_extra=f"putevents-connector/{__version__}",
    )


def new_session(region: str | None, config: Config) -> Session:
    """A session; its region is the given one, or that of AWS_REGION."""
    session = get_session()
    # Every other AWS SDK reads AWS_REGION, and EKS sets it. botocore alone reads only AWS_DEFAULT_REGION.
    region = region or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    # This holds for the clients that fetch credentials, too. All calls wait for credentials, and with botocore's
    # defaults an unreachable service would block them for minutes.
    session.set_default_client_config(config)
    return session


def _without_page(message: str) -> str:
    """Without the response of a container's agent, which botocore quotes: it may hold anything."""
    before, mark, _ = message.partition("from container metadata: ")
    return f"{before}{mark.removesuffix(': ')}"


def find_credentials(session: Session, role: Role | None) -> Credentials:
    """The credentials that boto3's chain finds, or those of the role, which are fetched at first use.

    Raises:
        NotConfigured: there are none, only half of a pair is set, or the profile does not exist.
    """
    try:
        found = session.get_credentials()
    except (
        BotoCoreError,
        ValueError,
    ) as error:  # no such profile, half of a pair of keys, a forbidden host of an agent
        raise NotConfigured(f"no AWS credentials: {_without_page(str(error))}") from error
    except OSError as error:  # the file of a token does not exist
        raise NotConfigured(f"no AWS credentials: {error.strerror} ({error.filename})") from error
    except Exception as error:
        # botocore accepts any 200 response, also from a program that responds in the place of a container's agent.
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


def session_of(account: Account, config: Config) -> Session:
    """A session of the account, whose clients have the credentials of its role.

    Raises:
        NotConfigured: see ``find_credentials``.
    """
    session = new_session(account.region, config)
    session._credentials = find_credentials(session, account.role)  # type: ignore[attr-defined]  # noqa: SLF001  no other way for those that renew
    return session
