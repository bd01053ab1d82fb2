"""A copy of the repository whose core is compiled to C, so that tests and benchmarks can be run over that.

    python -m tools.compiled .cache/compiled

Run them there, with PYTHONPATH naming it: ``make compiled`` does. The copy is not the wheel but has all that is in it.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools import build_backend

ROOT = Path(__file__).parents[1]


def files() -> list[str]:
    """What the repository consists of, as git knows it; paths below ``ROOT``."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()  # noqa: S603
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy(folder: Path) -> bool:
    """Make the copy the same as the repository; whether anything of the connector is different from before."""
    wanted, changed = set(files()), False
    for path in [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]:
        name = str(path.relative_to(folder))
        if name not in wanted and path.suffix != ".so":
            changed |= name.startswith("connector") and path.suffix == ".py"
            path.unlink()
    for name in wanted:
        source, target = ROOT / name, folder / name
        content = source.read_bytes()
        if target.exists() and target.read_bytes() == content:
            continue
        changed |= name.startswith(("connector", "setup.py"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(source.stat().st_mode)
    return changed


def main() -> int:
    """Make or renew the copy that the argument names; the exit code."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    changed = copy(folder)
    if not changed and any(folder.glob("*.so")):
        return 0
    sys.stderr.write(f"compiling the core in {folder} (a minute or two)\n")
    for path in folder.rglob("*.so"):
        path.unlink()
    os.environ[build_backend.CHOICE] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(folder)
        wheel = Path(scratch, build_backend.build_wheel(scratch))
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".so"):
                    archive.extract(name, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
