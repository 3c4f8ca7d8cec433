"""The house of the project: sizes of its folders."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_MODULES = 18


def folders(root: Path) -> list[Path]:
    """Folders that hold modules, the root too."""
    return sorted({path.parent for path in root.rglob("*.py") if "node_modules" not in path.parts})


@pytest.mark.parametrize("top", ["integrations"])
def test_no_folder_holds_more_modules_than_a_reader_takes_in(top: str) -> None:
    sizes = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders(ROOT / top)}
    assert sizes, "no modules were found"
    assert {name: size for name, size in sizes.items() if size > MOST_MODULES} == {}
