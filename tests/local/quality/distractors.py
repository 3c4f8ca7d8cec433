"""Texts that answer none of the questions: docstrings of the standard library, read from its sources."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

COUNT = 360
_MODULES = (  # noqa: SIM905  (names are easier to read without quotes)
    "argparse ast asyncio.base_events asyncio.streams calendar collections concurrent.futures._base configparser"
    " contextlib csv ctypes datetime difflib doctest email.message enum fractions functools gettext hashlib heapq"
    " html.parser http.client http.cookiejar http.server imaplib inspect ipaddress json.decoder logging mailbox mimetypes"
    " pathlib pickle platform random sched selectors shelve shutil smtplib socketserver statistics string subprocess tarfile"
    " tempfile textwrap threading traceback turtle typing unittest.case urllib.request uuid weakref xml.dom.minidom zipfile"
).split()
_MIN_CHARACTERS = 120
_MAX_PER_MODULE = 12


def distractors() -> dict[str, str]:
    """At least 300 texts by file name, the same ones in every run with one Python."""
    texts: dict[str, str] = {}
    for module in _MODULES:
        for number, (name, text) in enumerate(_docstrings(module)):
            if number == _MAX_PER_MODULE or len(texts) == COUNT:
                break
            texts[f"python/{module}.{name}.txt"] = text
    assert len(texts) >= 300, len(texts)
    return texts


def _docstrings(module: str) -> Iterator[tuple[str, str]]:
    spec = importlib.util.find_spec(module)
    origin = spec.origin if spec else None
    if origin is None or not origin.endswith(".py"):
        return
    for node in ast.walk(ast.parse(Path(origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and len(text) >= _MIN_CHARACTERS:
                yield node.name, text
