"""Every error that the service, its model, or the way there can answer with has an outcome."""

import json
from importlib import resources
from typing import get_args

import botocore.session
import pytest
from botocore.retries import standard
from hypothesis import given
from hypothesis import strategies as st

from connector.core.operations import (
    OPERATIONS,
    PUT_ACTION_INTERACTIONS,
    PUT_ACTIONS,
    PUT_EVENTS,
    PUT_ITEMS,
    PUT_USERS,
    Operation,
)
from connector.core.sending import outcomes
from connector.core.sending.outcomes import (
    Delivered,
    Expired,
    Fatal,
    Outcome,
    Rejected,
    Retryable,
    Status,
    Throttled,
    classify,
    described,
    expired_for_good,
)

# Those of the "Common Errors" pages of AWS' API references, older and newer, with the statuses given there.
COMMON: dict[tuple[str, int], type] = {
    ("AccessDeniedException", 400): Fatal,
    ("AccessDeniedException", 403): Fatal,
    ("ExpiredTokenException", 403): Expired,
    ("IncompleteSignature", 400): Fatal,
    ("IncompleteSignature", 403): Fatal,
    ("InternalFailure", 500): Retryable,
    ("InvalidAction", 400): Fatal,
    ("InvalidClientTokenId", 403): Fatal,
    ("InvalidParameterCombination", 400): Rejected,
    ("InvalidParameterValue", 400): Rejected,
    ("InvalidQueryParameter", 400): Rejected,
    ("MalformedHttpRequestException", 400): Rejected,
    ("MalformedQueryString", 404): Fatal,
    ("MissingAction", 400): Fatal,
    ("MissingAuthenticationToken", 403): Fatal,
    ("MissingParameter", 400): Rejected,
    ("NotAuthorized", 400): Fatal,
    ("NotAuthorized", 401): Fatal,
    ("OptInRequired", 403): Fatal,
    ("RequestAbortedException", 400): Retryable,
    ("RequestEntityTooLargeException", 413): Rejected,
    ("RequestExpired", 400): Expired,
    ("RequestTimeoutException", 408): Retryable,
    ("ServiceUnavailable", 503): Retryable,
    ("ThrottlingException", 400): Throttled,
    ("UnknownOperationException", 404): Fatal,
    ("UnrecognizedClientException", 403): Fatal,
    ("ValidationError", 400): Rejected,
}
MODELLED = {
    "InvalidInputException": Rejected,
    "ResourceInUseException": Retryable,
    "ResourceNotFoundException": Fatal,
}
_THROTTLED: list[str] = vars(standard.ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
_TRANSIENT: list[str] = vars(standard.TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]
_TRANSIENT_STATUSES: list[int] = vars(standard.TransientRetryableChecker)["_TRANSIENT_STATUS_CODES"]
_SERVICE = botocore.session.get_session().get_service_model("personalize-events")


def test_every_modelled_error_has_an_outcome() -> None:
    assert {shape.name for shape in _SERVICE.error_shapes} == set(MODELLED)
    for shape in _SERVICE.error_shapes:
        status = shape.metadata["error"]["httpStatusCode"]
        assert isinstance(classify(shape.name, status), MODELLED[shape.name])


@pytest.mark.parametrize(("answer", "outcome"), COMMON.items(), ids=str)
def test_every_common_error_has_an_outcome(answer: tuple[str, int], outcome: type) -> None:
    assert isinstance(classify(*answer), outcome)


def test_what_botocore_calls_throttled_is_throttled_whatever_the_status() -> None:
    for code in _THROTTLED:
        if code not in _TRANSIENT:
            assert classify(code, 400) == Throttled(code)


def test_what_botocore_calls_transient_is_sent_again() -> None:
    for code in _TRANSIENT:
        assert isinstance(classify(code, 400), Retryable | Throttled)
    for status in _TRANSIENT_STATUSES:
        assert isinstance(classify("", status), Retryable)


def test_every_code_that_botocore_retries_is_retried() -> None:
    rules = json.loads(resources.files("botocore").joinpath("data/_retry.json").read_text())["definitions"]
    for name in ("throttling", "throttling_exception", "request_throttled_exception", "too_many_requests"):
        answer = rules[name]["applies_when"]["response"]
        assert isinstance(classify(answer.get("service_error_code", ""), answer["http_status_code"]), Throttled)
    for name in ("general_server_error", "bad_gateway", "service_unavailable", "gateway_timeout"):
        assert isinstance(classify("", rules[name]["applies_when"]["response"]["http_status_code"]), Retryable)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Retryable),
        (204, Retryable),
        (301, Retryable),
        (400, Rejected),
        (401, Fatal),
        (403, Fatal),
        (404, Fatal),
        (408, Retryable),
        (409, Retryable),
        (413, Rejected),
        (422, Rejected),
        (425, Retryable),
        (429, Throttled),
        (500, Retryable),
        (502, Retryable),
        (503, Retryable),
        (504, Retryable),
        (599, Retryable),
    ],
)
def test_a_status_alone_has_an_outcome(status: int, outcome: type) -> None:
    assert isinstance(classify("", status), outcome)
    assert isinstance(classify("NeverHeardOf", status), outcome)


def test_an_answer_without_a_code_is_known_by_its_status() -> None:
    assert classify("", 500) == Retryable("HTTP 500", Status.SERVER_ERROR)


def test_the_code_says_more_than_the_status() -> None:
    assert isinstance(classify("ThrottlingException", 503), Throttled)
    assert isinstance(classify("InvalidInputException", 500), Rejected)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch", "AccessDeniedException"])
@pytest.mark.parametrize("message", ["Signature expired: 2026 is now earlier", "Signature not yet current: 2027"])
def test_a_signature_of_another_time_is_told_by_its_message(code: str, message: str) -> None:
    assert classify(code, 403, message) == Expired(code)
    assert isinstance(classify(code, 403, "wrong"), Fatal)


def test_the_message_of_a_rejection_does_not_blame_the_clock() -> None:
    assert isinstance(classify("InvalidInputException", 400, "the offer expired"), Rejected)


def test_credentials_that_stay_too_old_are_fatal_and_say_what_to_check() -> None:
    fatal = expired_for_good(Expired("ExpiredTokenException"))
    assert fatal.code == "ExpiredTokenException"
    assert "clock" in fatal.advice


# The service authorization reference: which type of resource each action has; none means that "*" is the only resource.
RESOURCE_TYPES = {PUT_EVENTS: None, PUT_ACTION_INTERACTIONS: None, PUT_USERS: "dataset"}
RESOURCE_TYPES |= {PUT_ITEMS: "dataset", PUT_ACTIONS: "dataset"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotAuthorized", ""])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_advice_on_a_denial_is_what_the_service_authorization_reference_allows(operation: Operation, code: str) -> None:
    """Where an action has no resource types, a policy that names a resource allows nothing."""
    denied = classify(code, 403, "", operation)
    assert isinstance(denied, Fatal)
    if RESOURCE_TYPES[operation] is None:
        assert f'allow personalize:{operation.name} on "Resource": "*"' in denied.advice
        for resource in ("dataset", "tracker", "ARN"):
            assert resource not in denied.advice
    else:
        said = f"allow personalize:{operation.name} on the ARN of the dataset (personalize.{operation.setting}"
        assert said in denied.advice


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_advice_on_what_does_not_exist_names_the_setting_that_names_it(operation: Operation) -> None:
    missing = classify("ResourceNotFoundException", 404, "", operation)
    assert isinstance(missing, Fatal)
    assert f"check personalize.{operation.setting} (or a rule's {operation.target})" in missing.advice
    assert "exists and is active" in missing.advice


def test_why_a_call_is_retried_is_described_by_its_code_and_what_is_known() -> None:
    assert described(Retryable("HTTP 500", Status.SERVER_ERROR)) == "HTTP 500"
    assert described(Retryable("SSLError", Status.CONNECTION, "tls: h:1")) == "SSLError: tls: h:1"


CODES = st.text(max_size=30) | st.sampled_from(sorted({code for code, _ in COMMON} | set(outcomes._FATAL)))


@given(CODES, st.integers(), st.text(max_size=60))
def test_any_answer_has_an_outcome(code: str, status: int, message: str) -> None:
    outcome = classify(code, status, message)
    assert isinstance(outcome, get_args(Outcome))
    assert not isinstance(outcome, Delivered), "that takes more than a status, see answers.py"
    if isinstance(outcome, Fatal):
        assert outcome.advice


@given(st.text(min_size=8, max_size=60))
def test_an_outcome_keeps_nothing_of_the_message(message: str) -> None:
    secret = f"user-{message}"
    for code in ("InvalidInputException", "AccessDeniedException", "SignatureDoesNotMatch", "Whatever"):
        assert secret not in str(classify(code, 400, f"expired {secret}"))


def test_no_code_stands_in_two_tables() -> None:
    tables = [outcomes._THROTTLED, outcomes._RETRYABLE, outcomes._REJECTED, outcomes._EXPIRED, set(outcomes._FATAL)]
    assert sum(map(len, tables)) == len(set().union(*tables))
