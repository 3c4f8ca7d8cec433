"""`structured_predict` and its variants."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from llama_index.llms.pinecone_assistant import PineconeAssistant, StructuredOutputError
from pinecone_assistant_client import AssistantError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, bodies, paths, run

PROMPT = PromptTemplate("What is the maximum height of a {tree}?")


class Size(BaseModel):
    """How high something is."""

    meters: int


class Tree(BaseModel):
    """A tree."""

    name: str
    maximum_height: Size


@pytest.fixture(
    params=[("", False), ("", True), ("stream_", False), ("stream_", True)], ids=["sync", "async", "stream", "astream"]
)
def predict(request: pytest.FixtureRequest) -> Any:
    """Return `predict`: it calls one of the four methods and returns its results as a list."""
    prefix, is_async = request.param

    def predict(llm: PineconeAssistant, *arguments: Any, **options: Any) -> list[Any]:
        method = getattr(llm, f"{'a' if is_async else ''}{prefix}structured_predict")
        if not is_async:
            result = method(*arguments, **options)
            return list(result) if prefix else [result]

        async def wait() -> list[Any]:
            result = await method(*arguments, **options)
            return [item async for item in result] if prefix else [result]

        return run(wait())

    return predict


def test_an_instance_is_filled_from_the_files_in_one_call(
    llm: PineconeAssistant, predict: Any, local: LocalAssistant
) -> None:
    """The stream variants yield once."""
    (tree,) = predict(llm, Tree, PROMPT, tree="red pine")
    assert isinstance(tree, Tree)
    assert tree.maximum_height.meters == 25
    assert paths(local) == [local.name], "the standard endpoint, once"
    assert bodies(local)[0]["json_response"] is True


def test_the_schema_is_sent_as_it_is(llm: PineconeAssistant, predict: Any, local: LocalAssistant) -> None:
    """LlamaIndex's own program doubles every brace of the schema."""
    predict(llm, Tree, PROMPT, tree="red pine")
    content = bodies(local)[0]["messages"][0]["content"]
    question, _, rest = content.partition("\n\n")
    assert question == "What is the maximum height of a red pine?"
    assert json.loads(rest[rest.index("{") :]) == Tree.model_json_schema()


def test_llm_kwargs_are_options_of_the_call(llm: PineconeAssistant, predict: Any, local: LocalAssistant) -> None:
    (tree,) = predict(
        llm, Tree, PROMPT, llm_kwargs={"filter": {"resource": "nursery"}, "model": "gpt-4.1"}, tree="red pine"
    )
    assert tree.maximum_height.meters == 3
    assert bodies(local)[0]["model"] == "gpt-4.1"


def test_llm_kwargs_win_over_json_response(llm: PineconeAssistant, predict: Any, local: LocalAssistant) -> None:
    local.reply('{"meters": 7}')
    assert predict(llm, Size, PROMPT, llm_kwargs={"json_response": False}, tree="red pine") == [Size(meters=7)]
    assert paths(local) == ["completions"]


def test_unknown_llm_kwargs_raise(llm: PineconeAssistant, predict: Any, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="unknown option 'max_tokens'"):
        predict(llm, Tree, PROMPT, llm_kwargs={"max_tokens": 5}, tree="red pine")
    assert bodies(local) == []


def test_an_option_among_the_prompt_variables_raises(
    llm: PineconeAssistant, predict: Any, local: LocalAssistant
) -> None:
    with pytest.raises(InvalidRequestError, match=r"'filter' is not a variable of this prompt.*llm_kwargs="):
        predict(llm, Tree, PROMPT, tree="red pine", filter={"resource": "nursery"})
    assert bodies(local) == []


@pytest.mark.parametrize("text", ["I do not know.", '{"meters": "tall"}', "", '{"meters": 330 [1, pp. 1]}'])
def test_an_answer_that_is_no_such_json_raises_with_the_text_attached(
    llm: PineconeAssistant, predict: Any, local: LocalAssistant, text: str
) -> None:
    local.reply(text)
    with pytest.raises(StructuredOutputError, match="the answer is not a valid Size") as caught:
        predict(llm, Size, PROMPT, tree="red pine")
    assert caught.value.text == text
    assert isinstance(caught.value, AssistantError)
    assert isinstance(caught.value, ValueError)


def test_an_answer_in_a_code_block_is_read(llm: PineconeAssistant, predict: Any, local: LocalAssistant) -> None:
    """Some models write a mark even in JSON answers."""
    local.reply('```json\n{"name": "oak", "maximum_height": {"meters": 30}}\n```')
    assert predict(llm, Tree, PROMPT, tree="oak")[-1].maximum_height.meters == 30


def test_system_prompt_and_chat_prompts_are_folded_once(
    words: dict[str, Any], predict: Any, local: LocalAssistant
) -> None:
    prompt = ChatPromptTemplate([ChatMessage("Use meters.", role="system"), ChatMessage("How high is a {tree}?")])
    predict(PineconeAssistant(**words, system_prompt="Be brief."), Tree, prompt, tree="red pine")
    (message,) = bodies(local)[0]["messages"]
    assert message["content"].startswith("Be brief.\n\nUse meters.\n\nHow high is a red pine?\n\nAnswer with one JSON")


def test_program_mode_llm_restores_the_way_of_core(words: dict[str, Any], local: LocalAssistant, predict: Any) -> None:
    """Its program asks without `json_response` and doubles the schema's braces."""
    local.reply('{"meters": 7}')
    llm = PineconeAssistant(**words, pydantic_program_mode=PydanticProgramMode.LLM)
    assert predict(llm, Size, PROMPT, tree="red pine")[-1] == Size(meters=7)
    assert set(paths(local)) == {"completions"}


def test_as_structured_llm_works(llm: PineconeAssistant, call: Any) -> None:
    structured = llm.as_structured_llm(Tree)
    response = call(structured, "chat", [ChatMessage(QUESTION)])
    assert response.raw.maximum_height.meters == 25
    assert "25" in call(structured, "complete", QUESTION).text
