"""The eight methods of the LLM: texts, citations and metadata of responses, and the requests sent."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from llama_index.core.base.llms import types
from llama_index.core.base.llms.types import CitationBlock, DocumentBlock, ImageBlock, LLMMetadata
from llama_index.core.llms import LLM, ChatMessage, CustomLLM, MessageRole, MockLLM, TextBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM

from llama_index.llms.pinecone_assistant import AssistantChatResponse, AssistantCompletionResponse, PineconeAssistant
from pinecone_assistant_client import APIConnectionError, AuthenticationError, IncompleteStreamError, NotFoundError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Answer, Ask, bodies, paths, run


def text_of(answer: Answer) -> str:
    if isinstance(answer, AssistantCompletionResponse):
        return answer.text
    return answer.message.content or ""


def test_it_is_a_plain_llm(llm: PineconeAssistant) -> None:
    """LlamaIndex's other base classes count every chat twice, run sync code in async methods, or leak the key."""
    assert isinstance(llm, LLM)
    assert not isinstance(llm, (CustomLLM, FunctionCallingLLM))
    assert not any("OpenAI" in base.__name__ for base in type(llm).__mro__)


def test_metadata_says_chat_model_without_function_calling(llm: PineconeAssistant) -> None:
    expected = LLMMetadata(
        context_window=128_000, is_chat_model=True, is_function_calling_model=False, model_name="gpt-4o"
    )
    assert llm.metadata == expected
    assert llm.with_options(model="claude-sonnet-4-5").metadata.model_name == "claude-sonnet-4-5"
    assert PineconeAssistant(context_window=9).metadata.context_window == 9
    assert PineconeAssistant.class_name() == "PineconeAssistant"


def test_every_method_answers_with_citations(llm: PineconeAssistant, ask: Ask) -> None:
    last = ask(llm)[-1]
    assert "25 meters" in text_of(last)
    (citation,) = last.citations
    assert text_of(last)[citation.start : citation.end] == "[1]"
    assert citation.references[0].file_name == "red_pine.md"
    kind = AssistantChatResponse if ask.method.endswith("chat") else AssistantCompletionResponse
    assert isinstance(last, kind)


def test_citations_are_mirrored_as_plain_json_without_the_signed_link(llm: PineconeAssistant, ask: Ask) -> None:
    last = ask(llm)[-1]
    assert last.citations[0].references[0].url, "the client knows the link"
    for place in (last.additional_kwargs, last.raw, last.model_dump()["additional_kwargs"], last.model_dump()["raw"]):
        assert "http" not in json.dumps(place)
    assert last.additional_kwargs["citations"] == [
        {
            "start": last.citations[0].start,
            "end": last.citations[0].end,
            "references": [
                {"number": 1, "pages": None, "file_name": "red_pine.md", "file_id": None, "highlight": None},
            ],
        }
    ]
    assert "citations" not in last.model_dump()
    assert "signature" not in repr(last.citations)


def test_standard_interface_gives_file_ids_and_highlights(
    llm: PineconeAssistant, ask: Ask, local: LocalAssistant
) -> None:
    last = ask(llm, interface="standard", include_highlights=True)[-1]
    (citation,) = last.citations
    assert citation.start == citation.end
    assert citation.references[0].file_id
    assert "25 meters" in (citation.references[0].highlight or "")
    assert paths(local) == [local.name]


def test_raw_is_a_dict_on_every_response_and_has_the_usage_at_the_end(llm: PineconeAssistant, ask: Ask) -> None:
    answers = ask(llm)
    assert all(type(answer.raw) is dict for answer in answers)
    raw = answers[-1].raw
    assert raw is not None
    usage = raw["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    known = answers[-1].additional_kwargs
    assert {name: known[name] for name in usage} == usage
    assert (raw["finish_reason"], raw["model"]) == ("stop", "gpt-4o@local-extractive")
    json.dumps([raw, known])


def test_an_answer_without_usage_has_none_in_raw(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    """A key with the value None would make token counters look elsewhere and fail."""
    with local.faults.add(omit_usage=True):
        last = ask(llm)[-1]
    assert last.raw is not None
    assert "usage" not in last.raw
    assert "prompt_tokens" not in last.additional_kwargs


def test_deltas_are_new_text_and_join_to_the_content(llm: PineconeAssistant, ask: Ask) -> None:
    answers = ask(llm)
    if not ask.streams:
        assert answers[0].delta is None
        return
    assert len(answers) > 5
    assert all(isinstance(answer.delta, str) for answer in answers)
    so_far = ""
    for answer in answers:
        so_far += answer.delta or ""
        assert text_of(answer) == so_far, "the content is cumulative"


def test_stream_and_whole_answer_are_the_same(llm: PineconeAssistant, ask: Ask) -> None:
    whole, last = llm.chat([ChatMessage(QUESTION)], strip_references=True), ask(llm, strip_references=True)[-1]
    assert text_of(last) == text_of(whole)
    assert last.additional_kwargs == whole.additional_kwargs


def test_streams_are_real_generators(llm: PineconeAssistant, local: LocalAssistant) -> None:
    assert isinstance(llm.stream_chat([ChatMessage(QUESTION)]), Generator)
    assert isinstance(llm.stream_complete(QUESTION), Generator)
    for method in (llm.astream_chat, llm.astream_complete):
        assert inspect.iscoroutinefunction(method)

    async def kinds() -> list[bool]:
        streams: list[Any] = [await llm.astream_chat([ChatMessage(QUESTION)]), await llm.astream_complete(QUESTION)]
        return [isinstance(stream, AsyncGenerator) for stream in streams]

    assert run(kinds()) == [True, True]
    assert bodies(local) == [], "a stream that nobody reads asks nothing"


def test_the_message_is_exactly_one_text_block(llm: PineconeAssistant, chat: Ask) -> None:
    for answer in chat(llm):
        assert [type(block) for block in answer.message.blocks] == [TextBlock]  # type: ignore[union-attr]  # a chat response
        assert answer.message.additional_kwargs == {}  # type: ignore[union-attr]  # a chat response


def test_responses_are_whole_models(llm: PineconeAssistant, ask: Ask) -> None:
    """They are built without validation, for speed, and must equal validated ones."""
    for answer in ask(llm):
        kind = type(answer)
        values = {name: getattr(answer, name) for name in kind.model_fields}
        assert kind(**values) == answer
        assert kind.model_validate(answer.model_dump()).model_dump() == answer.model_dump()
        assert pickle.loads(pickle.dumps(answer)) == answer
        assert copy.deepcopy(answer) == answer
        assert answer.model_copy(update={"delta": "x"}).delta == "x"


def test_an_answer_can_be_replayed_to_another_llm(llm: PineconeAssistant, chat: Ask) -> None:
    """The response can be sent back to the assistant, with unchanged text."""
    message = chat(llm)[-1].message  # type: ignore[union-attr]  # a chat response
    history = [ChatMessage(QUESTION), message, ChatMessage("And its diameter?")]
    assert chat.raw(MockLLM(), history)
    assert "25 meters" in chat.raw(llm, history)[-1].message.content


def test_citation_blocks_come_on_request(llm: PineconeAssistant, ask: Ask) -> None:
    (block,) = ask(llm, interface="standard", include_highlights=True)[-1].to_citation_blocks()
    assert isinstance(block, CitationBlock)
    assert block.title == "red_pine.md"
    assert isinstance(block.cited_content, TextBlock)
    assert "25 meters" in block.cited_content.text
    assert set(block.additional_location_info) == {"start", "end"}


def test_filter_per_call_decides_which_file_answers(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    assert "3 meters" in text_of(ask(llm, filter={"resource": "nursery"})[-1])
    assert "25 meters" in text_of(ask(llm, filter={"resource": "encyclopedia"})[-1])
    assert [body["filter"] for body in bodies(local)] == [{"resource": "nursery"}, {"resource": "encyclopedia"}]


def test_stop_ends_the_answer_before_the_sequence(llm: PineconeAssistant, ask: Ask) -> None:
    answers = ask(llm, stop=[" meters"])
    assert text_of(answers[-1]).endswith("25")
    assert answers[-1].raw is not None
    assert answers[-1].raw["finish_reason"] == "stop"


def test_strip_references_drops_the_list_and_keeps_the_citations(llm: PineconeAssistant, ask: Ask) -> None:
    last = ask(llm, strip_references=True)[-1]
    assert text_of(last).endswith("[1].")
    assert last.citations[0].references[0].file_name == "red_pine.md"
    assert "References:" in text_of(ask(llm)[-1])


def test_system_prompt_is_folded_once_into_the_user_turn(
    words: dict[str, Any], ask: Ask, local: LocalAssistant
) -> None:
    ask(PineconeAssistant(**words, system_prompt="Be brief."))
    assert bodies(local)[-1]["messages"] == [{"role": "user", "content": f"Be brief.\n\n{QUESTION}"}]


def test_system_and_developer_messages_are_folded_into_the_user_turn(
    words: dict[str, Any], chat: Ask, local: LocalAssistant
) -> None:
    messages = [
        ChatMessage("Use meters.", role=MessageRole.SYSTEM),
        ChatMessage("Hello", role=MessageRole.USER),
        ChatMessage("Hi.", role=MessageRole.ASSISTANT),
        ChatMessage("No lists.", role=MessageRole.DEVELOPER),
        ChatMessage(QUESTION, role=MessageRole.USER),
    ]
    chat.raw(PineconeAssistant(**words, system_prompt="Be brief."), messages)
    assert bodies(local)[-1]["messages"] == [
        {"role": "user", "content": "Be brief.\n\nUse meters.\n\nNo lists.\n\nHello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": QUESTION},
    ]
    assert messages[0].content == "Use meters.", "the input is not changed"


def test_completion_to_prompt_applies_unless_the_prompt_is_formatted(
    words: dict[str, Any], local: LocalAssistant, ask: Ask
) -> None:
    llm = PineconeAssistant(**words, completion_to_prompt=lambda prompt: f"Please: {prompt}")
    if ask.method.endswith("chat"):
        ask(llm)
        assert bodies(local)[-1]["messages"][0]["content"] == QUESTION
        return
    ask(llm)
    ask(llm, formatted=True)
    contents = [body["messages"][0]["content"] for body in bodies(local)]
    assert contents == [f"Please: {QUESTION}", QUESTION]


# The lowest allowed core has no ThinkingBlock.
THINKING = [types.ThinkingBlock(content="hm")] if hasattr(types, "ThinkingBlock") else []


@pytest.mark.parametrize(
    "block",
    [ImageBlock(url="https://example.com/a.png"), DocumentBlock(data=b"text"), *THINKING],
    ids=lambda block: type(block).__name__,
)
def test_blocks_that_are_no_text_are_named(
    llm: PineconeAssistant, chat: Ask, local: LocalAssistant, block: Any
) -> None:
    advice = "leave it out" if block in THINKING else "upload files"
    with pytest.raises(ValueError, match=rf"messages\[0\] \(user\) has a {type(block).__name__}: .*{advice}"):
        chat.raw(llm, [ChatMessage(blocks=[TextBlock(text=QUESTION), block])])
    assert bodies(local) == []


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "no user message"),
        ([ChatMessage("Hi", role=MessageRole.ASSISTANT)], "no user message"),
        ([ChatMessage("  ")], r"messages\[0\].content \(user\) is empty"),
        ([ChatMessage("x", role=MessageRole.TOOL)], r"messages\[0\].role is 'tool'"),
    ],
)
def test_what_cannot_be_sent_raises_before_any_traffic(
    llm: PineconeAssistant, chat: Ask, local: LocalAssistant, messages: list[ChatMessage], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        chat.raw(llm, messages)
    assert bodies(local) == []


def test_several_text_blocks_are_one_text(llm: PineconeAssistant, chat: Ask, local: LocalAssistant) -> None:
    chat.raw(llm, [ChatMessage(blocks=[TextBlock(text="One."), TextBlock(text="Two?")])])
    assert bodies(local)[-1]["messages"] == [{"role": "user", "content": "One.\nTwo?"}]


def test_errors_say_what_to_do(words: dict[str, Any], ask: Ask) -> None:
    with pytest.raises(AuthenticationError, match="API key"):
        ask(PineconeAssistant(**words | {"api_key": "wrong"}))
    with pytest.raises(NotFoundError, match='"nobody"'):
        ask(PineconeAssistant(**words | {"assistant_name": "nobody"}))
    with pytest.raises(APIConnectionError, match=r"http://127\.0\.0\.1:9"):
        ask(PineconeAssistant(**words | {"host": "http://127.0.0.1:9", "max_retries": 0}))


def test_a_cut_answer_raises_and_is_no_short_answer(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    with (
        local.faults.add(omit_finish=True) if ask.streams else local.faults.add(cut_after_events=1),
        pytest.raises(IncompleteStreamError) as caught,
    ):
        ask(llm)
    assert caught.value.text.startswith("A red pine" if ask.streams else "")
