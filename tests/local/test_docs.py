"""The code in docs/local.md runs as it stands, and its tables say what is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pinecone_assistant_local.command import _parser
from pinecone_assistant_local.faults import FaultOptions

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "local.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"(<!-- test: (?P<by>[^>]*) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)
BLOCKS = list(_BLOCK.finditer(TEXT))


@pytest.mark.parametrize(
    "code", [block["code"] for block in BLOCKS if not block["by"]], ids=lambda code: f"block of {len(code)} characters"
)
def test_each_block_runs_alone(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(code, "docs/local.md", "exec"), {"__name__": "docs"})


def test_the_example_of_the_fixture_is_a_test(request: pytest.FixtureRequest) -> None:
    """Its function is called with the fixture, and an application that asks the assistant."""
    import os  # noqa: PLC0415  (what a user's application would do)

    import requests  # noqa: PLC0415

    def my_application(question: str) -> str:
        url = f"{os.environ['PINECONE_ASSISTANT_HOST']}/assistant/chat/{os.environ['PINECONE_ASSISTANT_NAME']}"
        body = {"messages": [{"role": "user", "content": question}]}
        headers = {"Api-Key": os.environ["PINECONE_API_KEY"]}
        return str(requests.post(url, json=body, headers=headers, timeout=20).json()["message"]["content"])

    [code] = [block["code"] for block in BLOCKS if block["by"]]
    names: dict[str, object] = {"my_application": my_application}
    exec(compile(code, "docs/local.md", "exec"), names)
    test = names["test_my_answer"]
    assert callable(test)
    test(request.getfixturevalue("local_assistant"))


def test_every_option_of_serve_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["serve", "--help"])
    options = set(re.findall(r"(?<!\w)--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) > 8
    assert [option for option in sorted(options) if f"`{option}" not in TEXT] == []


def test_every_option_of_a_fault_is_explained() -> None:
    section = TEXT.partition("## Faults on demand")[2].partition("\n## ")[0]
    assert [option for option in FaultOptions.__annotations__ if not re.search(rf"\b{option}\b", section)] == []
