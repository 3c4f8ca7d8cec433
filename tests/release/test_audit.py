"""Output and exit status of `make audit`, the table of docs/SECURITY.md, and the lowest versions of our requirements."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.other_pythons import requirements
from tests.release.audit import PAGE, cured_versions, installed_requirements, known_findings, verdict

REQUIREMENTS = {
    requirement.name: requirement for requirement in map(Requirement, requirements()) if not requirement.extras
}


def floor(requirement: Requirement) -> Version:
    """Return the lowest version that a requirement allows."""
    [lowest] = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
    return lowest


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_a_floor_and_what_is_installed_is_in_its_range(name: str) -> None:
    assert floor(REQUIREMENTS[name])
    assert Version(version(name)) in REQUIREMENTS[name].specifier


CURED = cured_versions(PAGE.read_text("utf-8"))


def test_the_page_on_security_names_each_cure_of_a_package_that_we_require() -> None:
    assert len(CURED) >= 10
    assert set(CURED) <= set(REQUIREMENTS)


def test_a_cured_version_can_be_installed_next_to_every_requirement() -> None:
    """No requirement's upper bound keeps users on a vulnerable version."""
    assert [
        name
        for name, (cure, _) in CURED.items()
        if floor(REQUIREMENTS[name]) < Version(cure) and Version(cure) not in REQUIREMENTS[name].specifier
    ] == []


def test_what_is_installed_here_has_no_vulnerability_that_the_page_names() -> None:
    installed = installed_requirements()
    assert set(CURED) <= set(installed)
    assert known_findings(installed, CURED) == []


@pytest.mark.parametrize(("version_found", "is_finding"), [("2.6.3", True), ("2.7.0", False), ("2.10.0", False)])
def test_an_installed_version_below_its_cure_is_named_with_the_advisory(
    version_found: str, *, is_finding: bool
) -> None:
    findings = known_findings({"urllib3": version_found}, {"urllib3": ("2.7.0", "CVE-1"), "absent": ("1.0", "CVE-2")})
    assert findings == ([f"urllib3 {version_found}: CVE-1, fixed in 2.7.0"] if is_finding else [])


@pytest.mark.parametrize(
    ("name", "pinned"),
    [("requests", "2.32.5"), ("urllib3", "2.2.3"), ("certifi", "2023.11.17")],
)
def test_an_application_with_older_pins_can_install_the_package(name: str, pinned: str) -> None:
    assert Version(pinned) in REQUIREMENTS[name].specifier


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
        "no vulnerability data for 1, this is not an all-clear: h11",
        "urllib3 2.6.3: CVE-2026-44431, fixed in no version",
    ]


@pytest.mark.parametrize(
    ("said", "status"), [("requests.exceptions.ConnectionError: no route", 0), ("TypeError: a bug of pip-audit", 1)]
)
def test_an_audit_without_a_result_passes_offline_only(said: str, status: int) -> None:
    lines, actual = verdict("", said)
    assert actual == status
    assert lines == [f"pip-audit gave no result, so nothing was audited: {said}"]
