"""Small git repositories, with nothing of the user's own settings."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

SETTINGS = {"user.name": "t", "user.email": "t@example.com", "commit.gpgsign": "false", "core.hooksPath": "/dev/null"}


def git(folder: Path, *words: str) -> str:
    """The output of git in a folder."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    ran = subprocess.run(["git", *settings, *words], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A repository with these files committed on its branch main."""
    git(folder, "init", "-q", "-b", "main")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder
