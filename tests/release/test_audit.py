"""What `make audit` says and when it fails, and the floors of what users install: above every vulnerability known here."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.other_pythons import requirements
from tests.release.audit import verdict

# The lowest version without a vulnerability that was known in November 2026, and the last one fixed.
SAFE = {
    "aiohttp": ("3.14.3", "CVE-2026-69244"),
    "certifi": ("2024.7.4", "CVE-2024-39689"),
    "h11": ("0.16.0", "CVE-2025-43859"),
    "langchain-core": ("1.4.9", "CVE-2026-45134"),
    "llama-index-core": ("0.13.0", "CVE-2025-7707"),
    "pillow": ("12.3.0", "PYSEC-2026-3453"),
    "python-multipart": ("0.0.30", "CVE-2026-53538"),
    "requests": ("2.33.0", "CVE-2026-25645"),
    "starlette": ("1.3.1", "CVE-2026-54283"),
    "urllib3": ("2.7.0", "CVE-2026-44431, CVE-2026-44432"),
}
REQUIREMENTS = {
    requirement.name: requirement for requirement in map(Requirement, requirements()) if not requirement.extras
}


def floor(requirement: Requirement) -> Version:
    """The lowest version that a requirement allows."""
    [lowest] = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
    return lowest


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_a_floor_and_what_is_installed_is_in_its_range(name: str) -> None:
    assert floor(REQUIREMENTS[name])
    assert Version(version(name)) in REQUIREMENTS[name].specifier


@pytest.mark.parametrize("name", SAFE)
def test_no_floor_allows_a_version_with_a_known_vulnerability(name: str) -> None:
    safe, advisory = SAFE[name]
    assert floor(REQUIREMENTS[name]) >= Version(safe), advisory


def entry(**more: object) -> dict[str, object]:
    return {"name": "urllib3", "version": "2.6.3", **more}


def output(*entries: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(entries), "fixes": []})


def test_an_audit_that_finds_something_fails_and_names_it() -> None:
    issue = {"id": "CVE-2026-44431", "fix_versions": ["2.7.0"]}
    lines, status = verdict(output(entry(vulns=[issue]), {"name": "h11", "version": "0.16.0", "vulns": []}), "")
    assert status == 1
    assert lines == [
        "2 of 2 packages audited, 1 known vulnerabilities",
        "urllib3 2.6.3: CVE-2026-44431, fixed in 2.7.0",
    ]


def test_an_audit_that_finds_nothing_passes() -> None:
    assert verdict(output(entry(vulns=[])), "") == (["1 of 1 packages audited, 0 known vulnerabilities"], 0)


def test_an_index_without_data_is_said_plainly_and_does_not_fail() -> None:
    lines, status = verdict(output(entry(skip_reason="not found")), "")
    assert status == 0
    assert lines[0] == "0 of 1 packages audited, 0 known vulnerabilities"
    assert "NOTHING WAS AUDITED" in lines[1]


def test_a_finding_fails_also_where_data_is_missing_for_others() -> None:
    issue = {"id": "CVE-2026-44431", "fix_versions": []}
    lines, status = verdict(output(entry(vulns=[issue]), {"name": "h11", "skip_reason": "not found"}), "")
    assert status == 1
    assert lines[1:] == [
        "no vulnerability data for 1, this is no all-clear: h11",
        "urllib3 2.6.3: CVE-2026-44431, fixed in no version",
    ]


@pytest.mark.parametrize(
    ("said", "status"), [("requests.exceptions.ConnectionError: no route", 0), ("TypeError: a bug of pip-audit", 1)]
)
def test_an_audit_without_a_result_passes_offline_only(said: str, status: int) -> None:
    lines, actual = verdict("", said)
    assert actual == status
    assert lines == [f"pip-audit gave no result, so nothing was audited: {said}"]
