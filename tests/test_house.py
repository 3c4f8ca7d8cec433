"""Layout of the project: sizes of its folders, and the page that describes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .other_pythons import LEFT_OUT

ROOT = Path(__file__).parent.parent
INTEGRATIONS = ROOT / "integrations"
DOCS = ROOT / "docs"
MOST_MODULES = 18


def folders(root: Path) -> list[Path]:
    """Return the folders that contain modules, including the root."""
    return sorted({path.parent for path in root.rglob("*.py") if "node_modules" not in path.parts})


@pytest.mark.parametrize("top", ["integrations", "tests"])
def test_no_folder_holds_more_modules_than_a_reader_takes_in(top: str) -> None:
    sizes = {str(folder.relative_to(ROOT)): len([*folder.glob("[!_]*.py")]) for folder in folders(ROOT / top)}
    assert sizes, "no modules were found"
    assert {name: size for name, size in sizes.items() if size > MOST_MODULES} == {}


def named_paths(page: Path) -> set[str]:
    """Return the paths in a page's code spans: texts with a slash, and names of modules."""
    spans = re.findall(r"`([^`\s]+)`", page.read_text("utf-8"))
    return {span for span in spans if re.fullmatch(r"\.?[\w.-]+(/[\w.-]+)*(/|\.py|\.md|\.toml)", span)}


def test_the_page_on_architecture_has_a_paragraph_for_every_room() -> None:
    starts = set(re.findall(r"^\*\*`([^`]+)/`\*\* ", (DOCS / "architecture.md").read_text("utf-8"), re.MULTILINE))
    assert starts == {str(folder.relative_to(INTEGRATIONS)) for folder in folders(INTEGRATIONS)}


@pytest.mark.parametrize("name", ["architecture.md", "CONTRIBUTING.md"])
def test_every_path_that_the_pages_for_contributors_name_exists(name: str) -> None:
    """A path is relative to the root, to `integrations/`, or to the client's folder or that of its tests."""
    named = {path for path in named_paths(DOCS / name) if "/" in path} - {"site/", "dist/"}  # these are generated
    assert len(named) > 5
    tops = [ROOT, INTEGRATIONS, INTEGRATIONS / "pinecone_assistant_client", ROOT / "tests" / "client"]
    assert [path for path in sorted(named) if not any((top / path).exists() for top in tops)] == []


def test_each_paragraph_of_a_room_names_modules_that_are_in_it() -> None:
    paragraphs = re.findall(
        r"^\*\*`([^`]+)/`\*\*(.*?)\n\n", (DOCS / "architecture.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    modules = [(room, module) for room, text in paragraphs for module in re.findall(r"`(\w+\.py)`", text)]
    assert len(modules) > 20
    missing = [(room, module) for room, module in modules if not (INTEGRATIONS / room / module).exists()]
    assert missing == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_test_that_is_left_out_at_the_lowest_versions_exists(name: str) -> None:
    path, _, test = name.partition("[")[0].partition("::")
    assert f"def {test}" in (ROOT / path).read_text("utf-8")
