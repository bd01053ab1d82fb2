"""Credentials, PutEvents, the clock, the tracker and the registry: each outcome as a finding, without a secret."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from connector.assembly import account_of
from connector.aws.probing import identity, skew
from connector.checks.finding import Finding, Mark
from connector.checks.of_aws import clock, credentials, endpoint, is_aws, reached, tracker
from connector.checks.of_registry import meaning, registry
from connector.checks.world import World
from connector.core.sending.outcomes import Expired, Fatal
from connector.exits import Exit
from connector.ports import Environment
from connector.registry.answers import Away, Missing, Request
from tests.support.config_files import build, loaded
from tests.support.fixtures import KEY, SECRET
from tests.support.http_server import AWS, Response, running_http_server
from tests.support.registry import Schemas, running_registry

if TYPE_CHECKING:
    from connector.local.endpoint.server import Endpoint


pytestmark = pytest.mark.usefixtures("aws")


def world(url: str = "http://127.0.0.1:1", test_event: str | None = None, **sections: str) -> World:
    personalize = f"personalize: {{tracking_id: tracker-1, endpoint_url: '{url}'}}"
    file = loaded(build(**{"personalize": personalize, **sections}))
    return World(file, Environment(time.monotonic, time.time, lambda: 0.0), test_event)


def called(here: World) -> list[Finding]:
    """All that is found about AWS."""
    found = [*credentials(here), *endpoint(here), *tracker(here)]
    assert not any(SECRET in text or KEY in text for each in found for text in (each.what, each.do))
    return found


def troubles(found: list[Finding]) -> list[tuple[str, Exit]]:
    return [(each.code, each.exit) for each in found if each.code]


def test_a_call_without_events_is_refused_as_invalid_and_that_is_good(endpoint: Endpoint) -> None:
    found = called(world(endpoint.url))
    assert troubles(found) == []
    assert found[0].what == "found in the environment (AWS_ACCESS_KEY_ID); region eu-west-1"
    assert found[-1].mark is Mark.SKIPPED
    assert "--send-test-event TYPE" in found[-1].what
    assert endpoint.accepted() == []


def test_a_test_event_is_sent_only_if_its_type_is_named(endpoint: Endpoint) -> None:
    found = called(world(endpoint.url, "View"))
    assert (found[-1].mark, found[-1].what) == (Mark.OK, "the tracking id took a test event")
    [row] = endpoint.accepted()
    assert (row.tracking_id, row.session_id, row.user_id) == ("tracker-1", "putevents-check", None)


def test_a_tracking_id_that_does_not_take_the_event_ends_with_77(endpoint: Endpoint) -> None:
    endpoint.control({"tracking_ids": ["another"]})
    assert troubles(called(world(endpoint.url, "View"))) == [("test-event-rejected", Exit.REFUSED)]


def test_without_a_tracking_id_in_the_file_no_event_is_sent(endpoint: Endpoint) -> None:
    rule = "{name: r, put_events: {trackingId: value.t, sessionId: value.s, eventType: {const: View}}}"
    here = world(
        test_event="View",
        personalize=f"personalize: {{endpoint_url: '{endpoint.url}'}}",
        pipelines=f"pipelines: [{{name: web, topics: [clicks], rules: [{rule}]}}]",
    )
    assert called(here)[-1].what == "no test event was sent: the file names no tracking id, records do"


@pytest.mark.parametrize(
    ("fault", "code", "exit_code"),
    [
        ({"denied": True}, "aws-refused", Exit.REFUSED),
        ({"credentials": {"ANOTHER": "key"}}, "aws-refused", Exit.REFUSED),
        ({"outage": "unavailable"}, "endpoint-away", Exit.UNAVAILABLE),
        ({"outage": "close"}, "endpoint-away", Exit.UNAVAILABLE),
    ],
)
def test_what_the_service_answers_decides_the_finding(
    endpoint: Endpoint, fault: dict[str, Any], code: str, exit_code: Exit
) -> None:
    endpoint.control(fault)
    assert troubles(called(world(endpoint.url))) == [(code, exit_code)]


def test_a_service_that_throttles_answers_and_is_a_warning(endpoint: Endpoint) -> None:
    endpoint.control({"quota": 1e-6})
    called(world(endpoint.url))  # takes the burst, which is one call
    assert troubles(called(world(endpoint.url))) == [("aws-throttled", Exit.OK)]


def test_an_endpoint_that_takes_no_connections_is_away() -> None:
    found = called(world())
    assert troubles(found) == [("endpoint-away", Exit.UNAVAILABLE)]
    [away] = [each for each in found if each.code]
    assert "refused: 127.0.0.1:1 takes no connections" in away.what


def test_without_credentials_the_places_are_named(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    [found] = credentials(world())
    assert (found.code, found.exit) == ("no-aws-credentials", Exit.REFUSED)
    assert "web identity token (IRSA)" in found.what


def test_a_profile_is_named_as_the_place_of_the_credentials(aws: pytest.MonkeyPatch, tmp_path: Any) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "aws-credentials").write_text(
        f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    found = list(credentials(world()))
    assert found[0].what.startswith("found in the file of credentials, by profile")


def test_credentials_that_are_too_old_are_refused() -> None:
    found = reached(Expired("ExpiredTokenException"), "https://e")
    assert (found.code, found.exit) == ("aws-refused", Exit.REFUSED)


# -- the clock


@pytest.mark.parametrize(
    ("date", "before", "after", "expected"),
    [
        (formatdate(1000, usegmt=True), 1000.2, 1000.4, 0.0),
        (formatdate(1000, usegmt=True), 999.0, 1003.0, 0.0),  # the answer took its time
        (formatdate(1000, usegmt=True), 1901.0, 1901.5, 900.0),
        (formatdate(1000, usegmt=True), 99.0, 100.0, -900.0),
        ("yesterday", 1.0, 2.0, None),
        (None, 1.0, 2.0, None),
    ],
)
def test_the_skew_is_what_no_delay_explains(date: str | None, before: float, after: float, expected: float) -> None:
    assert skew(date, before, after) == expected


@pytest.mark.parametrize(
    ("seconds", "mark", "exit_code"),
    [
        (2.0, Mark.OK, Exit.OK),
        (-90.0, Mark.WARNING, Exit.OK),
        (301.0, Mark.FAILED, Exit.REFUSED),
        (-900.0, Mark.FAILED, Exit.REFUSED),
    ],
)
def test_a_clock_that_is_five_minutes_off_is_a_failure(seconds: float, mark: Mark, exit_code: Exit) -> None:
    [found] = clock(seconds)
    assert (found.mark, found.exit) == (mark, exit_code)


def test_an_answer_without_a_date_says_nothing_of_the_clock() -> None:
    assert list(clock(None)) == []


# -- who this is at AWS


def test_only_aws_itself_is_asked_who_this_is() -> None:
    assert is_aws("https://personalize-events.eu-west-1.amazonaws.com")
    assert is_aws("https://personalize-events.cn-north-1.amazonaws.com.cn")
    assert not is_aws("http://127.0.0.1:8081")
    assert not is_aws("https://amazonaws.com.example")


CALLER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:sts::123456789012:assumed-role/putevents/x</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


def test_sts_tells_the_role_and_a_refusal_or_silence_tells_nothing(aws: pytest.MonkeyPatch) -> None:
    account = account_of(world().loaded.config)
    answer = Response(200, (*AWS, ("Content-Type", "text/xml")), CALLER)
    with running_http_server(lambda _: answer) as sts:
        aws.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        assert identity(account) == "arn:aws:sts::123456789012:assumed-role/putevents/x"
        sts.respond = lambda _: Response(403, AWS, b"<html>")
        assert identity(account) == ""
    assert identity(account) == ""  # nothing listens any more


# -- the schema registry

SECTION = "schema_registry: {{url: '{}', auth: {{type: basic, username: u, password: planted}}}}"
AVRO = """\
pipelines:
  - name: web
    topics: [clicks]
    value: {format: avro}
    rules: [{name: all, skip: not yet}]
"""


def asked(url: str) -> Finding:
    here = world(pipelines=AVRO, schema_registry=SECTION.format(url))
    [found] = registry(here)
    assert "planted" not in found.what + found.do
    return found


def test_a_registry_that_says_there_is_no_such_schema_is_well() -> None:
    with running_registry(Schemas()) as server:
        assert asked(server.url).mark is Mark.OK


def test_a_registry_that_wants_another_login_or_is_away_is_a_failure() -> None:
    with running_http_server(lambda _: Response(401)) as server:
        refused = asked(server.url)
    assert (refused.code, refused.exit) == ("registry-refused", Exit.REFUSED)
    away = asked(server.url)
    assert (away.code, away.exit) == ("registry-away", Exit.UNAVAILABLE)


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        (Missing("schema 1"), Mark.OK),
        (Fatal("HTTP 403", "grant it"), Mark.WARNING),
        (Fatal("HTTP 401", "check it"), Mark.FAILED),
        (Away(Request.TIMEOUT, "no answer"), Mark.FAILED),
    ],
)
def test_each_answer_of_a_registry_has_a_mark(answer: Any, mark: Mark) -> None:
    assert meaning(answer).mark is mark


def test_a_file_without_a_registry_needs_none() -> None:
    [found] = registry(world())
    assert found.what == "not used: no pipeline needs one"
