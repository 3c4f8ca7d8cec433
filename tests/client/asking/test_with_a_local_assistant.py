"""The client against the local assistant, an independent implementation of the API, over real sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    IncompleteStreamError,
    NotFoundError,
    RateLimitError,
    StreamError,
    strip_reference_list,
)
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.faults.fault import FaultOptions

from ..support.asking import Asking, Kind

QUESTION = [{"role": "user", "content": "How high can it grow?"}]
PINE = "A red pine can grow up to 25 meters high. Its bark breaks into reddish plates."
PALM = "A wax palm can grow up to 60 meters high. It is the national tree of Colombia."


@pytest.fixture(scope="module")
def shared_local() -> Iterator[LocalAssistant]:
    """A local assistant with two files that answer the same question."""
    with LocalAssistant() as local:
        yield local


@pytest.fixture
def local(shared_local: LocalAssistant) -> LocalAssistant:
    """The local assistant, as new."""
    shared_local.reset()
    shared_local.upload_text("red_pine.md", PINE, {"tree": "pine", "meters": 25})
    shared_local.upload_text("wax_palm.md", PALM, {"tree": "palm", "meters": 60})
    return shared_local


@pytest.fixture
def ask_local(kind: Kind, local: LocalAssistant) -> Iterator[Asking]:
    """Asks the local assistant with either client."""
    asking = Asking(kind, local.host, assistant_name=local.name, api_key=local.api_key)
    yield asking
    asking.close()


@pytest.mark.parametrize(("tree", "meters", "file"), [("pine", "25", "red_pine.md"), ("palm", "60", "wax_palm.md")])
def test_a_filter_decides_which_file_answers_and_is_cited(ask_local: Asking, tree: str, meters: str, file: str) -> None:
    asker = ask_local()
    whole = asker.chat_completion(QUESTION, filter={"tree": tree})
    chunks = list(asker.stream_chat_completion(QUESTION, filter={"tree": {"$in": [tree]}}))
    assert meters in whole.content
    assert "".join(chunk.content for chunk in chunks) == whole.content
    assert len([chunk for chunk in chunks if chunk.content]) > 3
    for citations in (whole.citations, chunks[-2].citations):
        (reference,) = citations[0].references
        assert (reference.number, reference.file_name) == (1, file)
        assert reference.url is not None
        assert whole.content[citations[0].start : citations[0].end].startswith("[1")
    assert whole.finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage == chunks[-1].usage
    assert whole.model == chunks[0].model


def test_the_standard_interface_cites_by_position(ask_local: Asking) -> None:
    asker = ask_local(include_highlights=True)
    whole = asker.chat(QUESTION, filter={"meters": {"$lt": 30}})
    chunks = list(asker.stream_chat(QUESTION, filter={"meters": {"$lt": 30}}))
    assert "".join(chunk.content for chunk in chunks) == whole.content
    assert tuple(citation for chunk in chunks for citation in chunk.citations) == whole.citations
    (citation,) = whole.citations
    assert citation.start == citation.end <= len(whole.content)
    assert citation.references[0].file_name == "red_pine.md"
    assert citation.references[0].highlight
    assert whole.context_snippet_count


def test_the_reference_list_is_stripped_alike_plain_and_streamed(ask_local: Asking) -> None:
    asker = ask_local()
    as_written = asker.answer(QUESTION).content
    stripped = asker.answer(QUESTION, strip_references=True).content
    streamed = "".join(chunk.content for chunk in asker.stream_answer(QUESTION, strip_references=True))
    assert "http" in as_written
    assert stripped == streamed == strip_reference_list(as_written)
    assert "http" not in stripped


def test_context_gives_the_passages(ask_local: Asking) -> None:
    asker = ask_local()
    for context in (
        asker.context("How high can it grow?", filter={"tree": "palm"}, top_k=2),
        asker.context(messages=QUESTION, filter={"tree": "palm"}),
    ):
        assert "60 meters" in context.snippets[0].content
        assert context.snippets[0].reference.file_name == "wax_palm.md"
        assert context.usage is not None


def test_the_host_is_looked_up_and_the_environment_is_enough(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAssistant() as local:
        local.upload_text("red_pine.md", PINE)
        for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME", "PINECONE_CONTROLLER_HOST"):
            monkeypatch.setenv(name, local.environ[name])
        asking = Asking(kind, None, api_key=None, assistant_name=None)
        hosts = [asking().client.host]
        for _ in range(2):
            asker = asking()
            assert "meters" in asker.chat_completion(QUESTION).content
            hosts.append(asker.client.host)
        asking.close()
        assert hosts == [None, local.host, local.host]
        assert [request.method for request in local.requests] == ["GET", "POST", "POST"]
        assert {request.version for request in local.requests} == {"2026-04"}


def test_a_wrong_key_an_unknown_assistant_and_a_stopped_server_are_told_apart(ask_local: Asking) -> None:
    with pytest.raises(AuthenticationError, match=r"the API key was refused .*\(401\): check PINECONE_API_KEY"):
        ask_local(api_key="wrong").chat_completion(QUESTION)
    with pytest.raises(NotFoundError, match=r'assistant "unknown" not found .*\(404\): check the name'):
        ask_local(assistant_name="unknown").chat_completion(QUESTION)
    with LocalAssistant() as stopped:
        host = stopped.host
    asker = ask_local(host=host)
    with pytest.raises(APIConnectionError, match=f"cannot connect to {re.escape(host)} "):
        asker.chat_completion(QUESTION)
    assert len(asker.waits) == 2


def test_an_assistant_without_files_and_a_model_that_is_none_are_the_services_errors(
    ask_local: Asking, local: LocalAssistant
) -> None:
    with pytest.raises(BadRequestError, match=r"INVALID_ARGUMENT: .*gpt-1"):
        ask_local().chat_completion(QUESTION, model="gpt-1")
    local.reset()
    with pytest.raises(BadRequestError) as caught:
        ask_local().chat_completion(QUESTION)
    assert caught.value.status_code == 400
    assert caught.value.response is not None
    assert caught.value.response.json() == caught.value.body


def test_faults_of_a_real_server_are_survived_or_told(ask_local: Asking, local: LocalAssistant) -> None:
    asker = ask_local()
    with local.faults.add(status=429, retry_after=3, times=1):
        assert "meters" in asker.chat_completion(QUESTION).content
    assert asker.waits == [3.0]
    with local.faults.add(status=429, retry_after=600), pytest.raises(RateLimitError) as limited:
        asker.chat_completion(QUESTION)
    assert limited.value.retry_after == 600
    faults: list[tuple[FaultOptions, type[StreamError]]] = [
        ({"cut_after_events": 3}, IncompleteStreamError),
        ({"omit_finish": True}, IncompleteStreamError),
        ({"error_after_events": 3}, StreamError),
        ({"malformed_after_events": 3}, StreamError),
        ({"html": True}, StreamError),
    ]
    for fault, expected in faults:
        with local.faults.add(**fault), pytest.raises(expected):
            list(asker.stream_chat_completion(QUESTION))
    with local.faults.add(wrapped=True, omit_usage=True):
        assert asker.chat_completion(QUESTION).usage is None


def test_a_conversation_with_a_system_message_is_accepted(ask_local: Asking, local: LocalAssistant) -> None:
    messages = [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "Hello!"},
        {"role": "user", "content": "About the red pine."},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "How high can it grow?"},
    ]
    assert "meters" in ask_local().chat_completion(messages).content
    sent = local.requests[-1].body
    assert isinstance(sent, dict)
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][0]["content"] == "Answer in one sentence.\n\nHello!\n\nAbout the red pine."
