"""A secret is in no problem, no print and no repr, whatever else is wrong with its line."""

from pathlib import Path
from typing import Any

import pytest

from connector.config import Loaded, base_properties, load_text, print_config, render
from connector.config.auth import PlainAuth
from connector.config.masking import Cut, ShownLine, cuts_of_text, is_secret, show
from tests.support.config_files import build, loaded, only, problems

SECRET = "hunter2-Zx9"
KAFKA = """\
kafka:
  bootstrap_servers: b:1
  group_id: g
"""


def kafka(*lines: str) -> str:
    return build(kafka=KAFKA + "\n".join(f"  {line}" for line in lines))


def everything(text: str, env: dict[str, str] | None = None) -> str:
    """All that the room can say about a file."""
    result = load_text(text, "file.yaml", env or {})
    if isinstance(result, list):
        return "".join(render(result, kind) for kind in ("text", "json", "github")) + repr(result)
    return print_config(result.config) + repr(result) + str(result.config) + result.config.model_dump_json()


GOOD = {
    "plain": f"auth: {{type: plain, username: u, password: {SECRET}}}",
    "scram": f"auth: {{type: scram, username: u, password: {SECRET}}}",
    "oidc": f"auth: {{type: oidc, token_endpoint_url: 'https://a/b', client_id: c, client_secret: {SECRET}}}",
    "key": f"tls: {{key_password: {SECRET}}}",
    "default": f"auth: {{type: plain, username: u, password: {{env: NOPE, default: {SECRET}}}}}",
}
BAD = {
    "unknown key beside it": f"auth: {{type: plain, usrname: u, password: {SECRET}}}",
    "misspelt": f"auth: {{type: plain, username: u, pasword: {SECRET}}}",
    "badly misspelt": f"auth: {{type: plain, username: u, pw: {SECRET}}}",
    "no type": f"auth: {{username: u, password: {SECRET}}}",
    "not a mapping": f"auth: {SECRET}",
    "in the wrong section": f"password: {SECRET}",
    "a list": f"auth: {{type: plain, username: u, password: [{SECRET}]}}",
    "a set": f"auth: {{type: plain, username: u, password: {{{SECRET}}}}}",
    "odd reference": f"auth: {{type: plain, username: u, password: {{evn: {SECRET}}}}}",
    "too long a default": f"auth: {{type: plain, username: u, password: {{env: NOPE, default: [{SECRET}]}}}}",
    "twice": f"auth: {{type: plain, username: u, password: x, password: {SECRET}}}",
    "tagged": f"auth: {{type: plain, username: u, password: !x {SECRET}}}",
    "property": f"librdkafka: {{sasl.password: {SECRET}}}",
    "misspelt property": f"librdkafka: {{sasl.pasword: {SECRET}}}",
    "property of tls": f"librdkafka: {{ssl.key.pem: {SECRET}}}",
    "unknown property": f"librdkafka: {{my.token: {SECRET}}}",
    "value of a property": f"librdkafka: {{session.timeout.ms: 0, sasl.jaas.config: {SECRET}}}",
    "not yaml": f"auth: {{type: plain, username: u, password: {SECRET}",
    "no quote": f"auth: {{type: plain, password: '{SECRET}",
    "colons": f"auth: {{type: plain}}\n  password: {SECRET}: x: y",
    "many lines": f"auth: {{type: plain, password: 'a\n    {SECRET}', nope: 1}}",
    "key of a merge": f"auth: &a {{type: plain, username: u, password: {SECRET}, x: 1}}\n  tls: {{<<: *a}}",
}


REGISTRY_GOOD = {
    "basic": f"auth: {{type: basic, username: u, password: {SECRET}}}",
    "bearer": f"auth: {{type: bearer, token: {SECRET}}}",
    "oidc": f"auth: {{type: oidc, token_endpoint_url: 'https://a/b', client_id: c, client_secret: {SECRET}}}",
    "key": f"auth: {{type: bearer, token: {{env: NOPE, default: {SECRET}}}}}",
}
REGISTRY_BAD = {
    "unknown key beside it": f"auth: {{type: basic, usrname: u, password: {SECRET}}}",
    "badly misspelt": f"auth: {{type: basic, username: u, pw: {SECRET}}}",
    "of another type": f"auth: {{type: plain, username: u, secrt: {SECRET}}}",
    "not a mapping": f"auth: {SECRET}",
    "of tls": f"tls: {{key_pasword: {SECRET}}}",
    "in the wrong section": f"password: {SECRET}",
    "in the url": f"url: 'https://user:{SECRET}@registry'",
    "in a list of urls": f"url: ['https://registry', 'https://user:{SECRET}@registry']",
    "in the query": f"url: 'https://registry/?key={SECRET}'",
    "not yaml": f"auth: {{type: basic, username: u, password: {SECRET}",
}


def registry(line: str) -> str:
    url = "" if line.startswith("url:") else "\n  url: https://registry"
    return build(schema_registry=f"schema_registry:{url}\n  {line}")


@pytest.mark.parametrize("line", REGISTRY_GOOD.values(), ids=REGISTRY_GOOD.keys())
def test_secrets_of_a_good_registry_are_masked(line: str) -> None:
    text = registry(line)
    loaded(text, {})
    said = everything(text)
    assert SECRET not in said
    assert "********" in said


@pytest.mark.parametrize("line", REGISTRY_BAD.values(), ids=REGISTRY_BAD.keys())
def test_secrets_of_a_bad_registry_are_masked(line: str) -> None:
    text = registry(line)
    assert problems(text, {})
    assert SECRET not in everything(text)


@pytest.mark.parametrize("line", GOOD.values(), ids=GOOD.keys())
def test_secrets_of_a_good_file_are_masked(line: str) -> None:
    text = kafka(line)
    loaded(text, {})
    said = everything(text)
    assert SECRET not in said
    assert "********" in said


@pytest.mark.parametrize("line", BAD.values(), ids=BAD.keys())
def test_secrets_of_a_bad_file_are_masked(line: str) -> None:
    text = kafka(line)
    assert problems(text, {})
    assert SECRET not in everything(text)


@pytest.mark.parametrize(
    "reference", ["server: {port: {env: IT}}", "log: {level: {env: IT}}", "delivery: {linger: {env: IT}}",
                  "dead_letter: {topic: {env: IT}, connect_headers: {env: IT}}",
                  "personalize: {endpoint_url: {env: IT}}"],
)  # fmt: skip
def test_a_variable_of_the_wrong_kind_is_not_shown(reference: str) -> None:
    section = reference.partition(":")[0]
    text = build(**{section: reference})
    assert problems(text, {"IT": f"{SECRET} {SECRET}"})
    assert SECRET not in everything(text, {"IT": f"{SECRET} {SECRET}"})


def test_a_property_from_the_environment_that_the_library_refuses_is_not_shown() -> None:
    text = kafka("librdkafka: {group.protocol: {env: IT}, client.id: {env: IT}}")
    assert only(text, {"IT": SECRET}).code == "bad-property"
    assert SECRET not in everything(text, {"IT": SECRET})


@pytest.mark.parametrize("url", [f"http://u:{SECRET}@host", f"https://{SECRET}@host/path"])
def test_a_password_in_a_url_is_refused(url: str) -> None:
    text = build(personalize=f"personalize: {{tracking_id: t, endpoint_url: {{env: IT}}, region: '{url[:4]}'}}")
    assert only(text, {"IT": url}).code == "bad-url"
    assert SECRET not in everything(text, {"IT": url})


URLS = {
    "endpoint": build(personalize=f"personalize: {{endpoint_url: 'https://u:{SECRET}@h'}}"),
    "endpoint with blanks": build(personalize=f"personalize: {{endpoint_url: 'https://u: {SECRET}@h'}}"),
    "endpoint with slashes": build(personalize=f"personalize: {{endpoint_url: https://u:/{SECRET}@h}}"),
    "endpoint with escapes": build(personalize=f'personalize: {{endpoint_url: "https:\\/\\/u:{SECRET}@h"}}'),
    "endpoint, folded": build(personalize=f"personalize:\n  endpoint_url: >\n    https://u:\n    {SECRET}@h"),
    "endpoint, misspelt": build(personalize=f"personalise: {{endpiont_url: 'https://u:{SECRET}@h'}}"),
    "endpoint with a key": build(personalize=f"personalize: {{endpoint_url: 'https://h?key={SECRET}'}}"),
    "endpoint, default": build(
        personalize=f"personalize: {{endpoint_url: {{env: NOPE, default: 'https://u:{SECRET}@h'}}}}"
    ),
    "servers": build(kafka=f"kafka: {{bootstrap_servers: 'u:{SECRET}@h:1', group_id: 5}}"),
    "servers with blanks": build(kafka=f"kafka: {{bootstrap_servers: ['a:1', 'u: {SECRET}@h:1'], group_id: 5}}"),
    "servers, misspelt": build(kafka=f"kafka: {{bootstrap_sever: u:{SECRET}@h:1, group_id: 5}}"),
    "servers in two": build(kafka=f"kafka:\n  bootstrap_servers: 'a:1,u:{SECRET}\n    @h:1'\n  group_id: 5"),
    "brokers": kafka(f"librdkafka: {{metadata.broker.list: 'u:{SECRET}@h:1'}}"),
    "proxy": kafka(f"librdkafka: {{client.id: 'http://u:{SECRET}@h:1', nope: 1}}"),
    "comment": build(log="log: {level: 5}  # see https://u:" + SECRET + "@h"),
    "not yaml": f"a: [\nbootstrap_servers: u:{SECRET}@h:1\n",
    "not yaml at all": f"a: 'b\nendpoint_url: https://u:{SECRET}@h:1?x={SECRET}\n",
    "no comma": build(personalize=f"personalize: {{tracking_id: t endpoint_url: 'https://u:{SECRET}@h'}}"),
}


@pytest.mark.parametrize("text", URLS.values(), ids=URLS.keys())
def test_a_password_in_an_address_is_shown_nowhere(text: str) -> None:
    assert problems(text, {})
    assert SECRET not in everything(text)


OIDC = f"auth: {{type: oidc, token_endpoint_url: 'https://h/t?p=1&key={SECRET}', client_id: c, client_secret: s}}"


def test_a_key_in_the_query_of_a_token_endpoint_is_used_and_not_shown() -> None:
    config = loaded(kafka(OIDC), {}).config
    assert base_properties(config.kafka)["sasl.oauthbearer.token.endpoint.url"].endswith(SECRET)  # type: ignore[union-attr]
    assert "token_endpoint_url: https://h/t?p=********&key=********\n" in print_config(config)
    assert SECRET not in print_config(config) + repr(config) + str(config)
    assert SECRET not in everything(kafka(OIDC.replace("client_id: c", "client_id: 5")))


def test_a_printed_file_has_no_password_of_a_url_in_a_property() -> None:
    config = loaded(kafka(f"librdkafka: {{client.id: 'http://u:{SECRET}@h'}}"), {}).config
    assert "client.id: http://********@h\n" in print_config(config)


def test_the_host_after_a_password_is_shown() -> None:
    found = problems(URLS["servers"], {})[0]
    assert found.source_line == "kafka: {bootstrap_servers: '********@h:1', group_id: 5}"
    assert found.source_line[found.caret : found.caret + found.length] == "'********@h:1'"


def test_the_line_of_a_mistake_beside_a_secret_keeps_the_caret_under_the_mistake() -> None:
    found = only(kafka(f"auth: {{type: plain, username: u, password: {SECRET}, nope: 1}}"), {})
    assert found.source_line[found.caret : found.caret + found.length] == "nope"
    assert found.column == found.caret + 1 + len(SECRET) - len("********")


def test_clients_get_the_secret_itself() -> None:
    properties = base_properties(loaded(kafka(GOOD["plain"]), {}).config.kafka)
    assert properties["sasl.password"] == SECRET


def test_a_secret_file_is_read_without_its_last_newline(tmp_path: Path) -> None:
    for number, (content, value) in enumerate(
        [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a", " a")]
    ):
        file = tmp_path / str(number)
        file.write_bytes(content.encode())
        config = loaded(kafka(f"auth: {{type: plain, username: u, password: {{file: {file}}}}}"), {}).config
        assert base_properties(config.kafka)["sasl.password"] == value


@pytest.mark.parametrize(("content", "value"), [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), (" a", " a")])
def test_a_variable_is_read_without_its_last_line_break(content: str, value: str) -> None:
    config = loaded(kafka("auth: {type: plain, username: u, password: {env: IT}}"), {"IT": content}).config
    assert base_properties(config.kafka)["sasl.password"] == value


def test_settings_of_every_kind_lose_the_line_break_of_their_variable() -> None:
    text = build(
        personalize="personalize: {tracking_id: {env: TRACKER}}",
        dead_letter="dead_letter: {topic: {env: TOPIC}}",
        kafka="kafka: {bootstrap_servers: {env: SERVERS}, group_id: g}",
        server="server: {port: {env: PORT}, host: {env: HOST}}",
        delivery="delivery: {linger: {env: LINGER}}",
    )
    env = {"TRACKER": "t", "TOPIC": "dead", "SERVERS": "a:1,b:2", "PORT": "81", "HOST": "::1", "LINGER": "2s"}
    assert loaded(text, {name: f"{value}\n" for name, value in env.items()}).config == loaded(text, env).config


def test_a_second_line_break_is_a_mistake_where_none_can_be_meant() -> None:
    text = build(personalize="personalize: {tracking_id: {env: TRACKER}}")
    assert only(text, {"TRACKER": "t\n\n"}).message == "expected a tracking id without blanks"


@pytest.mark.parametrize(
    ("reference", "hint"),
    [("{env: IT}", "set IT"), ("{env: IT, default: x}", "unset it to use the default")],
)
@pytest.mark.parametrize("setting", ["personalize: {tracking_id: %s}", "log: {level: %s}", "server: {port: %s}"])
def test_an_empty_variable_is_named(setting: str, reference: str, hint: str) -> None:
    found = only(build(**{setting.partition(":")[0]: setting % reference}), {"IT": "\n"})
    assert found.code == "empty-variable"
    assert found.message == "expected the environment variable IT to hold a value, but it is empty"
    assert found.hint == hint


def test_a_property_of_the_library_may_be_empty() -> None:
    config = loaded(kafka("librdkafka: {client.rack: {env: RACK}}"), {"RACK": ""}).config
    assert config.kafka.librdkafka == {"client.rack": ""}


@pytest.mark.parametrize(
    ("content", "code"), [(b"\xff", "not-utf8"), (b"", "bad-length"), (b"a" * (1024 * 1024 + 1), "unreadable-file")]
)
def test_a_file_that_holds_no_secret_is_a_problem(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert only(kafka(f"auth: {{type: plain, username: u, password: {{file: {file}}}}}"), {}).code == code


def test_a_missing_variable_is_named_with_the_place_that_needs_it() -> None:
    found = only(kafka("auth: {type: plain, username: u, password: {env: KAFKA_PASSWORD}}"), {})
    assert found.message == "expected the environment variable KAFKA_PASSWORD to be set for kafka.auth.password"
    assert "KAFKA_PASSWORD" in found.source_line  # where a secret comes from is none


def test_values_from_the_environment_have_the_type_of_the_field() -> None:
    text = build(
        server="server: {port: {env: PORT}, host: {env: HOST}}",
        dead_letter="dead_letter: {topic: t, connect_headers: {env: FLAG}}",
        kafka="kafka: {bootstrap_servers: {env: SERVERS}, group_id: {env: GROUP}}",
        delivery="delivery: {requests_per_second: {env: RATE, default: 5}}",
        personalize="personalize: {tracking_id: t, region: {env: REGION, default: null}}",
    )
    env = {"PORT": "81", "HOST": "127.0.0.1", "FLAG": "true", "SERVERS": "a:1,b:2", "GROUP": "007"}
    config = loaded(text, env).config
    assert (config.server.port, config.server.host, config.dead_letter.connect_headers) == (81, "127.0.0.1", True)
    assert (config.kafka.bootstrap_servers, config.kafka.group_id) == (["a:1", "b:2"], "007")
    assert (config.delivery.requests_per_second, config.personalize.region) == (5.0, None)


def test_a_default_of_the_wrong_kind_is_a_problem() -> None:
    assert only(build(server="server: {port: {env: PORT, default: x}}"), {}).code == "wrong-type"


def test_a_number_that_python_would_not_parse_is_a_problem() -> None:
    assert only(build(server="server: {port: {env: PORT}}"), {"PORT": "9" * 5000}).code == "wrong-type"


def test_a_variable_that_is_not_utf8_is_a_problem() -> None:
    assert only(build(log="log: {level: {env: LEVEL}}"), {"LEVEL": "\udcff"}).code == "not-utf8"


@pytest.mark.parametrize(
    "name", ["password", "Password", "pasword", "client_secret", "sasl.jaas.config", "ssl.key.pem", "api_token"]
)
def test_secrets_are_known_by_their_names(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["username", "token_endpoint_url", "group_id", "topic", "key_file", "fetch.max.bytes"])
def test_other_settings_are_not_secret(name: str) -> None:
    assert not is_secret(name)


def test_overlapping_cuts_are_one_mask() -> None:
    shown = show(["abcdefghij"], [Cut(0, 2, 5), Cut(0, 4, 6), Cut(0, 8, 9), Cut(7, 0, 1)])
    assert shown == [ShownLine("ab********gh********j", (Cut(0, 2, 6), Cut(0, 8, 9)))]
    assert [shown[0].offset(column) for column in (0, 3, 6, 9)] == [0, 2, 10, 20]


def test_text_that_is_no_yaml_is_masked_below_a_secret_name() -> None:
    lines = ["a: 1", "  password: |", "    one", "", "    two", "  other: 3"]
    shown = [line.text for line in show(lines, cuts_of_text(lines))]
    assert [line.strip() for line in shown] == ["a: 1", "password: ********", "********", "", "********", "other: 3"]


@pytest.mark.parametrize(
    ("extra", "valid"),
    [("", True), (", nope: 1", False), (", auto_offset_rest: latest", False)],
    ids=["valid", "invalid elsewhere", "with a slip that is corrected"],
)
def test_a_secret_file_is_read_once_a_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, extra: str, valid: bool
) -> None:
    secret, opened = tmp_path / "password", list[Path]()
    secret.write_text("hunter2")
    path_open = Path.open

    def counted(self: Path, *arguments: Any, **named: Any) -> Any:
        opened.append(self)
        return path_open(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", counted)
    auth = f"auth: {{type: plain, username: u, password: {{file: {secret}}}}}"
    properties = f"librdkafka: {{client.rack: {{file: {secret}}}}}"
    text = build(kafka=f"kafka: {{bootstrap_servers: b:1, group_id: g, {auth}, {properties}{extra}}}")
    assert isinstance(load_text(text, "file.yaml", {}), Loaded) is valid
    assert opened.count(secret) == 1


def test_a_secret_that_was_read_is_read_again_when_its_file_has_changed(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("before")
    auth = f"auth: {{type: plain, username: u, password: {{file: {secret}}}}}"
    section = loaded(build(kafka=f"kafka: {{bootstrap_servers: b:1, group_id: g, {auth}}}")).config.kafka.auth
    assert isinstance(section, PlainAuth)
    secret.write_text("after")
    again = section.reread()
    assert again is not None
    assert again.password.get_secret_value() == "after"
