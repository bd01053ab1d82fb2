"""A copy of the repository whose core is compiled to C, so that tests and benchmarks can be run over that.

    python -m tools.compiled .cache/compiled

Run them there, with PYTHONPATH naming it: ``make compiled`` does. The copy is not the wheel but has all that is in it.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from tools import build_backend

ROOT = Path(__file__).parents[1]
SOURCES = ("connector/", "setup.py", "pyproject.toml", "constraints.txt", "tools/build_backend.py")


def files() -> list[str]:
    """What the repository consists of, as git knows it; paths below ``ROOT``."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()  # noqa: S603
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy(folder: Path) -> None:
    """Make the copy the same as the repository. What was compiled goes where a file differs that it comes from."""
    wanted = {name: (ROOT / name).read_bytes() for name in files()}
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
    kept = {name for name in here if name in wanted and (folder / name).read_bytes() == wanted[name]}
    different = (here | wanted.keys()) - kept
    if any(name.startswith(SOURCES) and not name.endswith((".so", ".pyc")) for name in different):
        for path in folder.rglob("*.so"):
            path.unlink()
    for name in different - wanted.keys():
        if not name.endswith(".so"):
            (folder / name).unlink()
    for name in different & wanted.keys():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(wanted[name])
        target.chmod((ROOT / name).stat().st_mode)


def compile_in(folder: Path) -> None:
    """Build a wheel of the copy, and take what is compiled of it."""
    os.environ[build_backend.CHOICE] = "1"
    os.chdir(folder)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = Path(scratch, build_backend.build_wheel(scratch))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".so")])
    for left in ("build", "putevents_connector.egg-info"):
        shutil.rmtree(left, ignore_errors=True)


def main() -> int:
    """Make or renew the copy that the argument names; the exit code."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    copy(folder)
    # Of this interpreter: what another one compiled is not loaded by it.
    if not any(folder.glob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}")):
        sys.stderr.write(f"compiling the core in {folder} (a minute or two)\n")
        compile_in(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
