from __future__ import annotations

import datetime as dt
from unittest import mock

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from connector.aws.sigv4 import Keys, Signer

URLS = (
    "https://personalize-events.eu-west-1.amazonaws.com/events",
    "http://127.0.0.1:8123/events",
    "https://vpce-1.personalize-events.eu-west-1.vpce.amazonaws.com:443/pre fix/events",
    "http://[::1]:80/events",
    "https://proxy.example",
)
# What headers can carry; AWS's own keys and tokens are base64.
keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
# Of up to three pieces, no two of which are alike: 251 is prime.
bodies = st.binary(max_size=200) | st.integers(0, 5_000).map(lambda size: (bytes(range(251)) * 20)[:size])
moments = st.integers(946_684_800, 4_102_444_800)


def botocores(url: str, credentials: Keys, body: bytes, now: int) -> dict[str, str]:
    request = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        SigV4Auth(Credentials(*credentials), "personalize", "eu-west-1").add_auth(request)
    return dict(request.headers.items())


def ours(signer: Signer, credentials: Keys, body: bytes, now: float) -> dict[str, str]:
    lines = signer.lines(credentials, body, now).decode()
    assert lines.endswith("\r\n")
    return dict(line.split(": ", 1) for line in lines.removesuffix("\r\n").split("\r\n"))


@given(st.sampled_from(URLS), keys, keys, st.none() | keys, bodies, moments)
def test_every_signature_is_the_one_that_botocore_makes(
    url: str, access: str, secret: str, token: str | None, body: bytes, now: int
) -> None:
    credentials = Keys(access, secret, token)
    signer = Signer(url, "personalize", "eu-west-1")
    assert ours(signer, credentials, body, now) == botocores(url, credentials, body, now)
    assert ours(signer, credentials, b"{}", now + 0.9) == botocores(url, credentials, b"{}", now), "of the same second"
    assert ours(signer, credentials, body, now + 1) == botocores(url, credentials, body, now + 1)


@pytest.mark.parametrize("second", [Keys("b", "other"), Keys("a", "secret", "token")])
def test_the_days_key_is_that_of_the_day_and_of_the_secret(second: Keys) -> None:
    signer = Signer(URLS[0], "personalize", "eu-west-1")
    first = Keys("a", "secret")
    today, tomorrow = 1_795_509_011, 1_795_509_011 + 86_400
    for credentials, now in ((first, today), (second, today), (first, today), (first, tomorrow), (second, tomorrow)):
        assert ours(signer, credentials, b"{}", now) == botocores(URLS[0], credentials, b"{}", now)
