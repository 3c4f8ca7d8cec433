"""Users' mistakes: the error names the mistake, the value and the fix; nothing is sent or remembered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import Document
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantEvaluator,
    PineconeAssistantIndex,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
    PineconeAssistantToolSpec,
    to_filter,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import APIConnectionError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from ..client.support.recorder import frames_of, recorded
from .conftest import EIGHT, QUESTION, SECRET, Ask, run

VIEWS: list[Any] = [
    PineconeAssistantRetriever,
    PineconeAssistantQueryEngine,
    PineconeAssistantChatEngine,
    PineconeAssistantToolSpec,
]


class Height(BaseModel):
    """An answer."""

    meters: int


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("assistant", "assistant_name"),
        ("model_name", "model"),
        ("retries", "max_retries"),
        ("index_name", "assistant_name"),
        ("base_url", "host"),
        ("k", "context_options"),
    ],
)
def test_a_word_like_one_of_the_constructor_suggests_it(name: str, meant: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"has no option '{name}': did you mean '{meant}'"):
        PineconeAssistant(**dict[str, Any]({name: "docs"}))


@pytest.mark.parametrize(
    "make",
    [
        PineconeAssistant,
        *VIEWS,
        PineconeAssistantEvaluator,
        PineconeAssistantIndex,
        PineconeAssistantChatEngine.from_defaults,
        partial(PineconeAssistantIndex.from_documents, []),
    ],
)
@pytest.mark.parametrize(
    "wrong", [{"temprature": 1}, {"guard_filter": {}}, {"temperature": "warm"}], ids=["misspelt", "guard", "mistyped"]
)
def test_no_frame_of_a_constructors_error_holds_the_key(make: Any, wrong: dict[str, Any]) -> None:
    """Sentry, rich and structlog record the variables of every frame in a traceback."""
    with pytest.raises(InvalidRequestError) as caught:
        make(api_key=SECRET, default_headers={"X-Team": SECRET}, **wrong)
    assert SECRET not in recorded(caught.value)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_an_index_whose_first_upload_fails_shows_no_key(*, is_async: bool) -> None:
    options: Any = {"assistant_name": "docs", "host": "http://127.0.0.1:1", "max_retries": 0, "api_key": SECRET}
    documents = [Document(text="Bees make honey.")]

    def upload() -> None:
        if is_async:
            run(PineconeAssistantIndex.afrom_documents(documents, **options))
        else:
            PineconeAssistantIndex.from_documents(documents, **options)

    with pytest.raises(APIConnectionError) as caught:
        upload()
    names = {frame.f_code.co_name for frame in frames_of(caught.value)}
    assert names & {"from_documents", "afrom_documents"}
    for frame in frames_of(caught.value):
        assert SECRET not in repr(frame.f_locals)


@pytest.mark.parametrize("view", [PineconeAssistant, *VIEWS])
def test_a_name_like_no_other_gets_five_near_ones_at_most(view: Any) -> None:
    """Before, the error suggested 30 names."""
    for name in ("model_kwargs", "zzz", "verbose"):
        with pytest.raises(InvalidRequestError, match=f"{view.__name__} has no option '{name}'") as caught:
            view(**{name: 1})
        assert str(caught.value).count(",") <= 4
        assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("view", [PineconeAssistant, *VIEWS])
@pytest.mark.parametrize(
    "options",
    [{"timeout": "soon"}, {"interface": "grpc"}, {"context_window": None}, {"tool_messages": "x"}, {"filter": 5}],
)
def test_a_wrong_value_of_a_constructor_is_an_error_of_this_package(view: Any, options: dict[str, Any]) -> None:
    """Before, it was pydantic's ValidationError, contrary to docs/errors.md."""
    (name,) = options
    with pytest.raises(InvalidRequestError, match=rf"^{name}[.:]"):
        view(assistant_name="docs", **options)


def test_a_client_that_is_none_is_refused_at_construction() -> None:
    """Before, it was an AttributeError in the first call."""
    with pytest.raises(
        InvalidRequestError, match="client is a str: pass an AssistantClient or an AsyncAssistantClient"
    ):
        PineconeAssistant(client="docs")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize("view", VIEWS)
def test_the_assistants_name_in_the_place_of_the_llm_says_where_it_goes(view: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"llm is a str: pass a PineconeAssistant, or its .* assistant_name="):
        view("docs")


@pytest.mark.parametrize("view", VIEWS)
def test_an_unknown_word_of_an_engine_names_the_engine_and_knows_its_words(view: Any) -> None:
    """Before, the error named the LLM, which does not have `similarity_top_k`."""
    takes_sizes = view in (PineconeAssistantRetriever, PineconeAssistantToolSpec)
    advice = f"did you mean '{'similarity_top_k' if takes_sizes else 'context_options'}'"
    with pytest.raises(InvalidRequestError, match=f"{view.__name__} has no option 'top_k': {advice}"):
        view(top_k=3)


def test_an_unknown_option_of_a_copy_knows_the_views_own(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"no option 'filters': use with_filters\(\)"):
        PineconeAssistantChatEngine(**words).with_options(filters={"year": 2024})
    with pytest.raises(InvalidRequestError, match="unknown option 'top_k': did you mean 'similarity_top_k'"):
        PineconeAssistantRetriever(**words).with_options(top_k=3)
    with pytest.raises(InvalidRequestError, match="unknown option 'stream': did you mean 'streaming'"):
        PineconeAssistantQueryEngine(**words).with_options(stream=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"topk": 3}, "unknown context option 'topk'; known: top_k, snippet_size"),
        ({"query": "x"}, "unknown context option 'query'"),
        ({"filter": {"year": 2024}}, "unknown context option 'filter'"),
        ("top_k=3", "context_options is a str: pass a dict"),
    ],
)
def test_wrong_context_options_of_a_retriever_are_named(
    *, words: dict[str, Any], call: Callable[..., Any], options: Any, said: str, local: LocalAssistant
) -> None:
    """Before, they raised a TypeError in the client's method, and a filter was accepted as an option of the client."""
    retriever = PineconeAssistantRetriever(**words).with_options(context_options=options)
    with pytest.raises(InvalidRequestError, match=said):
        call(retriever, "retrieve", QUESTION)
    assert local.requests == []


@pytest.mark.parametrize("name", ["similarity_top_k", "snippet_size"])
def test_a_wrong_size_is_named_as_the_retriever_names_it(words: dict[str, Any], name: str) -> None:
    """Before, the error named `top_k`."""
    for make in (
        PineconeAssistantRetriever(**words).with_options,
        lambda **options: PineconeAssistantRetriever(**words, **options),
        lambda **options: PineconeAssistantToolSpec(**words, **options),
    ):
        with pytest.raises(InvalidRequestError, match=rf"^{name} is '5': pass a number"):
            make(**{name: "5"})


@pytest.mark.parametrize("filters", ["genre=comedy", [("genre", "comedy")], 5, ""])
def test_filters_that_are_none_are_named_by_their_type(words: dict[str, Any], filters: Any) -> None:
    said = f"filters is a {type(filters).__name__}: pass MetadataFilters, or a dict"
    with pytest.raises(InvalidRequestError, match=said):
        to_filter(filters)
    with pytest.raises(InvalidRequestError, match=said):
        PineconeAssistantRetriever(**words).with_filters(filters)
    with pytest.raises(InvalidRequestError, match=said):
        PineconeAssistantQueryEngine(**words, filters=filters)


@pytest.mark.parametrize("ask", [ask for ask in EIGHT if ask.method.endswith("complete")])
@pytest.mark.parametrize("prompt", [None, 5, [ChatMessage(QUESTION)]])
def test_a_prompt_that_is_no_text_is_named_by_its_type(
    llm: PineconeAssistant, ask: Ask, prompt: Any, local: LocalAssistant
) -> None:
    """LlamaIndex converts it to an empty message, so the error would misleadingly say "empty"."""
    with pytest.raises(InvalidRequestError, match=f"the prompt is a {type(prompt).__name__}: pass text"):
        ask.raw(llm, prompt)
    assert local.requests == []


def test_a_message_that_is_a_dict_says_what_to_pass(llm: PineconeAssistant, chat: Ask, local: LocalAssistant) -> None:
    """LlamaIndex's own events accept a dict as a message, so the adapter has to check it."""
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] is a dict: pass a ChatMessage"):
        chat.raw(llm, [ChatMessage(QUESTION), {"role": "user", "content": QUESTION}])
    assert local.requests == []


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((Height, QUESTION), {}, r"the prompt is a str: pass a prompt template, such as PromptTemplate\(text\)"),
        ((dict, PromptTemplate("x")), {}, "output_cls is dict: pass a pydantic class"),
        ((None, PromptTemplate("x")), {}, "output_cls is an instance of NoneType: pass a pydantic class"),
        ((Height, PromptTemplate("x")), {"llm_kwargs": "gpt-4o"}, "llm_kwargs is a str: pass a dict"),
    ],
)
def test_wrong_arguments_of_structured_predict_are_named(
    *, llm: PineconeAssistant, call: Callable[..., Any], arguments: Any, options: Any, said: str, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        call(llm, "structured_predict", *arguments, **options)
    assert local.requests == []


@pytest.mark.parametrize("method", ["chat", "stream_chat"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((None,), "message is a NoneType: pass text"),
        ((ChatMessage(QUESTION),), "message is a ChatMessage: pass text"),
        ((QUESTION, "before"), "chat_history is a str: pass a list of ChatMessage"),
        ((QUESTION, [{"role": "user", "content": "before"}]), r"chat_history\[0\] is a dict: pass a ChatMessage"),
    ],
)
def test_a_wrong_turn_is_named_and_not_remembered(
    *, words: dict[str, Any], call: Callable[..., Any], method: str, arguments: Any, said: str, local: LocalAssistant
) -> None:
    """Before, a wrong history was stored in the memory first, and every later turn failed."""
    engine = PineconeAssistantChatEngine(**words)
    call(engine, "chat", QUESTION)
    before, sent = engine.chat_history, len(local.requests)
    with pytest.raises(InvalidRequestError, match=said):
        call(engine, method, *arguments)
    assert engine.chat_history == before
    assert len(local.requests) == sent


def test_a_memory_that_is_none_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidRequestError, match="memory is a list: pass one of LlamaIndex's, such as ChatMemoryBuffer"
    ):
        PineconeAssistantChatEngine(**words, memory=[])  # type: ignore[arg-type]  # the mistake


def test_reading_a_turn_the_other_way_says_how_to(words: dict[str, Any], local: LocalAssistant) -> None:
    """Before, it was an AssertionError without a message."""
    engine = PineconeAssistantChatEngine(**words)
    with pytest.raises(InvalidRequestError, match=r"this turn is async: read async_response_gen\(\)"):
        list(run(engine.astream_chat(QUESTION)).response_gen)
    with pytest.raises(InvalidRequestError, match="this turn is sync: read response_gen"):
        run(anext(engine.stream_chat(QUESTION).async_response_gen()))
    assert local.requests == []
