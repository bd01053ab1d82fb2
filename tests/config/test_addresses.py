"""Addresses of brokers, of our server, of URLs: what cannot be one is found without a network."""

import pytest

from tests.support.config_files import build, loaded, only


def servers(text: str) -> str:
    return build(kafka=f"kafka: {{bootstrap_servers: {text}, group_id: g}}")


@pytest.mark.parametrize(
    "address",
    ["broker-1:9092", "b:1", "kafka.svc.cluster.local.:9092", "my_kafka_1:9092", "10.0.0.1:65535", "[::1]:9092",
     "[2001:db8::1]:9092", "münchen:9092", "kafka", "[::1]"],
)  # fmt: skip
def test_a_broker_is_a_host_and_a_port_or_a_host_alone_as_librdkafka_reads_it(address: str) -> None:
    assert loaded(servers(f'"{address}"')).config.kafka.bootstrap_servers == [address]


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        ("localhost:99999", "a port is a number from 1 to 65535", None),
        ("localhost:0", "a port is a number from 1 to 65535", None),
        ("localhost:", "a port is a number from 1 to 65535", None),
        ("localhost: 9092", "a port is a number from 1 to 65535", None),
        ("localhost:kafka", "a port is a number from 1 to 65535", None),
        ("localhost:٩٠٩٢", "a port is a number from 1 to 65535", None),
        ("::1:9092", "one address per item", "write an IPv6 address in brackets: [::1]:9092"),
        ("a:1;b:2", "one address per item", "write an IPv6 address in brackets: [::1]:9092"),
        ("[::g]:9092", "not a host name", None),
        ("[::1:9092", "not a host name", None),
        ("local host:9092", "not a host name", None),
        ("a..b:9092", "not a host name", None),
        ("-a:9092", "not a host name", None),
        ("10.0.0.256:9092", "not a host name", None),
        (f"{'a.' * 130}b:9092", "not a host name", None),
        (":9092", "not a host name", None),
        ("http://localhost:9092", "without a scheme", "remove the scheme; kafka.tls and kafka.auth say how to connect"),
        (
            "SASL_SSL://localhost:9092",
            "without a scheme",
            "remove the scheme; kafka.tls and kafka.auth say how to connect",
        ),
        ("user:word@localhost:9092", "without a user and a password", "write them in kafka.auth"),
        ("a:1,", "not an empty item", "remove a comma"),
        ("  ", "not an empty item", "remove a comma"),
    ],
)
def test_what_cannot_be_a_broker_is_refused(address: str, message: str, hint: str | None) -> None:
    found = only(servers(f'"{address}"'))
    assert (found.code, found.line, found.column, found.hint) == ("bad-server", 1, 28, hint)
    assert message in found.message


def test_of_a_list_the_one_that_is_wrong_is_pointed_at() -> None:
    found = only(servers("[a:1, b:x, c:3]"))
    assert found.source_line[found.caret : found.caret + found.length] == "b:x"


@pytest.mark.parametrize(
    ("host", "meant"),
    [("*", "*"), ("[::]", "::"), ("::", "::"), ("0.0.0.0", "0.0.0.0"), ("localhost", "localhost"), ("[::1]", "::1"),  # noqa: S104
     ("fe80::1%eth0", "fe80::1%eth0"), ("my-pod.local", "my-pod.local")],
)  # fmt: skip
def test_our_server_listens_on_a_name_an_address_or_all_of_them(host: str, meant: str) -> None:
    assert loaded(build(server=f'server: {{host: "{host}"}}')).config.server.host == meant


def test_our_server_listens_on_all_addresses_unless_told_otherwise() -> None:
    assert loaded(build()).config.server.host == "*"


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("http://localhost", "write the port in server.port"),
        ("localhost:8080", "write the port in server.port"),
        ("*:8080", "write the port in server.port"),
        ("[::1]:8080", "write the port in server.port"),
        ("a b", None),
        ("999.1.1.1", None),
        ("[::", None),
        ("**", None),
    ],
)
def test_what_nobody_can_listen_on_is_refused(host: str, hint: str | None) -> None:
    found = only(build(server=f'server: {{host: "{host}"}}'))
    assert (found.code, found.line, found.column, found.hint) == ("bad-address", 4, 16, hint)


def endpoint(url: str) -> str:
    return build(personalize=f'personalize: {{tracking_id: t, endpoint_url: "{url}"}}')


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "https://[::1]:8081/", "https://host/prefix"])
def test_an_endpoint_is_an_http_url(url: str) -> None:
    assert loaded(endpoint(url)).config.personalize.endpoint_url == url


@pytest.mark.parametrize(
    "url",
    ["https://h?key=1", "https://h#a", "https://h/?", "https://u:p@h", "ftp://h", "//h", "h:80", "https://h:99999"],
)
def test_an_endpoint_has_no_user_no_query_and_no_fragment(url: str) -> None:
    assert only(endpoint(url)).code == "bad-url"


def test_a_token_endpoint_may_have_a_query() -> None:
    auth = "{type: oidc, token_endpoint_url: 'https://h/t?p=a', client_id: c, client_secret: s}"
    kafka = f"kafka: {{bootstrap_servers: b:1, group_id: g, auth: {auth}}}"
    assert loaded(build(kafka=kafka)).config.kafka.auth.token_endpoint_url == "https://h/t?p=a"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "arn", ["r", "arn:aws:iam::1:role/r", "arn:aws:s3:::bucket", "arn:aws:iam::123456789012:user/u"]
)
def test_a_role_is_named_by_its_arn(arn: str) -> None:
    assert (
        only(build(personalize=f"personalize: {{tracking_id: t, assume_role: {{role_arn: '{arn}'}}}}")).code
        == "bad-arn"
    )
    kafka = f"kafka: {{bootstrap_servers: b:1, group_id: g, auth: {{type: msk_iam, role_arn: '{arn}'}}}}"
    assert only(build(kafka=kafka)).code == "bad-arn"


@pytest.mark.parametrize(("name", "fine"), [("a b", False), ("x", False), ("n" * 65, False), ("putevents@1", True)])
def test_a_session_has_a_name_that_sts_takes(name: str, *, fine: bool) -> None:
    role = f"{{role_arn: 'arn:aws-cn:iam::123456789012:role/path/r', session_name: '{name}'}}"
    text = build(personalize=f"personalize: {{tracking_id: t, assume_role: {role}}}")
    assert loaded(text) if fine else only(text).code == "bad-name"


@pytest.mark.parametrize("text", ["'  '", '"a\\nb"', '"a\\u0007"'])
def test_text_is_more_than_blanks_on_one_line(text: str) -> None:
    assert only(build(kafka=f"kafka: {{bootstrap_servers: b:1, group_id: {text}}}")).code == "bad-text"
