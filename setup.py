"""What pyproject.toml cannot say: where this distribution is published, and what of it is compiled.

``SOURCE``, the address of the repository, is given by who builds it, as for the image:

    SOURCE=https://github.com/OWNER/putevents-connector pip wheel --no-deps .

It makes the project's links, and those of README.md, of which the page of a package index consists: there a path of the
repository leads nowhere. Without an address they become plain text, rather than links that are broken.

``COMPILED`` becomes C where tools/build_backend.py finds that it can: it says when, and why.
"""

import os
import re
import sys
from functools import partial
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

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


# What every record passes. Not here: pydantic's models, which mypyc does not compile; what a file is checked with, as
# that runs once; and loop.py, in which the interpreter lets the other threads and the signals have their turn.
COMPILED = {
    "connector": "delivery holding counters",
    "connector/core": "records operations rejections",
    "connector/core/expressions": "closures comparisons work",
    "connector/core/formats": "decoded plain framing avro_reading protobuf_walks protobuf_converts",
    "connector/core/mapping": "reading transform rules made scope fields members values times plain_events",
    "connector/core/sending": "offsets lanes mixed versions destination destinations rate flood backpressure",
}
TOLD = "_PUTEVENTS_COMPILING"  # by tools/build_backend.py: must, or try
PURE = "the wheel is pure Python, which takes twice the CPU"
LIBRARY = "putevents_compiled"  # of the file that has all of the code; the modules' own are shells


def extensions(told: str) -> list[Extension]:
    """What is compiled: all of ``COMPILED``, or nothing where nothing was told.

    Raises:
        SystemExit: mypyc refuses the source.
    """
    if not told:
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  only a build that compiles has it

    # The build's environment has no libraries, and so not their types. `make check` judges with all of them.
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", "--no-incremental"]
    modules = [f"{folder}/{name}.py" for folder, names in COMPILED.items() for name in names.split()]
    # -O2: -O3 takes half as long again to build and gains nothing.
    try:
        return list(mypycify([*options, *modules], opt_level="2", debug_level="0", group_name=LIBRARY))
    except SystemExit:
        if told == "must":
            raise
        sys.stderr.write(f"{PURE}: mypyc does not take the source\n")
        return []


class Build(build_ext):  # type: ignore[misc]  # setuptools has no types
    """Where compiling fails halfway, nothing compiled stays: all of it works, or none of it is there."""

    def run(self) -> None:
        """Compile; where that fails, raise what was raised, or go on without where that will do."""
        try:
            super().run()
        except Exception as error:
            if os.environ.get(TOLD) != "try":
                raise
            sys.stderr.write(f"{PURE}: {error}\n")
            for path in Path(self.build_lib).rglob("*.so"):
                path.unlink()


if __name__ == "__main__":
    address = os.environ.get("SOURCE", "").rstrip("/") or None
    tag = f"v{version()}"
    setup(
        long_description=description((HERE / "README.md").read_text(encoding="utf-8"), address, tag),
        long_description_content_type="text/markdown",
        project_urls=urls(address, tag),
        ext_modules=extensions(os.environ.get(TOLD, "")),
        cmdclass={"build_ext": Build},
    )
