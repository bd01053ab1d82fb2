"""The files of an export to Amazon S3, in parts and several at once, as boto3 does it.

Only the rows go into the folder that an import job is given: everything in there is taken for rows.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from connector.aws.credentials import CONNECT_TIMEOUT, NotConfigured
from connector.ports import Refused, Unavailable

READ_TIMEOUT = 60.0  # seconds for one answer
_DENIED = frozenset(
    {"403", "AccessDenied", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)
_ABSENT = frozenset({"404", "NoSuchBucket"})


class Place(NamedTuple):
    """``s3://bucket/prefix/``."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def place_of(url: str) -> Place | None:
    """What ``s3://bucket/prefix`` names, None where there is no bucket; a prefix is a folder."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    return Place(bucket, f"{prefix}/" if prefix else "") if bucket else None


class Uploader:
    """Puts files into a folder of a bucket.

    Args:
        place: the folder.
        region: of the file, None where the environment has it.

    Raises:
        NotConfigured: there is no region, or the profile does not exist.
    """

    def __init__(self, place: Place, region: str | None) -> None:
        self.place = place
        # Unlike calls that carry events, an upload has no retries of its own.
        settings = Config(
            retries={"mode": "standard", "total_max_attempts": 5},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
        )
        try:
            self._client: Any = Session(region_name=region or os.environ.get("AWS_REGION")).client(
                "s3", config=settings
            )
        except (BotoCoreError, ValueError) as error:
            raise NotConfigured(f"no client for Amazon S3: {error}") from None

    def require_empty(self, *, but_for: str = "") -> None:
        """Make sure that the folder holds nothing: an import would take it for rows.

        Args:
            but_for: how the names of files begin that an unfinished export of this folder may have uploaded.

        Raises:
            Refused: AWS does not let this principal list the bucket, or the folder is not empty.
            Unavailable: AWS does not answer, or there is no such bucket.
        """
        found = self._asked(
            lambda: self._client.list_objects_v2(Bucket=self.place.bucket, Prefix=self.place.prefix, Delimiter="/")
        )
        own = f"{self.place.prefix}{but_for}-"
        if any(not (but_for and each["Key"].startswith(own)) for each in found.get("Contents", ())):
            advice = "an import takes all files of a folder for rows: name another folder in --to"
            raise Refused("NotEmpty", f"{self.place} holds files already", advice)

    def __call__(self, files: list[Path], show: Callable[[int], None] = lambda _: None) -> None:
        """Upload them, one after the other; ``show`` is given the bytes that have gone.

        Raises:
            Refused, Unavailable: as ``require_empty``.
        """
        for path in files:
            key = f"{self.place.prefix}{path.name}"
            self._asked(
                lambda path=path, key=key: self._client.upload_file(  # type: ignore[misc]
                    str(path), self.place.bucket, key, Callback=show
                )
            )

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except NoCredentialsError:
            raise NotConfigured(
                "no AWS credentials for Amazon S3: expected them where `putevents run` has them"
            ) from None
        except NoRegionError:
            raise NotConfigured("no AWS region: set personalize.region or AWS_REGION") from None
        except (ClientError, Boto3Error) as error:
            raise self._failure(error) from None
        except BotoCoreError as error:
            raise Unavailable(f"{self.place}: Amazon S3 does not answer ({type(error).__name__}): try again") from None

    def _failure(self, error: Exception) -> Exception:
        cause: Any = error if isinstance(error, ClientError) else error.__context__
        code = str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""
        name = code or type(error).__name__
        if name in _DENIED:
            return Refused(name, f"AWS refuses {self.place}", "allow s3:ListBucket and s3:PutObject there")
        if name in _ABSENT:
            return Unavailable(f"{self.place}: there is no such bucket: create it, or correct --to")
        return Unavailable(f"{self.place}: Amazon S3 did not take a file ({name}): the same command goes on")
