"""How `make openapi` reads schemathesis' record; these tests do not need schemathesis itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from .schemathesis_run import Outcome, main, read_event, report

CONTEXT = "POST /chat/{assistant_name}/context"


def _event(operation: str, *cases: tuple[str, str, str, str]) -> dict[str, Any]:
    """Schemathesis' record of requests: body, failed check, its message, answer."""

    def text(content: str) -> dict[str, str]:
        return {"$base64": base64.b64encode(content.encode()).decode()}

    checks, interactions = {}, {}
    for number, (body, check, message, answer) in enumerate(cases):
        failure = {"name": check, "status": "failure", "failure_info": {"failure": {"message": message}}}
        checks[str(number)] = [{"name": "not_a_server_error", "status": "success"}, failure]
        request = {"method": "POST", "uri": "http://127.0.0.1:1/x", "body": text(body)}
        status, _, content = answer.partition(" ")
        interactions[str(number)] = {"request": request, "response": {"status_code": status, "content": text(content)}}
    return {"ScenarioFinished": {"recorder": {"label": operation, "checks": checks, "interactions": interactions}}}


def _accepted(body: str, what: str) -> tuple[str, str, str, str]:
    message = f"Invalid data should have been rejected\nInvalid component: in body - {what}: Incorrect type"
    return body, "negative_data_rejection", message, '200 {"snippets": []}'


def test_an_explained_finding_hides_no_other_of_its_kind() -> None:
    """Both are invalid data that was accepted by one operation; only the null is explained."""
    outcome = Outcome("made.oas.yaml")
    read_event(_event(CONTEXT, _accepted('{"top_k": null}', "top_k"), _accepted('{"top_k": "x"}', "top_k")), outcome)
    assert len(outcome.findings) == 2
    assert [one.evidence[0] for one in outcome.unexplained] == ['POST http://127.0.0.1:1/x {"top_k": "x"}']
    text = "\n".join(report([outcome]))
    assert '{"top_k": "x"}' in text
    assert text.endswith("1 descriptions, 2 requests, 2 findings, 1 not explained.")


@pytest.mark.parametrize(
    ("body", "what"), [('{"messages": null}', "messages"), ('{"top_k": null, "filter": 1}', "filter")]
)
def test_a_null_explains_only_its_own_optional_field(body: str, what: str) -> None:
    outcome = Outcome("made.oas.yaml")
    read_event(_event(CONTEXT, _accepted(body, what)), outcome)
    assert len(outcome.unexplained) == 1


def test_a_server_error_is_never_explained() -> None:
    outcome = Outcome("made.oas.yaml")
    for operation in (CONTEXT, "GET /files/{assistant_name}", "PATCH /assistants/{assistant_name}", "POST /assistants"):
        read_event(_event(operation, ("{}", "not_a_server_error", "Server error", "500 {}")), outcome)
        read_event(_event(operation, ("{}", "status_code_conformance", "Received: 500", "500 {}")), outcome)
    assert len(outcome.unexplained) == 8


def test_a_folder_without_descriptions_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().out
