"""The README is true: its code runs, its links have targets, its picture shows the demo's output."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

import pinecone_assistant_client as client
from pinecone_assistant_client import InvalidRequestError, validate_filter
from tests.examples.test_examples import run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
EXAMPLES = ROOT / "examples"
_BLOCK = re.compile(r"(<!-- test: (?P<skip>[^>]*) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)


def _blocks(path: Path) -> list[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    return [
        (f"{path.name}:{text[: match.start('code')].count(chr(10)) + 1}", match["code"])
        for match in _BLOCK.finditer(text)
        if not match["skip"]
    ]


@pytest.mark.parametrize(("where", "code"), _blocks(README), ids=lambda value: value.partition("\n")[0][:40])
def test_readme_block_runs(
    where: str, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each Python block runs alone, from the project's root, without a key, and prints a cited answer."""
    monkeypatch.chdir(ROOT)
    exec(compile(code, where, "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "43.8 meters" in printed
    assert re.search(r"file_name'?[:=] ?'red_pine\.md'", printed), "the citations, as JSON or as values"


def test_both_frameworks_are_shown_in_twelve_lines_that_run() -> None:
    """The promise of the first screen."""
    shown = [code for _, code in _blocks(README)]
    assert [code.split()[1].partition(".")[0] for code in shown] == ["langchain_pinecone_assistant", "llama_index"]
    assert all(len(code.splitlines()) <= 12 for code in shown)


def test_readme_filter_message_is_the_real_one() -> None:
    """The message that the README quotes is the one for a list without $in."""
    quoted = re.search(r"`(filter\.[^`]*)`", README.read_text("utf-8"))
    assert quoted is not None
    with pytest.raises(InvalidRequestError) as caught:
        validate_filter({"topic": ["trees", "animals"]})
    assert str(caught.value).startswith(f"{quoted[1]}; see ")


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings in the form of GitHub and the site."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [README, EXAMPLES / "README.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each target is an existing file, and an existing heading in it."""
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    assert len(links) > 10
    for link in links:
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file
        assert target.is_file(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_example_is_listed() -> None:
    listed = set(re.findall(r"\]\(([^)\s]+)\)", (EXAMPLES / "README.md").read_text("utf-8")))
    there = {path.name for path in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")]} - {"demo_assistant.py"}
    assert listed == there | {"web_chat/README.md"}


def test_the_picture_shows_what_the_demo_prints() -> None:
    """All of it but the port; record it again with tests/release/record_demo.py. Nothing in it is fetched."""
    picture = (ROOT / "docs" / "demo.svg").read_text("utf-8")
    assert not re.search(r"(href|src)=|url\((?!#)|@import|@font-face", picture)
    matrix = picture.partition('-matrix">')[2]
    shown = html.unescape("".join(re.findall(r">([^<>]*)</text>", matrix))).replace("\xa0", " ")
    printed = "$ make demo" + "".join(run(f"quickstart_{name}.py").stdout for name in ("langchain", "llama_index"))
    assert _words(shown) == _words(printed)


def _words(text: str) -> str:
    """Return the text without white space, which depends on wrapping, and without ports."""
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"\s", "", text))


def test_every_error_class_has_its_section() -> None:
    """The slug at the end of every message must be a heading of docs/errors.md."""
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
