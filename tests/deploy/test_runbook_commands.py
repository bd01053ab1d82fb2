"""What docs/runbooks.md tells to type in a cluster can be typed, admitted, and run by a Python without a shell."""

from __future__ import annotations

import re
import shlex
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.apiserver import api_server
from tests.deploy.restricted import violations
from tests.support.http_server import Request, Response, running_http_server
from tests.support.kafka.certificates import Authority
from tests.support.programs import ROOT, found, run

DOCS = [ROOT / "docs" / "runbooks.md", ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "kubernetes.md"]
IMAGE = "putevents-connector:0.1.0"
ANSWER = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:sts::111122223333:assumed-role/putevents-connector/x</Arn>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def sts(_: Request) -> Response:
    return Response(200, (("Content-Type", "text/xml"),), ANSWER)


def commands() -> list[list[str]]:
    """The words of each command of the section on looking from inside."""
    section = DOCS[0].read_text().split("## Looking from inside", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return [shlex.split(block.replace("\\\n", " ").replace("=IMAGE", f"={IMAGE}")) for block in blocks]


def of(verb: str) -> list[str]:
    [words] = [words for words in commands() if words[:4] == ["kubectl", "-n", "putevents", verb]]
    return words


def python_of(words: list[str]) -> list[str]:
    """What is run in the container, with the Python that runs this."""
    code = words[words.index("--") + 1 :]
    assert code[0] == "python"
    return [sys.executable, *code[1:]]


def test_a_namespace_that_enforces_the_restricted_profile_admits_the_pod_of_its_own(tmp_path: Path) -> None:
    words = [word for word in of("run")[1:] if word not in {"--rm", "--attach", "--quiet"}]
    at = words.index("--command")
    with running_http_server(api_server({})) as server:
        options = [f"--server={server.url}", f"--cache-dir={tmp_path}"]
        done = run([found("kubectl"), *words[:at], *options, "--dry-run=client", "--output=yaml", *words[at:]])
    assert done.returncode == 0, done.stderr
    spec = yaml.safe_load(done.stdout)["spec"]
    assert violations(spec) == []
    assert spec["serviceAccountName"] == "putevents-connector"
    [container] = spec["containers"]
    assert container["command"][0] == "python"
    assert container["image"] == IMAGE


def test_the_command_into_a_pod_asks_for_the_restricted_profile_and_is_understood() -> None:
    words = of("debug")
    assert "--profile=restricted" in words
    # kubectl reads the whole command before it misses a cluster.
    done = run([found("kubectl"), *words[1:]])
    assert "unknown flag" not in done.stderr
    assert "connect" in done.stderr or "configuration" in done.stderr, done.stderr


def ended(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_who_the_pods_are_is_asked_without_a_profile_or_a_region_of_its_own() -> None:
    with running_http_server(sts) as server:
        done = ended(
            python_of(of("run")),
            AWS_ENDPOINT_URL_STS=server.url, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b",
        )  # fmt: skip
    assert done.stdout == "arn:aws:sts::111122223333:assumed-role/putevents-connector/x\n", done.stderr


def test_reaching_a_host_says_name_connection_and_certificate(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("me").write(tmp_path, "me"))
    with running_http_server(sts, context) as server:
        program, port = python_of(of("debug"))[:-2], server.port
        trusted = ended([*program, "localhost", str(port)], SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        strange = ended([*program, "localhost", str(port)])
    assert re.search(r"connected to 127.0.0.1\nTLSv1.3 certificate ends \w+", trusted.stdout), trusted.stderr
    assert "connected to 127.0.0.1" in strange.stdout
    assert "certificate verify failed" in strange.stderr
    closed = ended([*program, "localhost", str(port)])
    assert "127.0.0.1" in closed.stdout
    assert "Connection refused" in closed.stderr


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_nothing_is_run_in_a_container_that_the_image_does_not_have(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"kubectl[^\n]*\bexec\b", text)
    assert not re.search(r"-- +(?:sh|bash|curl|aws|nslookup)\b", text)
    assert "--previous |" not in text  # the reason is the last line, and there is nothing to cut
