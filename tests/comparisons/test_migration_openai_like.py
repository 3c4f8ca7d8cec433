"""docs/migration.md, from OpenAILike: its program gets the same answer, and every row of its table is true.

Each test uses the library's own defaults, because most users do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import APITimeoutError, AssistantError, IncompleteStreamError, StreamError
from pinecone_assistant_local import LocalAssistant
from tests.docs.test_docs import ROOT, code_blocks

QUESTION = "What is the maximum height of a red pine?"
ASKED = [ChatMessage(QUESTION)]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAssistant]:
    """Local assistant that the page's programs ask; sleeping between retries is replaced."""
    with LocalAssistant(name="docs") as local:
        local.upload(ROOT / "examples/data/red_pine.md", metadata={"resource": "encyclopedia"})
        local.upload(ROOT / "examples/data/red_pine_nursery.md", metadata={"resource": "nursery"})
        monkeypatch.setattr(time, "sleep", lambda _seconds: None)
        yield local


def like(local: LocalAssistant, **options: Any) -> Any:
    """Model of the "before" program."""
    return OpenAILike(
        model="gpt-4o",
        api_base=f"{local.host}/assistant/chat/docs",
        api_key="unused",
        default_headers={"Api-Key": local.api_key},
        is_chat_model=True,
        **options,
    )


@pytest.fixture
def ours(local: LocalAssistant) -> Iterator[PineconeAssistant]:
    llm = PineconeAssistant(assistant_name="docs", host=local.host, api_key=local.api_key, timeout=0.3)
    yield llm
    llm.close()


def text(llm: Any) -> str:
    """A streamed answer."""
    return "".join(response.delta or "" for response in llm.stream_chat(ASKED))


def error(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test reports whatever is raised
        call()
    return caught.value


def test_the_program_before_gives_the_same_answer_as_text_only(
    local: LocalAssistant, capsys: pytest.CaptureFixture[str]
) -> None:
    [before] = code_blocks("migration.md", "llama-index-llms-openai-like")
    exec(before, {"HOST": local.host, "API_KEY": local.api_key, "question": QUESTION})
    printed = capsys.readouterr().out
    assert "43.8 meters  [1]" in printed
    assert "/signed/" in printed, "the list of expiring links stays"
    assert "citations" not in like(local).chat(ASKED).additional_kwargs


def test_a_filter_is_no_word_of_a_call_and_a_misspelt_one_is_lost(local: LocalAssistant) -> None:
    """Same as with ChatOpenAI: refused in Python, or ignored by the service."""
    llm = like(local)
    assert isinstance(error(lambda: llm.chat(ASKED, filter={"resource": "nursery"})), TypeError)
    assert "43.8 meters" in str(llm.chat(ASKED, extra_body={"filtr": {"resource": "nursery"}}))
    wrong = error(lambda: llm.chat(ASKED, extra_body={"filter": {"resource": ["nursery"]}}))
    assert "400" in str(wrong)
    assert len(local.requests) == 2


def test_system_messages_are_sent_and_refused(local: LocalAssistant) -> None:
    system = ChatMessage("Be brief.", role="system")
    assert "400" in str(error(lambda: like(local).chat([system, *ASKED])))


def test_a_question_that_timed_out_is_sent_twelve_times_and_by_ours_once(
    local: LocalAssistant, ours: PineconeAssistant
) -> None:
    with local.faults.add(stall=True):
        assert isinstance(error(lambda: like(local, timeout=0.3).chat(ASKED)), openai.APITimeoutError)
        assert len(local.requests) == 12
        assert isinstance(error(lambda: ours.chat(ASKED)), APITimeoutError)
        assert len(local.requests) == 13


def test_a_stream_that_timed_out_is_sent_four_times_and_by_ours_once(
    local: LocalAssistant, ours: PineconeAssistant
) -> None:
    with local.faults.add(stall=True):
        assert isinstance(error(lambda: text(like(local, timeout=0.3))), openai.APITimeoutError)
        assert len(local.requests) == 4
        assert isinstance(error(lambda: text(ours)), APITimeoutError)
        assert len(local.requests) == 5


def test_a_stream_without_its_finish_passes_for_whole(local: LocalAssistant, ours: PineconeAssistant) -> None:
    whole = text(like(local))
    with local.faults.add(omit_finish=True):
        assert text(like(local)).partition("References")[0] == whole.partition("References")[0]
        assert isinstance(error(lambda: text(ours)), IncompleteStreamError)


def test_an_error_inside_a_stream_does_not_have_the_text_that_came(
    local: LocalAssistant, ours: PineconeAssistant
) -> None:
    with local.faults.add(error_after_events=5):
        theirs = error(lambda: text(like(local)))
        assert type(theirs) is openai.APIError
        assert theirs.code == "INTERNAL"
        assert not hasattr(theirs, "text")
        known = error(lambda: text(ours))
    assert isinstance(known, StreamError)
    assert known.code == "INTERNAL"
    assert known.text.startswith("A red")


def test_a_cut_stream_raises_another_librarys_error(local: LocalAssistant, ours: PineconeAssistant) -> None:
    with local.faults.add(cut_after_events=5):
        theirs = error(lambda: text(like(local)))
        assert isinstance(theirs, httpx.RemoteProtocolError)
        assert not isinstance(theirs, openai.OpenAIError)
        known = error(lambda: text(ours))
    assert isinstance(known, IncompleteStreamError)
    assert isinstance(known, AssistantError)
    assert known.text.startswith("A red")
