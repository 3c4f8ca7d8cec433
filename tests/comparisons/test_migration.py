"""docs/migration.md: the "before" and "after" programs get the same answer, and every row of the tables is true.

OpenAILike is in test_migration_openai_like.py. The SDK's release lines are those of tests/local/sdk, each in its own process.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.exceptions import ModelError
from pydantic import BaseModel

from langchain_pinecone_assistant import ChatPineconeAssistant
from pinecone_assistant_client import AuthenticationError, IncompleteStreamError, InvalidRequestError, StreamError
from pinecone_assistant_local import LocalAssistant
from tests.docs.test_docs import DOCS, ROOT, code_blocks
from tests.local.sdk.lines import install, read_pins

QUESTION = "What is the maximum height of a red pine?"
MESSAGES = [("system", "Be brief."), ("user", QUESTION)]
PAGE = "migration.md"
BEFORE = {
    "ChatOpenAI": "langchain-openai",
    "OpenAILike": "llama-index-llms-openai-like",
    "SDK": "pinecone 9.x and 10.x",
    "plugin": "pinecone 7.3 with the plugin",
}


class Tree(BaseModel):
    """A kind of tree."""

    name: str
    maximum_height: str


@pytest.fixture
def local() -> Iterator[LocalAssistant]:
    """Local assistant that the page's programs ask."""
    with LocalAssistant(name="docs") as local:
        local.upload(ROOT / "examples/data/red_pine.md", metadata={"resource": "encyclopedia"})
        local.upload(ROOT / "examples/data/red_pine_nursery.md", metadata={"resource": "nursery"})
        yield local


def test_the_programs_after_give_the_answer_of_the_encyclopedia(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "migration"}
    try:
        for block in code_blocks(PAGE):
            exec(compile(block, PAGE, "exec"), names)
    finally:
        names["local"].close()
    answers = re.findall(r"^A red pine .*", capsys.readouterr().out, re.MULTILINE)
    assert len(answers) == 5
    assert len(set(answers)) == 1
    assert "43.8 meters" in answers[0]


def test_every_program_before_is_run_by_a_test() -> None:
    reasons = re.findall(r"<!-- test: (.*) -->", (DOCS / PAGE).read_text("utf-8"))
    assert reasons == list(BEFORE.values())


# This package's side of the tables


@pytest.fixture
def chat(local: LocalAssistant) -> Iterator[ChatPineconeAssistant]:
    chat = ChatPineconeAssistant(
        assistant_name="docs", host=local.host, api_key=local.api_key, timeout=0.5, strip_references=True
    )
    yield chat
    chat.close()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"filtr": {"resource": "nursery"}}, "filtr"),
        ({"extra_body": {"filter": {"resource": "nursery"}}}, "extra_body"),
        ({"filter": {"resource": ["nursery"]}}, "filter.resource"),
    ],
)
def test_a_wrong_word_or_filter_is_named_and_nothing_is_sent(
    options: dict[str, Any], named: str, chat: ChatPineconeAssistant, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        chat.invoke(QUESTION, **options)
    assert local.requests == []


def test_an_answer_has_its_citations_and_no_expiring_links(chat: ChatPineconeAssistant) -> None:
    answer = chat.invoke(QUESTION, filter={"resource": "encyclopedia"})
    [reference] = answer.additional_kwargs["citations"][0]["references"]
    assert reference["file_name"] == "red_pine.md"
    assert answer.content_blocks[0]["annotations"]  # type: ignore[typeddict-item]  # a text block
    assert "http" not in answer.text


def test_system_messages_are_put_before_the_first_user_turn(chat: ChatPineconeAssistant, local: LocalAssistant) -> None:
    chat.invoke(MESSAGES)
    body: Any = local.requests[-1].body
    [message] = body["messages"]
    assert message["role"] == "user"
    assert re.search(r"Be brief\..*" + re.escape(QUESTION), message["content"], re.DOTALL)


def test_a_question_that_timed_out_is_sent_once(chat: ChatPineconeAssistant, local: LocalAssistant) -> None:
    with local.faults.add(stall=True), pytest.raises(ModelError):
        chat.invoke(QUESTION)
    assert len(local.requests) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"cut_after_events": 5}, IncompleteStreamError),
        ({"omit_finish": True}, IncompleteStreamError),
        ({"error_after_events": 5}, StreamError),
    ],
)
def test_a_stream_that_is_not_whole_raises_with_its_text(
    fault: dict[str, Any], error: type[StreamError], chat: ChatPineconeAssistant, local: LocalAssistant
) -> None:
    with local.faults.add(**fault), pytest.raises(error) as caught:
        list(chat.stream(QUESTION))
    assert caught.value.text.startswith("A red pine")


def test_a_wrong_key_says_what_to_check_and_is_of_langchains_family(local: LocalAssistant) -> None:
    chat = ChatPineconeAssistant(assistant_name="docs", host=local.host, api_key="wrong-key")
    with pytest.raises(AuthenticationError, match="check PINECONE_API_KEY or api_key=") as caught:
        chat.invoke(QUESTION)
    assert isinstance(caught.value, ModelError)
    chat.close()


def test_structured_output_works(chat: ChatPineconeAssistant) -> None:
    assert isinstance(chat.with_structured_output(Tree).invoke(QUESTION), Tree)


# ChatOpenAI


@pytest.fixture
def open_ai(local: LocalAssistant) -> Any:
    """Model of the "before" program, with the library's own defaults."""
    from langchain_openai import ChatOpenAI  # noqa: PLC0415 - 0.5 s, only for the tests that need it

    return ChatOpenAI(
        model="gpt-4o",
        base_url=f"{local.host}/assistant/chat/docs",
        api_key="unused",
        default_headers={"Api-Key": local.api_key},
    )


def _error(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test reports whatever is raised
        call()
    return caught.value


def _text(chat: Any) -> str:
    return "".join(chunk.text for chunk in chat.stream(QUESTION))


def test_chat_openai_before_gives_the_same_answer(
    open_ai: Any, local: LocalAssistant, capsys: pytest.CaptureFixture[str]
) -> None:
    [before] = code_blocks(PAGE, BEFORE["ChatOpenAI"])
    exec(before, {"HOST": local.host, "API_KEY": local.api_key, "question": QUESTION})
    printed = capsys.readouterr().out
    assert printed.startswith("A red pine")
    assert "43.8 meters  [1]" in printed
    assert "/signed/" in printed, "the list of expiring links stays"
    assert "citations" not in open_ai.invoke(QUESTION).additional_kwargs


def test_chat_openai_takes_no_filter_and_loses_a_misspelt_one(open_ai: Any, local: LocalAssistant) -> None:
    assert isinstance(_error(lambda: open_ai.invoke(QUESTION, filter={"resource": "nursery"})), TypeError)
    assert "43.8 meters" in open_ai.invoke(QUESTION, extra_body={"filtr": {"resource": "nursery"}}).text
    wrong = _error(lambda: open_ai.invoke(QUESTION, extra_body={"filter": {"resource": ["nursery"]}}))
    assert "400" in str(wrong)
    assert len(local.requests) == 2


def test_chat_openai_sends_system_messages(open_ai: Any) -> None:
    assert "400" in str(_error(lambda: open_ai.invoke(MESSAGES)))


def test_chat_openai_asks_three_times_when_it_times_out(
    open_ai: Any, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with local.faults.add(stall=True):
        assert "Timeout" in type(_error(lambda: open_ai.invoke(QUESTION, timeout=0.3))).__name__
    assert len(local.requests) == 3


def test_chat_openai_takes_a_stream_without_its_finish_for_whole(open_ai: Any, local: LocalAssistant) -> None:
    with local.faults.add(omit_finish=True):
        assert _text(open_ai).startswith("A red pine")
    with local.faults.add(cut_after_events=5):
        assert not hasattr(_error(lambda: _text(open_ai)), "text")


def test_chat_openai_says_the_key_is_invalid(open_ai: Any) -> None:
    import openai  # noqa: PLC0415 - as above

    wrong = type(open_ai)(model="gpt-4o", base_url=open_ai.openai_api_base, api_key="wrong-key")
    error = _error(lambda: wrong.invoke(QUESTION))
    assert isinstance(error, openai.AuthenticationError)
    assert "Error code: 401" in str(error)


def test_chat_openai_has_no_structured_output_here(open_ai: Any) -> None:
    _error(lambda: open_ai.with_structured_output(Tree).invoke(QUESTION))


# The SDK


def _differences(line: str) -> dict[str, Any]:
    paths = [str(ROOT)]
    pins = read_pins()
    if line in pins:
        paths.insert(0, str(install(line, pins[line])))
    [before] = code_blocks(PAGE, BEFORE["plugin" if line == "plugin" else "SDK"])
    done = subprocess.run(
        [sys.executable, "-m", "tests.comparisons.migration_sdk"],
        input=before,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_PROXY": "127.0.0.1", "SDK_LINE": line},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("line", ["plugin", "9.x", "10.x"])
def test_the_sdk_before_gives_the_same_answer_and_differs_as_the_page_says(line: str) -> None:
    rows = _differences(line)
    assert rows["before"].startswith("A red pine")
    assert "43.8 meters  [1]" in rows["before"]
    assert "/signed/" in rows["whole"]["text"], "text with markers and links, and nothing else"
    assert (rows["wrong filter"]["requests"], "$in" in rows["wrong filter"]["error"]) == (1, True)
    assert rows["no finish"]["text"] == rows["whole"]["text"]
    assert "error" in rows["cut"]
    if line == "9.x":
        assert rows["error inside"]["error"].startswith("msgspec.ValidationError")
    else:
        assert 0 < len(rows["error inside"]["text"]) < len(rows["whole"]["text"])
    if line != "plugin":
        assert "AttributeError" in rows["old form"]["error"]
        assert "400" in rows["system"]["error"]
    if line == "10.x":
        assert rows["read timeout"]["requests"] > 1
