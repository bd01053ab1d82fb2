"""Runs in the image, fed to its Python: each kind of credentials is found, and what was found signs a call.

STS and the container's agent of credentials are stand-ins on the loopback interface; the endpoint takes one pair of
keys and verifies signatures in full, so an event is accepted only where just those credentials were used. Prints one
JSON object: what was tried, and how it ended.
"""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.session

from connector.aws.calls import EventsClient
from connector.aws.credentials import Account, Role
from connector.core.records import Entry, Record, TopicPartition
from connector.core.sending.lanes import Batch, Item
from connector.core.sending.offsets import PartitionOffsets
from connector.local.endpoint.faults import Faults
from connector.local.endpoint.server import running_endpoint

ROLE = "arn:aws:iam::123456789012:role/events"
EVENT = b'{"eventType":"View","sentAt":1700000000,"itemId":"i-1"}'
UNTIL = "2096-11-24T12:00:00Z"
TOKEN = Path("/tmp/token")  # noqa: S108  # of a container of its own
PAIR = {"AWS_ACCESS_KEY_ID": "AKIASTATIC", "AWS_SECRET_ACCESS_KEY": "static-secret"}


def xml(action: str, key: str, secret: str) -> str:
    keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
    rest = f"<SessionToken>t</SessionToken><Expiration>{UNTIL}</Expiration>"
    credentials = f"<Credentials>{keys}{rest}</Credentials>"
    user = "<Arn>arn:aws:sts::1:assumed-role/a/b</Arn><AssumedRoleId>A:b</AssumedRoleId>"
    result = f"{credentials}<AssumedRoleUser>{user}</AssumedRoleUser>"
    return f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"


class Services(BaseHTTPRequestHandler):
    """STS by POST, and the agent of Pod Identity by GET."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind = "WebIdentity" if "AssumeRoleWithWebIdentity" in body else ""
        action = f"AssumeRoleWith{kind}" if kind else "AssumeRole"
        self.reply(xml(action, f"ASIA{kind.upper() or 'ROLE'}", "sts-secret"))

    def do_GET(self) -> None:
        keys = {"AccessKeyId": "ASIAPOD", "SecretAccessKey": "pod-secret", "Token": "t", "Expiration": UNTIL}
        self.reply(json.dumps(keys))

    def reply(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def services() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def send(credentials: dict[str, str], environment: dict[str, str], role: Role | None = None) -> str:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", **environment}
    opened = PartitionOffsets(TopicPartition("clicks", 0)).track(Record("clicks", 0, 0, None, None, b"{}"))
    assert opened is not None  # a first record is never a repeat
    batch = Batch("tracker", "session", None, (Item(Entry("tracker", "session", None, EVENT), opened, 0.0),))
    with running_endpoint(Faults().changed({"credentials": credentials})) as endpoint:

        async def call() -> str:
            client = EventsClient(Account(None, endpoint.url, role), 5.0)
            outcome = await client.send(batch)
            client.close()
            return type(outcome).__name__

        return asyncio.run(call())


def clients() -> list[str]:
    session = botocore.session.get_session()
    made = []
    for service in session.get_available_services():
        session.create_client(service, "eu-west-1")
        made.append(service)
    return made


def main() -> None:
    with services() as url:
        TOKEN.write_text("token")
        sts = {"AWS_ENDPOINT_URL_STS": url}
        web = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(TOKEN)}
        pod = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}
        results: dict[str, Any] = {
            "environment": send({"AKIASTATIC": "static-secret"}, PAIR),
            "wrong pair": send({"AKIASTATIC": "another"}, PAIR),
            "assumed role": send({"ASIAROLE": "sts-secret"}, PAIR | sts, Role(ROLE, None, "inside")),
            "web identity": send({"ASIAWEBIDENTITY": "sts-secret"}, web | sts),
            "pod identity": send({"ASIAPOD": "pod-secret"}, pod),
            "clients": clients(),
        }
    print(json.dumps(results))  # noqa: T201  # read by the test


if __name__ == "__main__":
    main()
