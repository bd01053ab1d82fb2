"""Files go to Amazon S3 by boto3's transfer: with the real SDK, against a small server on loopback."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

from connector.aws.credentials import NotConfigured
from connector.exits import Exit
from connector.exporting.uploading import Place, Uploader, place_of
from connector.ports import Refused, Unavailable
from tests.exporting.exports import event
from tests.exporting.test_command import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.local.mock_cluster import MockCluster

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("logs_as_before")]


class Bucket:
    """What a server keeps: objects by key. ``denied``: it refuses to take any; ``parts`` were sent one by one."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self.denied = ""
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    bucket: Bucket

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._read()
        name, query = self._asked()
        if name != "shop":
            self._error(404, "NoSuchBucket")
            return
        prefix = query.get("prefix", [""])[0]
        found = [key for key in self.bucket.objects if key.startswith(prefix) and "/" not in key[len(prefix) :]]
        keys = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in found)
        self._answer(f"<ListBucketResult><KeyCount>{len(found)}</KeyCount>{keys}</ListBucketResult>")

    def do_PUT(self) -> None:
        body, query = self._read(), self._asked()[1]
        if self.bucket.denied:
            self._error(403, self.bucket.denied)
        elif "partNumber" in query:
            self.bucket.parts[int(query["partNumber"][0])] = body
            self._answer("", ETag='"part"')
        else:
            self.bucket.objects[self._key()] = body
            self._answer("", ETag='"whole"')

    def do_POST(self) -> None:
        self._read()
        if "uploads" in self._asked()[1]:
            self._answer("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
            return
        self.bucket.objects[self._key()] = b"".join(self.bucket.parts[number] for number in sorted(self.bucket.parts))
        self._answer("<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path.split("/")[1], parse_qs(parts.query, keep_blank_values=True)

    def _key(self) -> str:
        return urlsplit(self.path).path.split("/", 2)[2]

    def _read(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        found = b""
        while (head := re.match(rb"([0-9a-fA-F]+)[^\r]*\r\n", body)) and int(head[1], 16):
            found += body[head.end() : head.end() + int(head[1], 16)]
            body = body[head.end() + int(head[1], 16) + 2 :]
        return found

    def _answer(self, text: str, status: int = 200, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "application/xml"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self._answer(f"<Error><Code>{code}</Code><Message>no</Message></Error>", status)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    bucket = Bucket()
    handler = type("_Handler", (Handler,), {"bucket": bucket, "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in {
        "AWS_ENDPOINT_URL_S3": bucket.url,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield bucket
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(cluster: MockCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(cluster.bootstrap_servers, tmp_path, capsys)


def export(shop: Shop, code: int = Exit.OK) -> tuple[str, str]:
    work = str(shop.folder / "work")
    return shop.run("export", str(shop.path), "--to", "s3://shop/history", "--work", work, code=code)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://shop", Place("shop", "")),
        ("s3://shop/", Place("shop", "")),
        ("s3://shop/a/b", Place("shop", "a/b/")),
        ("s3://shop/a/b/", Place("shop", "a/b/")),
        ("s3:///a", None),
    ],
)
def test_a_place_is_a_bucket_and_a_folder(url: str, place: Place | None) -> None:
    assert place_of(url) == place


def test_only_rows_are_uploaded_and_the_rest_stays_here(shop: Shop, bucket: Bucket) -> None:
    shop.produce([event()])
    out, _ = export(shop)
    assert bucket.objects.keys() == {"history/interactions-00001.csv"}
    assert (
        bucket.objects["history/interactions-00001.csv"]
        == (shop.folder / "work" / "interactions-00001.csv").read_bytes()
    )
    assert (shop.folder / "work" / "cutover.json").exists()
    assert "dataLocation=s3://shop/history/" in out
    assert "aws s3 cp" not in out


def test_a_large_file_goes_in_parts(bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "interactions-00001.csv"
    content = b"USER_ID,ITEM_ID\n" + b"u,i\n" * 5_000_000
    path.write_bytes(content)
    gone: list[int] = []
    Uploader(Place("shop", "h/"), None)([path], gone.append)
    assert bucket.objects["h/interactions-00001.csv"] == content
    assert len(bucket.parts) > 1
    assert sum(gone) == len(content)


def test_a_folder_with_other_files_is_refused_before_anything_is_read(shop: Shop, bucket: Bucket) -> None:
    bucket.objects["history/other.csv"] = b"x"
    assert "holds files already" in export(shop, Exit.REFUSED)[1]
    assert not (shop.folder / "work").exists()


def test_an_upload_that_failed_is_gone_on_with(shop: Shop, bucket: Bucket) -> None:
    shop.produce([event()])
    bucket.denied = "AccessDenied"
    _, err = export(shop, Exit.REFUSED)
    assert "allow s3:ListBucket and s3:PutObject" in err
    assert not (shop.folder / "work" / "cutover.json").exists()
    bucket.denied = ""
    bucket.objects["history/interactions-00001.csv"] = b"of the attempt before"
    assert "goes on with the unfinished export" in export(shop)[1]
    assert bucket.objects["history/interactions-00001.csv"].endswith(b"u,i,1764000000,View\n")


def test_what_s3_says_becomes_a_message_with_a_remedy(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="no such bucket"):
        Uploader(Place("gone", ""), None).require_empty()
    path = tmp_path / "a.csv"
    path.write_text("x\n")
    bucket.denied = "QuotaExceeded"
    with pytest.raises(Unavailable, match="QuotaExceeded"):
        Uploader(Place("shop", ""), None)([path])
    bucket.denied = "SignatureDoesNotMatch"
    with pytest.raises(Refused, match="SignatureDoesNotMatch"):
        Uploader(Place("shop", ""), None)([path])
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="does not answer"):
        Uploader(Place("shop", ""), None).require_empty()


def test_without_credentials_it_is_said_before_anything_is_read(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert bucket.objects == {}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(NotConfigured, match="no AWS credentials"):
        Uploader(Place("shop", ""), None).require_empty()
