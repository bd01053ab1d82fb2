"""What docs/authentication.md shows is valid, and what it says that the log says is what the code says."""

import json
import re
from pathlib import Path

import pytest

from connector.config import Loaded, load_text
from connector.kafka import errors as refusals
from tests.support.config_files import build
from tests.support.kafka.certificates import Authority

FOLDER = Path(__file__).parents[2] / "docs"
PAGE = (FOLDER / "authentication.md").read_text()
ENV = dict.fromkeys(re.findall(r"\{env: (\w+)\}", PAGE), "x")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page has in /etc/kafka."""
    folder = tmp_path_factory.mktemp("etc")
    authority = Authority()
    (folder / "ca.crt").write_bytes(authority.certificate)
    authority.issue("connector", password="key").write(folder, "tls")
    for name, text in {"password": "p", "client-secret": "s", "key-password": "key\n"}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("block", blocks("yaml"))
def test_every_file_of_the_page_is_valid(mounted: Path, block: str) -> None:
    section = block.partition(":")[0]
    text = build(**{section: block.replace("/etc/kafka", str(mounted))})
    found = load_text(text, "authentication.md", ENV)
    assert isinstance(found, Loaded), found


def test_every_kind_has_a_file_on_the_page() -> None:
    text = "".join(blocks("yaml"))
    assert set(re.findall(r"type: (\w+)", text)) | {"none"} == {"none", "plain", "scram", "oidc", "msk_iam"}


def test_the_policy_that_the_page_links_is_for_its_topics_and_its_group() -> None:
    [link] = re.findall(r"\]\((\.\./deploy/iam/\S+\.json)\)", PAGE)
    policy = json.loads((FOLDER / link).read_text())
    resources = {statement["Resource"].rpartition("/")[2] for statement in policy["Statement"]}
    assert resources >= {"clicks", "clicks.dead-letter", "personalize-clicks"}
    assert "kafka-cluster:Connect" in policy["Statement"][0]["Action"]


def test_what_the_page_says_that_the_log_says_is_said() -> None:
    said = "".join(file.read_text() for file in sorted(Path(refusals.__file__).parent.glob("*.py")))
    said = re.sub(r'"\s*\n\s*f?"', "", said)
    table = PAGE.partition("## What the log says")[2].partition("## AWS")[0]
    for words in re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE):
        for part in words.split(" … ") if " … " in words else [words.removesuffix(" …")]:
            assert part in said, part
