"""Packaging: the wheel's files, an install without extras, and the namespace packages next to other packages."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from pinecone_assistant_client import __version__

ROOT = Path(__file__).parent.parent
Environment = tuple[Path, Path]


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PINECONE_", "PYTHONPATH"))}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built like for a release."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """(python, folder) of a clean environment with the package and no extra."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return python, folder


@pytest.fixture(scope="session")
def neighbours(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """(python, folder) of an environment with the wheel and llama-index-llms-openai.

    A .pth file adds the development environment's packages, which saves a minute. It does not add that environment's editable
    install of this project.
    """
    folder = tmp_path_factory.mktemp("neighbours")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "development.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    _run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    ours_only = ("--ignore-installed", "--no-deps")  # the development environment may have it, too
    _run(python, "-m", "pip", "install", "--quiet", *ours_only, "llama-index-llms-openai", cwd=folder)
    return python, folder


def test_wheel_holds_the_six_packages_and_nothing_else(wheel: Path) -> None:
    """No __init__.py above the LlamaIndex leaves, py.typed in each package, no tests or examples."""
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    packages = {
        "pinecone_assistant_client/",
        "langchain_pinecone_assistant/",
        "pinecone_assistant_cli/",
        "pinecone_assistant_local/",
        "llama_index/llms/pinecone_assistant/",
        "llama_index/indices/managed/pinecone_assistant/",
    }
    assert [name for name in names if not name.startswith(tuple(packages))] == []
    for package in packages:
        assert f"{package}py.typed" in names
        assert f"{package}__init__.py" in names


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert f"-{__version__}-" in wheel.name


def test_no_stray_init_breaks_the_llama_index_namespace() -> None:
    """A stray __init__.py above the leaves would hide llama_index.core in an editable install."""
    above = ROOT / "integrations" / "llama_index"
    for folder in (above, above / "llms", above / "indices", above / "indices" / "managed"):
        assert not (folder / "__init__.py").exists()


def test_base_install_imports_the_client_and_asks_nothing_more(base: Environment) -> None:
    python, folder = base
    code = "import pinecone_assistant_client as c, sys; print(c.__version__, 'aiohttp' in sys.modules)"
    assert _run(python, "-W", "error", "-c", code, cwd=folder).split() == [__version__, "False"]


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("langchain_pinecone_assistant", "langchain"),
        ("llama_index.llms.pinecone_assistant", "llama-index"),
        ("llama_index.indices.managed.pinecone_assistant", "llama-index"),
        ("pinecone_assistant_local", "local"),
    ],
)
def test_a_missing_framework_names_the_extra_to_install(base: Environment, module: str, extra: str) -> None:
    python, folder = base
    # "*", because the local assistant's package imports its names lazily.
    code = f"try:\n    from {module} import *\nexcept ImportError as error:\n    print(error)\nelse:\n    print('imported')"
    assert f"pip install '.[{extra}]'" in _run(python, "-c", code, cwd=folder)


@pytest.mark.parametrize("order", [1, -1], ids=["ours first", "theirs first"])
def test_both_import_orders_work_beside_llama_index_llms_openai(neighbours: Environment, order: int) -> None:
    python, folder = neighbours
    modules = ["llama_index.llms.pinecone_assistant", "llama_index.indices.managed.pinecone_assistant"]
    modules = [*modules, "llama_index.llms.openai"][::order]
    code = "import importlib, llama_index.core\n" + "".join(
        f"print(importlib.import_module({module!r}).__file__)\n" for module in modules
    )
    files = _run(python, "-c", code, cwd=folder).split()
    assert len(files) == 3
    assert all(file.startswith(str(folder)) for file in files), f"not the installed wheel: {files}"
