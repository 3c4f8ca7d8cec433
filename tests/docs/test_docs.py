"""The pages of docs/ are true: their code runs, their messages are the real ones, their tables are tested.

The tests of the adapters run the pages docs/langchain*.md and docs/llama_index*.md, those of the local assistant docs/local*.md.
"""

from __future__ import annotations

import inspect
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.prompts import PromptTemplate
from pydantic import create_model

import pinecone_assistant_client as client
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AssistantClient, AssistantError
from pinecone_assistant_local import LocalAssistant

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUESTION = [{"role": "user", "content": "What is the maximum height of a red pine?"}]


@pytest.fixture
def local() -> Iterator[LocalAssistant]:
    """An assistant "docs" with a file. Its key appears nowhere else in the output."""
    with LocalAssistant(name="docs", api_key="key-of-the-docs") as local:
        local.upload_text("pine.md", "A red pine grows up to 25 meters high.")
        yield local


# errors.md


def _normal(message: str) -> str:
    """Return a message without the parts that differ between runs: host, request id, seconds, the system's error number."""
    message = re.sub(r"https?://[\w.-]+(:\d+)?", "HOST", message)
    message = re.sub(r" \(request [^)]*\)", "", message)
    message = re.sub(r"nothing for [\d.]+ s", "nothing for N s", message)
    return re.sub(r"\[Errno \d+\]", "[Errno N]", message)


def _shown() -> dict[str, list[str]]:
    """Return the messages that docs/errors.md shows, by section."""
    sections = re.split(r"^## (.*)$", (DOCS / "errors.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {
        name: [line for block in re.findall(r"```text\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }


def _closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _predict(local: LocalAssistant) -> None:
    local.reply("{}")
    with closing(PineconeAssistant(assistant_name=local.name, host=local.host, api_key=local.api_key)) as llm:
        llm.structured_predict(create_model("Tree", name=(str, ...)), PromptTemplate("How tall?"))


def _ask(
    local: LocalAssistant,
    *,
    messages: list[dict[str, str]] = QUESTION,
    fault: dict[str, Any] | None = None,
    reply: str | None = None,
    stream: bool = False,
    **options: Any,
) -> None:
    words = {"assistant_name": local.name, "host": local.host, "api_key": local.api_key, "max_retries": 0, **options}
    if reply is not None:
        local.reply(reply, times=1)
    with ExitStack() as stack:
        if fault is not None:
            stack.enter_context(local.faults.add(**fault))
        asking = stack.enter_context(AssistantClient(**words))
        _ = list(asking.stream_chat_completion(messages)) if stream else asking.chat_completion(messages)


def _upload_what_is_no_pdf(local: LocalAssistant) -> None:
    with local.client() as asking:
        asking.files.upload(b"not a PDF", name="report.pdf", file_id="q3-report")


def _upload_to_a_service_that_loses_metadata(local: LocalAssistant) -> None:
    file = {"id": "pine-1", "name": "pine.md", "status": "Available", "metadata": None}
    fault = local.faults.add(on=("GET", "/assistant/files/*/pine-1"), status=200, body=json.dumps(file))
    with fault, local.client() as asking:
        asking.files.upload(b"A pine.", name="pine.md", file_id="pine-1", metadata={"genre": "botany"})


# How to cause each message: options of `_ask`, or a function.
PROVOCATIONS: dict[str, list[dict[str, Any] | Callable[[LocalAssistant], None]]] = {
    "AssistantError": [_predict],
    "InvalidRequestError": [
        {"filter": {"genre": ["comedy", "drama"]}},
        {"api_key": None},
        {"messages": [{"role": "user", "content": " "}]},
        {"cert": "/etc/client.pem"},
    ],
    "APIConnectionError": [lambda local: _ask(local, host=_closed_port())],
    "APITimeoutError": [{"timeout": 0.2, "fault": {"stall": True}}],
    "BadRequestError": [{"temperature": 3}, {"fault": {"status": 302, "body": ""}}],
    "AuthenticationError": [{"api_key": "wrong-key"}],
    "PermissionDeniedError": [{"fault": {"status": 402, "body": ""}}, {"fault": {"status": 403, "body": ""}}],
    "NotFoundError": [{"assistant_name": "dcos"}],
    "RateLimitError": [{"fault": {"status": 429, "message": "Too many requests, try again later"}}],
    "InternalServerError": [
        {"fault": {"status": 503, "body": ""}},
        {"fault": {"status": 502, "body": "<html>Bad gateway</html>"}},
    ],
    "StreamError": [
        {"stream": True, "fault": {"error_after_events": 3}},
        {"fault": {"status": 200, "body": "<html>Please log in</html>"}},
    ],
    "FileProcessingError": [_upload_what_is_no_pdf],
    "MetadataMismatchError": [_upload_to_a_service_that_loses_metadata],
    "IncompleteStreamError": [{"stream": True, "reply": "x" * 1204, "fault": {"omit_finish": True}}],
}


@pytest.mark.parametrize("section", PROVOCATIONS)
def test_the_messages_of_the_errors_page_are_the_real_ones(section: str, local: LocalAssistant) -> None:
    """Each message on the page is caused here, in the page's order; only host, id and numbers may differ."""
    real = []
    for how in PROVOCATIONS[section]:
        with pytest.raises(AssistantError) as caught:
            how(local) if callable(how) else _ask(local, **how)
        assert caught.value.slug() == section.lower()
        real.append(_normal(str(caught.value)))
    assert [_normal(message) for message in _shown()[section]] == real


def test_every_error_has_an_example_of_its_message() -> None:
    """Only APIStatusError has no section, because only its subclasses are raised."""
    shown = _shown()
    assert {name for name, messages in shown.items() if not messages} == {"APIStatusError"}
    assert set(PROVOCATIONS) == {name for name, messages in shown.items() if messages}
    assert all(hasattr(client, name) for name in shown)


# troubleshooting.md


def _symptoms() -> list[str]:
    """Return the messages in the first column of the table; other code in it is a command or a name, without a space."""
    table = (DOCS / "troubleshooting.md").read_text("utf-8").partition("|---|")[2].partition("\n\n")[0]
    first = [re.split(r"(?<!\\)\|", row)[1] for row in table.splitlines()[1:]]
    quoted = [found[1] for cell in first if (found := re.match(r" `([^`]+)`", cell))]
    return [text for text in quoted if " " in text and not text.startswith("make ")]


def _real_messages() -> list[str]:
    """Return the messages of errors.md, which are caused above, and those of the Makefile and of LlamaIndex."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$(PYTHON)", "python3")
    printed = re.findall(r'echo "([^"]*)"', makefile)
    others = inspect.getsource(import_module("llama_index.llms.openai.utils"))
    return [*(line for lines in _shown().values() for line in lines), *printed, *others.splitlines()]


@pytest.mark.parametrize("symptom", _symptoms())
def test_troubleshooting_quotes_messages_that_exist(symptom: str) -> None:
    """`...` stands for a value, such as a name or a host; a message may go on after its quoted beginning."""
    pattern = re.compile(".+".join(re.escape(part.strip()) for part in symptom.split("...")))
    assert [message for message in _real_messages() if pattern.search(message)]


def test_troubleshooting_quotes_the_messages_that_are_checked() -> None:
    """A change of the table's form must not switch the test above off."""
    assert len(_symptoms()) >= 10


# The pages with code. docs/langchain*.md and docs/llama_index*.md are run by the tests of their adapters.

RUN_HERE = (
    "index.md",
    "put_documents_in.md",
    "filters.md",
    "citations.md",
    "structured_output.md",
    "agents.md",
    "costs_and_limits.md",
    "evaluate.md",
)
_BLOCK = re.compile(r"(<!-- test: (?P<reason>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


def code_blocks(page: str, reason: str | None = None, language: str = "python") -> list[str]:
    """Return a page's blocks with this marked reason, or with none; each keeps its line number, for tracebacks."""
    text = (DOCS / page).read_text("utf-8")
    return [
        "\n" * text[: block.start("code")].count("\n") + block["code"]
        for block in _BLOCK.finditer(text)
        if block["language"] == language and block["reason"] == reason
    ]


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_blocks_of_a_page_run_one_after_another(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs from the project's root, without a key; each comment after a `print(...)` shows its output."""
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "docs"}
    blocks = code_blocks(page)
    printed = ""
    try:
        for block in blocks:
            exec(compile(block, page, "exec"), names)
            printed += capsys.readouterr().out
    finally:
        if isinstance(names.get("local"), LocalAssistant):
            names["local"].close()
    lines = iter(printed.splitlines())
    for said in re.findall(r"^ *print\(.*\)  # (.+)$", "\n".join(blocks), re.MULTILINE):
        assert said in lines, f"{page}: {said!r} is not what is printed there, but\n{printed}"
    for block in code_blocks(page, language="text"):
        assert block.strip() in printed


def test_the_test_file_of_the_testing_page_passes(tmp_path: Path) -> None:
    """The blocks form one file, as described on the page, and every test in it passes with warnings as errors."""
    code = "\n\n".join(block.strip("\n") for block in code_blocks("testing.md"))
    (tmp_path / "test_application.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{code.count('def test_')} passed" in done.stdout


# The site

PACKAGES = (
    "pinecone_assistant_client",
    "pinecone_assistant_client.adapters",
    "langchain_pinecone_assistant",
    "llama_index.llms.pinecone_assistant",
    "llama_index.indices.managed.pinecone_assistant",
    "pinecone_assistant_local",
)


def test_the_api_reference_has_every_public_name() -> None:
    shown = [
        name
        for page in DOCS.glob("api*.md")
        for name in re.findall(r"^::: (.*)$", page.read_text("utf-8"), re.MULTILINE)
    ]
    public = {f"{package}.{name}" for package in PACKAGES for name in import_module(package).__all__}
    assert len(shown) == len(set(shown))
    assert set(shown) == public


def test_each_name_of_the_reference_has_a_sentence_of_use_before_it() -> None:
    for page in DOCS.glob("api_*.md"):
        text = page.read_text("utf-8")
        before = re.findall(r"(.*)\n\n::: (.*)$", text, re.MULTILINE)
        assert len(before) == text.count("::: ")
        assert [name for sentence, name in before if not re.match(r"[A-Z].{10,}[.:`]$", sentence)] == []


def test_every_page_with_code_is_run_by_a_test() -> None:
    """A new page with code has to be added to a test, and here."""
    elsewhere = {
        *(page.name for name in ("langchain", "llama_index", "local") for page in DOCS.glob(f"{name}*.md")),
        "mcp.md",
        "migration.md",
        "scale.md",
        "testing.md",
        "web.md",
    }
    found = {page.name for page in DOCS.glob("*.md") if "```python" in page.read_text("utf-8")}
    assert found <= {*RUN_HERE, *elsewhere}


def test_every_block_that_is_not_run_here_says_why() -> None:
    reasons = {
        (page, block["reason"])
        for page in (*RUN_HERE, "testing.md")
        for block in _BLOCK.finditer((DOCS / page).read_text("utf-8"))
        if block["reason"]
    }
    assert reasons == {("index.md", "needs the variables above, and is billed")}


# These are looked up, not read from the beginning.
LONG = {"benchmarks.md", "changelog.md", "errors.md", "migration.md"}


def test_a_page_has_at_most_200_lines() -> None:
    """Longer pages become several, by task."""
    long = {page.name for page in DOCS.glob("*.md") if len(page.read_text("utf-8").splitlines()) > 200}
    assert long <= LONG
    assert {name for name in LONG if not (DOCS / name).is_file()} == set()


def test_the_links_inside_the_docs_are_relative_and_stay_inside() -> None:
    """Then the links work on the site and in the folder; the strict build checks that each target exists."""
    for page in DOCS.glob("*.md"):
        for target in re.findall(
            r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        ):
            assert target.startswith(("https://", "#")) or re.match(r"[\w.]+\.(md|png|svg)(#|$)", target), (
                page.name,
                target,
            )
