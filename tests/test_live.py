"""Tests against the real service: `make live` with PINECONE_API_KEY and PINECONE_ASSISTANT_NAME set. Bills a dozen questions.

The assistant needs at least one Available file. Each test checks one assumption listed in docs/verified.md.
"""

from __future__ import annotations

import pytest

from pinecone_assistant_client import (
    AssistantClient,
    AsyncAssistantClient,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
)

pytestmark = pytest.mark.live
QUESTION = [{"role": "user", "content": "What are these documents about? Answer in one sentence."}]


def test_plain_answer_is_whole() -> None:
    with AssistantClient() as client:
        answer = client.chat_completion(QUESTION)
    assert answer.content
    assert answer.finish_reason
    assert answer.usage
    print(f"\nmodel {answer.model}, {len(answer.citations)} citations, ends in {answer.content[-80:]!r}")  # noqa: T201 - a run's record


def test_stream_ends_with_a_finish_reason_and_usage() -> None:
    with AssistantClient() as client:
        chunks = list(client.stream_chat_completion(QUESTION))
    assert "".join(chunk.content for chunk in chunks)
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    assert len([chunk for chunk in chunks if chunk.usage]) == 1


def test_standard_interface_cites_inside_its_text() -> None:
    """Positions are character offsets into the answer."""
    with AssistantClient() as client:
        answer = client.chat(QUESTION, include_highlights=True)
        streamed = list(client.stream_chat(QUESTION))
    assert all(0 <= citation.start <= len(answer.content) for citation in answer.citations)
    assert [chunk for chunk in streamed if chunk.finish_reason]


async def test_async_stream_is_whole() -> None:
    async with AsyncAssistantClient() as client:
        chunks = [chunk async for chunk in client.stream_chat_completion(QUESTION)]
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason]


def test_system_message_and_two_user_turns_are_accepted() -> None:
    messages = [{"role": "system", "content": "Answer with one word."}, *QUESTION, *QUESTION]
    with AssistantClient() as client:
        assert client.chat_completion(messages).content


@pytest.mark.parametrize("operator", ["$not", "$and"])
def test_filters_are_understood(operator: str) -> None:
    condition = {"no_such_field": "x"}
    metadata_filter = (
        {operator: condition} if operator == "$not" else {operator: [{"$not": condition}, {"$not": condition}]}
    )
    with AssistantClient() as client:
        assert client.chat_completion(QUESTION, filter=metadata_filter).content


def test_json_answer_is_json() -> None:
    with AssistantClient() as client:
        content = client.chat(QUESTION, json_response=True).content
    assert content.strip()[0] in "{["


def test_context_has_snippets() -> None:
    with AssistantClient() as client:
        assert client.context("documents", top_k=1).snippets


def test_wrong_key_is_an_authentication_error() -> None:
    with AssistantClient() as real:
        host = real.host or "https://api.pinecone.io"
    with AssistantClient(api_key="wrong", host=host) as client, pytest.raises(AuthenticationError):
        client.chat_completion(QUESTION)


def test_unknown_assistant_is_not_found() -> None:
    with AssistantClient(assistant_name="no-such-assistant-here") as client, pytest.raises(NotFoundError):
        client.chat_completion(QUESTION)


def test_unknown_model_is_a_bad_request() -> None:
    with AssistantClient() as client, pytest.raises(BadRequestError) as caught:
        client.chat_completion(QUESTION, model="no-such-model")
    assert caught.value.request_id
