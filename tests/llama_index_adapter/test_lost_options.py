"""Options that LlamaIndex's own methods would drop silently, so that hidden files would be used for answers."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import APITimeoutError, AssistantClient, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, bodies, run

NURSERY = {"resource": "nursery"}
PROMPT = PromptTemplate("What is the maximum height of a {tree}?")


class Tree(BaseModel):
    """A tree."""

    name: str


def test_as_structured_llm_refuses_an_option_that_would_be_lost(llm: PineconeAssistant) -> None:
    """LlamaIndex's StructuredLLM ignores unknown options."""
    with pytest.raises(InvalidRequestError, match=r"would lose 'filter': use llm\.with_options\(filter="):
        llm.as_structured_llm(Tree, filter=NURSERY)
    with pytest.raises(InvalidRequestError, match=r"'callback_manger': did you mean 'callback_manager'\?"):
        llm.as_structured_llm(Tree, callback_manger=None)


@pytest.mark.parametrize("method", ["predict", "stream"])
def test_a_structured_llm_refuses_an_option_among_the_prompt_variables(
    llm: PineconeAssistant, call: Any, method: str, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match="'filter' is not a variable of this prompt"):
        call(llm.as_structured_llm(Tree), method, PROMPT, tree="red pine", filter=NURSERY)
    assert bodies(local) == []


def test_a_structured_llm_keeps_the_filter_of_its_llm_and_of_a_call(
    llm: PineconeAssistant, call: Any, local: LocalAssistant
) -> None:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    manager = CallbackManager([handler])
    call(llm.with_options(filter=NURSERY).as_structured_llm(Tree), "chat", [ChatMessage(QUESTION)])
    call(llm.as_structured_llm(Tree), "complete", QUESTION, filter=NURSERY)
    call(llm.with_options(filter=NURSERY).as_structured_llm(Tree), "predict", PROMPT, tree="red pine")
    call(llm.as_structured_llm(Tree, callback_manager=manager), "chat", [ChatMessage(QUESTION)], filter=NURSERY)
    assert [body["filter"] for body in bodies(local)] == [NURSERY] * 4
    assert len(handler.get_llm_inputs_outputs()) == 1, "LlamaIndex's own options still apply"


def test_predict_and_call_refuses_an_option_that_would_be_lost(
    llm: PineconeAssistant, call: Any, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match="predict_and_call would lose 'filter'"):
        call(llm, "predict_and_call", [], QUESTION, filter=NURSERY)
    with pytest.raises(InvalidRequestError, match="unknown option 'filtre'"):
        call(llm, "predict_and_call", [], QUESTION, filtre=NURSERY)
    assert bodies(local) == []


def test_a_copy_of_an_llm_with_a_client_keeps_every_option_of_with_options(
    words: dict[str, Any], ask: Ask, local: LocalAssistant
) -> None:
    """Before, the client's own timeout applied, and its filter could not be cleared."""
    llm = PineconeAssistant(client=AssistantClient(**words, filter=NURSERY))
    ask(llm.with_options(filter=None))
    ask(llm.with_options(filter={"year": 2020}))
    ask(llm.with_options(temperature=0.5))
    assert [body.get("filter") for body in bodies(local)] == [None, {"year": 2020}, NURSERY]
    local.faults.add(delay_seconds=1)
    with pytest.raises(APITimeoutError, match=r"0\.1 s"):
        ask(llm.with_options(timeout=0.1))


def test_what_an_llm_says_wins_over_its_client(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    """Also if the option has its default value."""
    client = AssistantClient(**words, interface="standard", include_highlights=True, filter=NURSERY)
    ask(PineconeAssistant(client=client))
    ask(PineconeAssistant(client=client, include_highlights=False))
    ask(PineconeAssistant(client=client, interface="openai", include_highlights=False))
    assert [body.get("include_highlights") for body in bodies(local)] == [True, None, None]
    assert [request.path.endswith("/completions") for request in local.requests if "/chat/" in request.path] == [
        False,
        False,
        True,
    ]
    assert all(body["filter"] == NURSERY for body in bodies(local))
    run(PineconeAssistant(client=client).aclose())
