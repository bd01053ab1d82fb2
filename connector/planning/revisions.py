"""A file as git has it at a revision: ``origin/main:putevents.yaml``, with the files beside it that it refers to.

git's own command is asked, so that everything which names a commit for git does so here. A path is looked for below the
current folder first, as that of the other version is, then from the top of the repository, as git itself does it.
"""

import os
import posixpath
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from connector.config import Loaded, Problem, load, load_text
from connector.config.loading import MAX_BYTES
from connector.config.yaml_tree import parse
from connector.core.words import closest

_SECONDS = 60.0  # for an answer of git


class NoRevision(Exception):
    """The file cannot be had from git; the message says why and what to do."""


class Spot(NamedTuple):
    """A revision, and a path in it; ``revision`` is empty for the index, what will be committed next."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{self.revision}:{self.path}"


def spot_of(name: str) -> Spot | None:
    """What ``REV:path`` names; None for the name of a file."""
    revision, colon, path = name.partition(":")
    return Spot(revision, path) if colon and path and not Path(name).exists() else None


def load_version(name: str, env: Mapping[str, str]) -> Loaded | list[Problem]:
    """The file, or the file at a revision.

    Raises:
        NoRevision: git cannot give it.
    """
    spot = spot_of(name)
    if spot is None:
        return load(name, env)
    repository = _Repository(spot)
    raw = repository.content(repository.path)
    if len(raw) > MAX_BYTES:
        raise NoRevision(f"{name}: expected a file of at most 4 MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoRevision(f"{name}: expected UTF-8 text") from None
    with _in_a_copy(repository, text):
        return load_text(text, name, env)


def _git(words: Sequence[str], about: str) -> bytes:
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        ran = subprocess.run(  # noqa: S603  no shell, and no word of the user's that could be an option
            ["git", "--no-pager", *words],  # noqa: S607  the one that the user has
            capture_output=True,
            check=True,
            timeout=_SECONDS,
            env=environment,
        )
    except FileNotFoundError:
        raise NoRevision(f"{about}: expected git to read it with: it is not installed; give a file instead") from None
    except subprocess.TimeoutExpired:
        raise NoRevision(f"{about}: git did not answer within {_SECONDS:g} s") from None
    return ran.stdout


def _reason(error: subprocess.CalledProcessError) -> str:
    """The first line of what git says."""
    said: bytes = error.stderr
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
    return lines[0].removeprefix("fatal: ")


class _Repository:
    """The repository around the current folder, at one revision."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        try:
            self._prefix = _git(["rev-parse", "--show-prefix"], str(spot)).decode().strip()
        except subprocess.CalledProcessError as error:
            reason = _reason(error)
            if "not a git repository" in reason:
                hint = "no git repository is around this folder; change to one, or give the path of a file that exists"
                raise NoRevision(f"{spot}: expected a file, or REV:path of git: {hint}") from None
            raise NoRevision(f"{spot}: git refuses: {reason}") from None
        self._commit = self._resolved()
        self._names = frozenset(self._listed())
        self.path = self._found()

    def content(self, path: str) -> bytes:
        """The bytes of a file, by its path from the top."""
        try:
            return _git(["cat-file", "blob", f"{self._commit}:{path}"], str(self._spot))
        except subprocess.CalledProcessError as error:
            raise NoRevision(f"{self._spot}: expected a file: git says {_reason(error)}") from None

    def inside(self, path: str) -> str | None:
        """A path from the top of a file of this revision, given by one from the current folder; None: it has none."""
        name = _below(self._prefix, path)
        return name if name in self._names else None

    def _resolved(self) -> str:
        revision = self._spot.revision
        if not revision:
            return ""
        if revision.startswith("-"):  # git would take it for an option
            raise NoRevision(f"{self._spot}: expected a revision of this repository, which begins with no dash")
        try:
            return (
                _git(["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], str(self._spot)).decode().strip()
            )
        except subprocess.CalledProcessError:
            raise NoRevision(f"{self._spot}: expected a revision of this repository: {self._advice()}") from None

    def _advice(self) -> str:
        known = _git(["for-each-ref", "--format=%(refname:short)"], str(self._spot)).decode().split()
        meant = closest(self._spot.revision, known)
        if meant:
            return f"did you mean {meant}:{self._spot.path}?"
        remote, slash, branch = self._spot.revision.partition("/")
        fetch = f"`git fetch {remote} {branch}`" if slash and not remote.startswith("-") else "`git fetch`"
        return f"there is none of this name; {fetch} brings what the server has (in CI: a checkout with fetch-depth: 0)"

    def _listed(self) -> list[str]:
        words = (
            ["ls-tree", "-r", "-z", "--name-only", "--full-tree", self._commit]
            if self._commit
            else ["ls-files", "-z", "--full-name", ":/"]
        )
        return _git(words, str(self._spot)).decode("utf-8", "surrogateescape").split("\0")

    def _found(self) -> str:
        for name in (_below(self._prefix, self._spot.path), _below("", self._spot.path)):
            if name in self._names:
                return name
        meant = closest(self._spot.path, self._names) or self._alike()
        hint = f"did you mean {self._spot.revision}:{meant}?" if meant else "give a file of that revision"
        where = f"at {self._spot.revision}" if self._spot.revision else "in the index"
        raise NoRevision(f"{self._spot}: expected a file that git has {where}: {hint}")

    def _alike(self) -> str | None:
        """A file of the same name in another folder."""
        wanted = posixpath.basename(self._spot.path)
        return next((name for name in sorted(self._names) if posixpath.basename(name) == wanted), None)


def _below(prefix: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(prefix, path))


@contextmanager
def _in_a_copy(repository: _Repository, text: str) -> Iterator[None]:
    """Change to a folder in which relative paths of the file lead to the files of the revision.

    A file that git does not have, such as a secret, is that of the current folder. The copy has the same path below
    another root, so that ``../schemas`` leads to where it should.
    """
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="putevents-plan-") as root:
        copy = Path(root, *here.parts[1:])
        copy.mkdir(parents=True)
        for name in sorted(set(_relative(parse(text).data))):
            target = Path(os.path.normpath(copy / name))
            if target.is_relative_to(root) and not os.path.lexists(target):
                _place(repository, here / name, target, name)
        os.chdir(copy)
        try:
            yield
        finally:
            os.chdir(here)


def _place(repository: _Repository, original: Path, target: Path, name: str) -> None:
    inside = repository.inside(name)
    if inside is None and not os.path.isfile(original):  # noqa: PTH113  Path raises for a name that is too long
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if inside is not None:
        target.write_bytes(repository.content(inside))
    else:
        target.symlink_to(os.path.normpath(original))


def _relative(node: Any) -> Iterator[str]:
    """Texts of the file that could be relative paths; whether they are shows where such a file exists."""
    if isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _relative(each)
    elif isinstance(node, str) and 0 < len(node) < 256 and node.isprintable() and not node.startswith(("/", ".git/")):
        yield node
