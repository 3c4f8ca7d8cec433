"""Layout of the project: sizes of its folders, and the page that describes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .other_pythons import LEFT_OUT

ROOT = Path(__file__).parent.parent
INTEGRATIONS = ROOT / "integrations"
DOCS = ROOT / "docs"
MOST_MODULES = 18
# Private names of libraries and of Python, each used with its reason in a comment.
NOT_OURS = {"_dns_host", "_parser", "_replace", "_request"}


def folders(root: Path) -> list[Path]:
    """Return the folders that contain modules, including the root."""
    return sorted({path.parent for path in root.rglob("*.py") if "node_modules" not in path.parts})


@pytest.mark.parametrize("top", ["integrations", "tests"])
def test_no_folder_holds_more_modules_than_a_reader_takes_in(top: str) -> None:
    sizes = {str(folder.relative_to(ROOT)): len([*folder.glob("[!_]*.py")]) for folder in folders(ROOT / top)}
    assert sizes, "no modules were found"
    assert {name: size for name, size in sizes.items() if size > MOST_MODULES} == {}


def is_private(name: str) -> bool:
    """Return whether a name starts with one underscore."""
    return name.startswith("_") and not name.startswith("__")


def own_private_names(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a module defines: functions, classes, fields, and attributes of `self` or `cls`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_of_self(node):
            yield node.attr


def is_of_self(node: ast.Attribute) -> bool:
    """Return whether an attribute is one of `self`, `cls` or `super()`."""
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    return isinstance(owner, ast.Name) and owner.id in {"self", "cls", "super"}


def used_private_names(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a module takes from other modules or from other objects than its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and not is_of_self(node):
            yield node.attr


@pytest.mark.parametrize("room", folders(INTEGRATIONS), ids=lambda room: str(room.relative_to(INTEGRATIONS)))
def test_no_room_uses_private_names_of_another_room(room: Path) -> None:
    """A room is a folder. Its modules may use each other's private names, for example for a copy of an object."""
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in room.glob("*.py")}
    own = {name for tree in trees.values() for name in own_private_names(tree)} | NOT_OURS
    assert [(path, name) for path, tree in trees.items() for name in used_private_names(tree) if name not in own] == []


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
