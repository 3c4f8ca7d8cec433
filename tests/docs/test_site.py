"""The site of the docs builds without a warning, has every page, and fetches nothing from other hosts."""

from __future__ import annotations

import ast
import enum
import html
import inspect
import json
import os
import pkgutil
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


@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs /usr/bin/chromium (apt-get install chromium)")
def test_a_search_from_the_disk_finds_a_page(site: Path) -> None:
    """`make docs` serves nothing: people open site/index.html."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.site_browser", str(site / "index.html"), "condense_question"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert any("llama_index_engines.html" in link for link in seen["found"]), seen
    assert seen["others"] == []


def test_every_public_name_has_its_anchor_in_the_reference(site: Path) -> None:
    """The names listed in the API pages were found and are shown with their docstrings."""
    count = 0
    for page in DOCS.glob("api_*.md"):
        reference = (site / f"{page.stem}.html").read_text("utf-8")
        names = re.findall(r"^::: (.*)$", page.read_text("utf-8"), re.MULTILINE)
        assert [name for name in names if f'id="{name}"' not in reference] == []
        count += len(names)
    assert count > 80


def _shown_signatures(site: Path) -> dict[str, str]:
    """Return each signature of the reference, as Python, by the name that it is shown for."""
    pattern = re.compile(
        r'<h\d id="([\w.]+)"[^>]*>(?:(?!<h\d).)*?<div class="[^"]*doc-signature[^"]*">(.*?)</div>', re.DOTALL
    )
    return {
        name: html.unescape(re.sub(r"<[^>]+>", "", code)).strip()
        for page in site.glob("api_*.html")
        for name, code in pattern.findall(page.read_text("utf-8"))
        if re.match(r"\w+\(", html.unescape(re.sub(r"<[^>]+>", "", code)).strip())
    }


def test_the_reference_shows_the_defaults_of_the_code_as_values(site: Path) -> None:
    """Each default that is shown is the one that Python reports, and options of a Pydantic model are shown one by one."""
    compared = set()
    for name, shown in _shown_signatures(site).items():
        function = ast.parse(f"def {shown}: pass").body[0]
        assert isinstance(function, ast.FunctionDef)
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [*zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)]
        pairs += [
            (word, value) for word, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
        ]
        real = inspect.signature(pkgutil.resolve_name(name)).parameters
        for word, value in pairs:
            if word.arg not in real:
                continue  # LlamaIndex's decorators hide the signature
            default = real[word.arg].default
            if repr(default) != "<factory>":
                plain = default.value if isinstance(default, enum.Enum) and isinstance(default, str) else default
                text = plain.__name__ if isinstance(plain, type) else repr(plain)
                assert ast.unparse(value) == ast.unparse(ast.parse(text, mode="eval")), (name, word.arg)
                compared.add((name, word.arg))
    for option, owner in (
        ("timeout", "pinecone_assistant_client.AssistantClient"),
        ("max_retries", "langchain_pinecone_assistant.ChatPineconeAssistant"),
        ("max_retries", "llama_index.llms.pinecone_assistant.PineconeAssistant"),
        ("name", "pinecone_assistant_local.LocalAssistant"),
    ):
        assert (owner, option) in compared
