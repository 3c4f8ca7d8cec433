"""The site of the docs builds without a warning, has every page, and fetches nothing from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site built like by `make docs`, in a separate folder."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs/mkdocs.yml", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_the_site_has_every_page_of_the_docs_in_its_navigation(site: Path) -> None:
    """Nobody would find a page that is missing from the navigation."""
    pages = {f"{page.stem}.html" for page in DOCS.glob("*.md")}
    assert pages == {page.name for page in site.glob("*.html")} - {"404.html"}
    links = set(re.findall(r'<a href="([^"#]+)" class="md-nav__link', (site / "errors.html").read_text("utf-8")))
    assert pages - {"errors.html"} <= links


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    """No font, script, style or picture comes from another host, so no third party learns who reads the docs."""
    loads = r'(?:src|srcset)="([^"]+)"|<link(?![^>]*rel="(?:canonical|prev|next)")[^>]*href="([^"]+)"'
    for page in site.glob("*.html"):
        loaded = ["".join(found) for found in re.findall(loads, page.read_text("utf-8"))]
        assert loaded
        assert not [link for link in loaded if link.startswith(("http:", "https:", "//"))], page.name
    styles = "".join(style.read_text("utf-8") for style in site.rglob("*.css"))
    assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", styles)


def test_every_public_name_has_its_anchor_in_the_reference(site: Path) -> None:
    """The names listed in docs/api.md were found and are shown with their docstrings."""
    reference = (site / "api.html").read_text("utf-8")
    names = re.findall(r"^::: (.*)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    assert len(names) > 40
    assert [name for name in names if f'id="{name}"' not in reference] == []
