"""Look for known vulnerabilities in every package that a user installs with this one: `make audit`.

Installed versions are compared with the table of docs/SECURITY.md, which needs no network, and with the data of the package
index. A finding fails. If the index has no such data, the audit reports that and does not fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PACKAGE = "pinecone-assistant-integrations"
PAGE = Path(__file__).parents[2] / "docs" / "SECURITY.md"


def installed_requirements() -> dict[str, str]:
    """Return the installed version of each package that `pip install pinecone-assistant-integrations[all]` installs."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(PACKAGE, "all")]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            here = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform
        found[canonicalize_name(name)] = here.version
        for requirement in map(Requirement, here.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    del found[PACKAGE]
    return found


def cured_versions(page: str) -> dict[str, tuple[str, str]]:
    """Return the page's table: each package with the version that fixes its last known vulnerability, and that vulnerability."""
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[\w.]*) \| ([^|]+) \|$", page, re.MULTILINE)
    return {name: (version, advisory) for name, version, advisory in rows}


def known_findings(installed: dict[str, str], cured: dict[str, tuple[str, str]]) -> list[str]:
    """Return one line for each installed package that is older than its fixed version."""
    return [
        f"{name} {installed[name]}: {advisory}, fixed in {version}"
        for name, (version, advisory) in cured.items()
        if name in installed and Version(installed[name]) < Version(version)
    ]


def main() -> int:
    """Print the findings; returns 1 for a known vulnerability or an audit that did not run."""
    found = installed_requirements()
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in sorted(found.items())), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--no-deps", "--disable-pip", "-f", "json"],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    lines, status = verdict(done.stdout, done.stderr)
    known = known_findings(found, cured_versions(PAGE.read_text(encoding="utf-8")))
    print("\n".join([f"{len(known)} installed versions that docs/SECURITY.md names as vulnerable", *known, *lines]))
    return int(bool(known)) or status


def verdict(stdout: str, stderr: str) -> tuple[list[str], int]:
    """Interpret pip-audit's output: returns lines to show, and 1 if the audit fails."""
    try:
        audited = json.loads(stdout)["dependencies"]
    except ValueError:
        offline = "ConnectionError" in stderr or "ServiceError" in stderr  # not a finding
        return [f"pip-audit gave no result, so nothing was audited: {stderr.strip()[-300:]}"], int(not offline)
    skipped = [entry["name"] for entry in audited if "skip_reason" in entry]
    findings = [
        f"{entry['name']} {entry['version']}: {issue['id']}, fixed in {', '.join(issue['fix_versions']) or 'no version'}"
        for entry in audited
        for issue in entry.get("vulns", ())
    ]
    lines = [f"{len(audited) - len(skipped)} of {len(audited)} packages audited, {len(findings)} known vulnerabilities"]
    if len(skipped) == len(audited):
        lines.append(
            "NOTHING WAS AUDITED: this machine's package index has no vulnerability data. This is not an all-clear."
        )
    elif skipped:
        lines.append(f"no vulnerability data for {len(skipped)}, this is not an all-clear: {', '.join(skipped)}")
    return [*lines, *findings], int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
