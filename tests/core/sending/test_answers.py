"""An answer counts only with the marks of AWS's own; any other is an outage that names what answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sending.answers import (
    CERTIFICATE_GRACE,
    ERROR_TYPE,
    REQUEST_IDS,
    SHOWN,
    Certificates,
    accepted,
    not_the_service,
    refused,
)
from connector.core.sending.outcomes import Fatal, Retryable, Status, Throttled, described

AWS = {"x-amzn-requestid": "1"}
PAGE = b"<html>Welcome to the hotel"


@pytest.mark.parametrize("name", REQUEST_IDS)
@pytest.mark.parametrize("content", [b"", b"{}", b"{}\n"])
def test_an_empty_200_with_a_request_id_is_an_acceptance(name: str, content: bytes) -> None:
    assert accepted(200, {name: "1"}, content)


@given(st.integers(100, 599), st.sampled_from([{}, AWS, {"x-amzn-requestid": ""}]), st.binary(max_size=9))
def test_nothing_else_is(status: int, headers: dict[str, str], content: bytes) -> None:
    empty = content.strip() in {b"", b"{}"}
    assert accepted(status, headers, content) == (status == 200 and headers == AWS and empty)


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (AWS, b""),
        (AWS, PAGE),
        ({ERROR_TYPE: "InvalidInputException"}, b""),
        ({}, b'{"__type": "com.amazonaws#ValidationException"}'),
    ],
)
def test_an_error_with_a_mark_of_aws_is_its_own(headers: dict[str, str], content: bytes) -> None:
    assert refused(400, headers, content)
    assert not refused(302, headers, content), "AWS redirects nobody"
    assert not refused(200, headers, content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PAGE,
        b'{"message":"no Route matched"}',
        b'{"code":"ValidationError"}',
        b'"__type"',
        b'{"__type":7}',
        b'["__type"',
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 407, 413, 500])
def test_an_error_without_one_is_not(status: int, content: bytes) -> None:
    assert not refused(status, {"server": "nginx", "x-amzn-trace-id": "Root=1"}, content)


def test_what_answered_is_named_and_never_quoted() -> None:
    headers = {"server": "squid/6.1", "content-type": "text/html", "location": "https://secret.example/?key=k"}
    outcome = not_the_service(200, headers, PAGE, "proxy.example:443")
    assert isinstance(outcome, Retryable)
    assert outcome.status is Status.CONNECTION
    assert described(outcome) == (
        "HTTP 200: this answer of proxy.example:443 is not Amazon Personalize's (server squid/6.1, "
        "content type text/html, no x-amzn-RequestId, 26 bytes): "
        "check personalize.endpoint_url and the proxies on the way"
    )


def test_headers_of_a_stranger_are_cut_and_cannot_break_a_line() -> None:
    outcome = not_the_service(200, {"server": "ü\n" + "x" * 999}, b"", "h:1")
    said = described(outcome) if isinstance(outcome, Retryable) else ""
    assert f"server ??{'x' * (SHOWN - 2)}, content type unknown" in said


@pytest.mark.parametrize(
    ("status", "counted"),
    [(201, Status.CONNECTION), (204, Status.CONNECTION), (302, Status.CONNECTION), (400, Status.CONNECTION),
     (403, Status.CONNECTION), (407, Status.CONNECTION), (413, Status.CONNECTION), (502, Status.SERVER_ERROR)],
)  # fmt: skip
def test_whatever_its_status_it_is_an_outage(status: int, counted: Status) -> None:
    outcome = not_the_service(status, {}, PAGE, "h:1")
    assert isinstance(outcome, Retryable)
    assert (outcome.code, outcome.status) == (f"HTTP {status}", counted)


def test_a_gateway_that_says_slow_down_is_heard() -> None:
    assert not_the_service(429, {}, PAGE, "h:1") == Throttled("HTTP 429")


# -- certificates -----------------------------------------------------------------------------------------------------


def test_a_certificate_that_was_never_trusted_is_configuration() -> None:
    outcome = Certificates().on_untrusted("SSLError", "tls: not trusted", 5.0)
    assert isinstance(outcome, Fatal)
    assert outcome.advice.startswith("tls: not trusted: ")
    assert "AWS_CA_BUNDLE" in outcome.advice


def test_one_that_was_trusted_may_be_again_and_is_waited_for_a_while() -> None:
    certificates = Certificates()
    certificates.on_answer()
    for now in (100.0, 100.0 + CERTIFICATE_GRACE - 0.1):
        outcome = certificates.on_untrusted("SSLError", "why", now)
        assert outcome == Retryable("SSLError", Status.CONNECTION, "why")
    assert isinstance(certificates.on_untrusted("SSLError", "why", 100.0 + CERTIFICATE_GRACE), Fatal)


def test_an_answer_in_between_begins_the_wait_again() -> None:
    certificates = Certificates()
    certificates.on_answer()
    certificates.on_untrusted("SSLError", "why", 100.0)
    certificates.on_answer()
    assert isinstance(certificates.on_untrusted("SSLError", "why", 100.0 + CERTIFICATE_GRACE), Retryable)
