"""Known vulnerabilities of the pinned dependencies: ``make audit``, which runs pip-audit on PyPI's own data.

What could not be looked up is no success. Behind an index that has no JSON API pip-audit skips every package, says that
no vulnerability is known and ends with 0; here that is a failure, unless AUDIT_MAY_SKIP=1 asks for it to be only said.
"""  # noqa: INP001  a script, not a package

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "constraints.txt"
OPTIONS = ("--no-deps", "--disable-pip", "--vulnerability-service", "pypi", "--progress-spinner", "off")
NO_DATA = (
    "no data: this machine's package index does not answer for vulnerabilities (PyPI's JSON API); run it elsewhere"
)


def main(pip_audit: str, *, may_skip: bool) -> int:
    """0 where every package was looked up and is well; 1 otherwise."""
    command = [pip_audit, "--requirement", str(LOCK), *OPTIONS, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  what make has installed
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:] or ["no word of why"]
        sys.stderr.write(f"audit: NOT AUDITED: pip-audit gave no report: {last[0]}\n")
        return int(not may_skip)
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    vulnerable = [each for each in dependencies if each.get("vulns")]
    for each in vulnerable:
        ids = ", ".join(one["id"] for one in each["vulns"])
        sys.stderr.write(f"audit: {each['name']} {each['version']}: {ids}\n")
    looked_up = len(dependencies) - len(skipped)
    sys.stderr.write(f"audit: {looked_up} of {len(dependencies)} packages looked up, {len(vulnerable)} vulnerable\n")
    if skipped or not dependencies:
        sys.stderr.write(f"audit: NOT AUDITED: {', '.join(skipped) or 'nothing'}\naudit: {NO_DATA}\n")
    return int(bool(vulnerable) or not dependencies or (bool(skipped) and not may_skip))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], may_skip=os.environ.get("AUDIT_MAY_SKIP") == "1"))
