"""What pyproject.toml cannot say: where this distribution is published.

``SOURCE``, the address of the repository, is given by who builds it, as for the image:

    SOURCE=https://github.com/OWNER/putevents-connector pip wheel --no-deps .

It makes the project's links, and those of README.md, of which the page of a package index consists: there a path of the
repository leads nowhere. Without an address they become plain text, rather than links that are broken.
"""

import os
import re
from functools import partial
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
ELSEWHERE = re.compile(r"[a-z]+:|//|#")  # begins a target that is no path of the repository

# A picture may stand inside a link, so pictures come first.
PICTURE = re.compile(r"!\[(?P<text>[^]]*)]\((?P<path>[^)\s]+)\)")
PICTURE_TAG = re.compile(r'<img\b[^>]*?\bsrc="(?P<path>[^"]+)"[^>]*?\balt="(?P<text>[^"]*)"[^>]*>')
LINK = re.compile(r"(?<!!)\[(?P<text>(?:!\[[^]]*]\([^)]*\)|[^][])*)]\((?P<path>[^)\s]+)\)")
LINK_TAG = re.compile(r'<a\b[^>]*?\bhref="(?P<path>[^"]+)"[^>]*>(?P<text>.*?)</a>', re.DOTALL)


def description(text: str, base: str | None, ref: str) -> str:
    """README.md for a page that is not in the repository.

    Args:
        text: Markdown.
        base: the address of the repository, None where it is not known.
        ref: the tag or commit that links lead to.
    """
    for pattern, kind in ((PICTURE, "raw"), (PICTURE_TAG, "raw"), (LINK, "blob"), (LINK_TAG, "blob")):
        text = pattern.sub(partial(_absolute, base=base and f"{base}/{kind}/{ref}"), text)
    return text


def _absolute(found: re.Match[str], *, base: str | None) -> str:
    path = found["path"]
    if ELSEWHERE.match(path):
        return found[0]
    if base is None:
        return found["text"]
    start, end = found.start("path") - found.start(), found.end("path") - found.start()
    return f"{found[0][:start]}{base}/{path}{found[0][end:]}"


def urls(base: str | None, ref: str) -> dict[str, str]:
    """The project's links, none where its address is not known."""
    if base is None:
        return {}
    return {
        "Source": base,
        "Documentation": f"{base}/blob/{ref}/README.md",
        "Changelog": f"{base}/blob/{ref}/CHANGELOG.md",
    }


def version() -> str:
    """That of the package, without importing it."""
    text = (HERE / "connector" / "__init__.py").read_text(encoding="utf-8")
    return str(re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)[0])


if __name__ == "__main__":
    address = os.environ.get("SOURCE", "").rstrip("/") or None
    tag = f"v{version()}"
    setup(
        long_description=description((HERE / "README.md").read_text(encoding="utf-8"), address, tag),
        long_description_content_type="text/markdown",
        project_urls=urls(address, tag),
    )
