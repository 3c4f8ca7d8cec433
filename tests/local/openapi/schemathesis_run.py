"""schemathesis over Pinecone's OpenAPI descriptions against the local assistant: `make openapi`.

Each description gets a server of its own. Every failed check of every request is read from schemathesis' record, not only
the first of its kind, so that an explained finding hides no other. A finding that `schemathesis_explained` does not explain
fails the run.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pinecone_assistant_local import LocalAssistant

from ..documents.made_files import docx, paragraph, pdf
from .descriptions import FOLDER
from .schemathesis_description import FACT, VERSION_HEADER, read_description
from .schemathesis_explained import EXPLAINED, Explanation

NAME, KEY = "docs", "local"
# Metadata that matches the filters in the descriptions' examples.
METADATA = {"genre": "comedy", "year": 2026}
# Deletions come in a second pass, together with the lists: without files an assistant refuses every question.
PASSES = (("--exclude-method", "DELETE"), ("--include-method", "DELETE", "--include-method", "GET"))
# A pass takes 3 to 30 seconds; one that takes this long hangs.
LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Finding:
    """A failed check of one request; the evidence is the request, the message of the check, and the answer."""

    operation: str
    check: str
    evidence: tuple[str, str, str]

    def explanation(self) -> Explanation | None:
        """The reason why it is not a defect, or None."""
        return next(
            (one for one in EXPLAINED if one.explains(self.check, self.operation, "\n".join(self.evidence))), None
        )


@dataclass
class Outcome:
    """Result of the run for one description."""

    name: str
    requests: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Finding]:
        """The findings that fail the run."""
        return [one for one in self.findings if one.explanation() is None]


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return 1 for an unexplained finding or an incomplete run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=FOLDER, help="with *.oas.yaml files; default: %(default)s"
    )
    parser.add_argument("--only", default="", help="only descriptions with this in their name")
    parser.add_argument(
        "--examples", type=int, default=40, help="generated requests of an operation, beside systematic ones"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    descriptions = [path for path in sorted(options.folder.glob("*.oas.yaml")) if options.only in path.name]
    if not descriptions:
        sys.stdout.write(
            f"No *{options.only}*.oas.yaml in {options.folder}: give the folder with Pinecone's descriptions.\n"
        )
        return 2
    outcomes = []
    for path in descriptions:
        sys.stdout.write(f"{path.name} ...\n")
        sys.stdout.flush()
        outcomes.append(run(path, options.examples, options.seed))
    sys.stdout.writelines(f"{line}\n" for line in report(outcomes))
    return int(any(outcome.unexplained or outcome.errors for outcome in outcomes))


def run(path: Path, examples: int, seed: int) -> Outcome:
    """Run schemathesis over one description."""
    version = path.name.removesuffix(".oas.yaml").rpartition("_")[2]
    with tempfile.TemporaryDirectory() as made, LocalAssistant(api_key=KEY, name=NAME) as local:
        folder = Path(made)
        description = read_description(path)
        (folder / "openapi.json").write_text(json.dumps(description, default=str), encoding="utf-8")
        # Requests for an assistant that is not there end in 404 before anything else of them is looked at. In the control
        # plane, where assistants are deleted, schemathesis takes the names from the answers.
        pinned = "" if "_control_" in path.name else f'[parameters]\n"path.assistant_name" = "{NAME}"\n'
        (folder / "schemathesis.toml").write_text(pinned, encoding="utf-8")
        local.upload_text("pine.md", FACT, METADATA)
        for name, content in (("pine.pdf", pdf([FACT])), ("pine.docx", docx(paragraph(FACT)))):
            (folder / name).write_bytes(content)
            local.upload(folder / name, metadata=METADATA)
        outcome = Outcome(path.name)
        has_deletions = any("delete" in methods for methods in description["paths"].values())
        for methods in PASSES if has_deletions else PASSES[:1]:
            command = [
                str(Path(sys.executable).with_name("st")), "--config-file", "schemathesis.toml", "run", "openapi.json",
                "--url", f"{local.host}/assistant", "-H", f"Api-Key: {KEY}", "-H", f"{VERSION_HEADER}: {version}", *methods,
                "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--max-examples", str(examples),
                "--seed", str(seed), "--request-timeout", "20", "--generation-database", "none", "--no-color",
                "--report", "json,ndjson", "--report-json-path", "report.json", "--report-ndjson-path", "events.ndjson",
            ]  # fmt: skip
            _run_pass(command, folder, outcome)
    return outcome


def _run_pass(command: list[str], folder: Path, outcome: Outcome) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        outcome.errors.append(f"not done after {LIMIT_SECONDS} seconds")
        return
    if done.returncode not in (0, 1):
        outcome.errors.append(f"schemathesis ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
        return
    whole = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    outcome.errors += [json.dumps(error)[:1000] for error in whole["errors"]]
    if whole["operations"]["tested"] < whole["operations"]["selected"]:
        outcome.errors.append(f"not every operation was tested: {whole['operations']}")
    with (folder / "events.ndjson").open(encoding="utf-8") as lines:
        for line in lines:
            read_event(json.loads(line), outcome)


def read_event(event: dict[str, Any], outcome: Outcome) -> None:
    """Add one event of schemathesis' record."""
    scenario = event.get("ScenarioFinished")
    if scenario is None:
        return
    recorder = scenario["recorder"]
    for case, checks in recorder.get("checks", {}).items():
        outcome.requests[recorder["label"]] += 1
        for check in checks:
            if check["status"] == "failure":
                failure = check["failure_info"]["failure"]
                request, answer = _shown(recorder["interactions"][case])
                evidence = (request, failure["message"], answer)
                outcome.findings.append(Finding(recorder["label"], check["name"], evidence))


def _shown(interaction: dict[str, Any]) -> tuple[str, str]:
    request, response = interaction["request"], interaction.get("response") or {}
    body, content = _text(request.get("body")), _text(response.get("content"))
    return (
        f"{request['method']} {request['uri']} {body}".rstrip(),
        f"{response.get('status_code', 'no answer')} {content}",
    )


def _text(encoded: Any) -> str:
    return base64.b64decode(encoded["$base64"]).decode("utf-8", "replace") if encoded else ""


def report(outcomes: list[Outcome]) -> Iterator[str]:
    """A line for each operation, then the explained findings, then the others with an example of each."""
    yield f"\n{'description':40} {'operation':55} {'requests':>8} {'explained':>9} {'not':>5}"
    for outcome in outcomes:
        of_operation = Counter(one.operation for one in outcome.findings)
        unexplained = Counter(one.operation for one in outcome.unexplained)
        for operation, requests in sorted(outcome.requests.items()):
            bad = unexplained[operation]
            yield f"{outcome.name:40} {operation:55} {requests:8} {of_operation[operation] - bad:9} {bad:5}"
    findings = [one for outcome in outcomes for one in outcome.findings]
    counts = Counter(explanation.reason for one in findings if (explanation := one.explanation()))
    yield "\nExplained (none: the explanation can go, if every description was run):"
    yield from (f"{counts[one.reason] or 'none':>7}  {one.reason}" for one in EXPLAINED)
    for outcome in outcomes:
        yield from _told(outcome)
    requests = sum(sum(outcome.requests.values()) for outcome in outcomes)
    bad = sum(len(outcome.unexplained) for outcome in outcomes)
    yield f"\n{len(outcomes)} descriptions, {requests} requests, {len(findings)} findings, {bad} not explained."


def _told(outcome: Outcome) -> Iterator[str]:
    yield from (f"\n{outcome.name}: {error}" for error in outcome.errors)
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for one in outcome.unexplained:
        kinds.setdefault((one.operation, one.check), []).append(one)
    for (operation, check), found in kinds.items():
        yield f"\nNot explained: {outcome.name}, {operation}: {check}, {len(found)} times, such as"
        for part in found[0].evidence:
            yield "\n".join(f"  {line}" for line in part[:600].splitlines())


if __name__ == "__main__":
    sys.exit(main())
