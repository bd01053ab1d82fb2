"""Write the copies of deploy/ and the table of docs/kubernetes.md again: ``python -m tests.deploy``."""

import sys

from tests.deploy.copies import COPIES

for path, content in COPIES.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content())
    sys.stderr.write(f"{path}\n")
