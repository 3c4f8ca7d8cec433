"""The README's code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"(<!-- test: (?P<skip>[^>]*) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)


def _blocks(path: Path) -> list[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    return [
        (f"{path.name}:{text[: match.start('code')].count(chr(10)) + 1}", match["code"])
        for match in _BLOCK.finditer(text)
        if not match["skip"]
    ]


@pytest.mark.parametrize(
    ("where", "code"), _blocks(ROOT / "README.md"), ids=lambda value: value.partition("\n")[0][:40]
)
def test_readme_block_runs(where: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python block runs on its own, from the project's root, with no key."""
    monkeypatch.chdir(ROOT)
    exec(compile(code, where, "exec"), {"__name__": "readme"})


def test_readme_filter_message_is_the_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The message in the README's comment is what the code prints."""
    code = next(code for _, code in _blocks(ROOT / "README.md") if "validate_filter" in code)
    expected = re.search(r"print\(error\)  # (.*)", code)
    assert expected is not None
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == expected[1]


def test_every_error_class_has_its_section() -> None:
    """The slug at the end of every message is a heading of docs/errors.md."""
    import pinecone_assistant_client as client  # noqa: PLC0415

    headings = {
        line[3:].strip().lower()
        for line in (ROOT / "docs/errors.md").read_text("utf-8").split("\n")
        if line[:3] == "## "
    }
    classes = [
        value for value in vars(client).values() if isinstance(value, type) and issubclass(value, client.AssistantError)
    ]
    assert len(classes) > 10
    assert {cls.slug() for cls in classes} == headings
