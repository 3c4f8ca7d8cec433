"""Options of the constructor and of a call, their precedence, and secrets that are never shown."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_client.adapters import CONNECTION_OPTIONS
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, SECRET, Ask, bodies, paths, run


def test_the_options_are_the_fields() -> None:
    """Type checkers see exactly the options that the constructor takes."""
    assert {*AssistantOptions.__annotations__, "guard_filter"} == set(PineconeAssistant.model_fields)
    assert set(CONNECTION_OPTIONS) < set(PineconeAssistant.model_fields)


@pytest.mark.parametrize("option", ["apikey", "max_tokens", "top_k"])
def test_an_unknown_constructor_option_raises_and_names_it_but_not_its_value(option: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"PineconeAssistant has no option '{option}'") as caught:
        PineconeAssistant(**dict[str, Any]({option: SECRET}))
    assert SECRET not in str(caught.value)


def test_a_wrong_value_is_not_shown(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"^max_retries: Input should be a valid integer") as caught:
        PineconeAssistant(**words, max_retries=SECRET)  # type: ignore[arg-type]  # the mistake
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None, "pydantic's error holds the value"


def test_an_unknown_call_option_raises_and_names_it(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match="unknown option 'max_tokens'"):
        ask(llm, max_tokens=5)
    assert bodies(local) == []


def test_unknown_additional_kwargs_raise_and_are_named(words: dict[str, Any], ask: Ask) -> None:
    with pytest.raises(InvalidRequestError, match="additional_kwargs has the unknown option 'seed'"):
        ask(PineconeAssistant(**words, additional_kwargs={"seed": 5}))


def test_a_bad_filter_raises_before_any_traffic(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(InvalidRequestError, match=r"filter\.genre: a list needs \$in"):
        ask(llm, filter={"genre": ["a", "b"]})
    assert bodies(local) == []


def test_call_wins_over_additional_kwargs_over_field(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    field = PineconeAssistant(**words, temperature=0.1, model="gpt-4.1")
    additional = PineconeAssistant(**words, temperature=0.1, model="gpt-4.1", additional_kwargs={"temperature": 0.2})
    ask(field)
    ask(additional)
    ask(additional, temperature=0.3)
    ask(additional, temperature=None)
    assert [body.get("temperature") for body in bodies(local)] == [0.1, 0.2, 0.3, None]
    assert {body["model"] for body in bodies(local)} == {"gpt-4.1"}


def test_what_is_not_set_is_not_sent(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    ask(llm)
    assert set(bodies(local)[0]) <= {"messages", "stream"}


def test_zero_temperature_is_sent(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    ask(PineconeAssistant(**words, temperature=0.0))
    assert bodies(local)[0]["temperature"] == 0.0


def test_none_in_a_call_clears_the_default(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, filter={"resource": "nursery"}, model="gpt-4.1")
    ask(llm, filter=None, model=None)
    assert set(bodies(local)[0]) <= {"messages", "stream"}


def test_with_options_returns_a_copy(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, temperature=0.5, additional_kwargs={"stop": ["x"], "model": "gpt-4o"})
    other = llm.with_options(model="gpt-4.1", temperature=None, stop=[" meters"], filter={"resource": "nursery"})
    last = ask(other)[-1]
    assert str(last).endswith(" 3")
    assert bodies(local)[0].keys() - {"stream"} == {"messages", "model", "filter"}
    assert bodies(local)[0]["model"] == "gpt-4.1"
    assert (llm.temperature, llm.additional_kwargs) == (0.5, {"stop": ["x"], "model": "gpt-4o"})
    with pytest.raises(InvalidRequestError, match="with_options has the unknown option 'host'"):
        llm.with_options(host="http://127.0.0.1:1")


def test_json_response_is_for_whole_answers(llm: PineconeAssistant, ask: Ask, local: LocalAssistant) -> None:
    if ask.streams:
        with pytest.raises(InvalidRequestError, match="json_response cannot be streamed"):
            ask(llm, json_response=True)
        assert bodies(local) == []
    else:
        last = ask(llm, json_response=True)[-1]
        assert isinstance(json.loads(str(last).removeprefix("assistant: ")), dict)


@pytest.mark.parametrize("option", ["filter", "model", "temperature", "timeout", "stop", "llm_kwargs"])
@pytest.mark.parametrize("method", ["predict", "stream"])
def test_an_option_that_would_be_taken_for_a_prompt_variable_raises(
    llm: PineconeAssistant, call: Any, local: LocalAssistant, method: str, option: str
) -> None:
    with pytest.raises(InvalidRequestError, match=rf"'{option}' is not a variable.*llm_kwargs=.*with_options\(\)"):
        call(llm, method, PromptTemplate("How high is a {tree}?"), tree="red pine", **{option: 1})
    assert bodies(local) == []


@pytest.mark.parametrize(
    "prompt",
    [
        PromptTemplate("How high is a {tree} with the {filter}?"),
        ChatPromptTemplate([ChatMessage("How high is a {tree} with the {filter}?")]),
        PromptTemplate("How high is a {tree} with the {sieve}?", template_var_mappings={"filter": "sieve"}),
        PromptTemplate("How high is a {tree} with the {filter}?", function_mappings={"filter": lambda **_: "net"}),
    ],
)
def test_a_variable_with_the_name_of_an_option_is_a_variable(
    llm: PineconeAssistant, call: Any, local: LocalAssistant, prompt: Any
) -> None:
    call(llm, "predict", prompt, tree="red pine", filter="net")
    assert bodies(local)[0]["messages"][0]["content"] == "How high is a red pine with the net?"
    assert "filter" not in bodies(local)[0]


def test_predict_folds_the_system_prompt_once(words: dict[str, Any], call: Any, local: LocalAssistant) -> None:
    llm = PineconeAssistant(**words, system_prompt="Be brief.").with_options(filter={"resource": "nursery"})
    assert call(llm, "predict", PromptTemplate(QUESTION))
    assert bodies(local)[0]["filter"] == {"resource": "nursery"}
    assert bodies(local)[0]["messages"] == [{"role": "user", "content": f"Be brief.\n\n{QUESTION}"}]


def test_stream_gives_tokens(llm: PineconeAssistant, is_async: bool) -> None:
    if not is_async:
        assert "25 meters" in "".join(llm.stream(PromptTemplate(QUESTION)))
        return

    async def tokens() -> str:
        return "".join([token async for token in await llm.astream(PromptTemplate(QUESTION))])

    assert "25 meters" in run(tokens())


def test_the_environment_is_read_at_construction(
    local: LocalAssistant, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    with monkeypatch.context() as patch:
        for name, value in local.environ.items():
            patch.setenv(name, value)
        llm = PineconeAssistant()
    assert ask(llm)
    assert (llm.assistant_name, llm.host) == (local.name, local.host)


def test_the_host_is_looked_up_where_none_is_given(
    local: LocalAssistant, words: dict[str, Any], monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", local.host)
    assert ask(PineconeAssistant(**words | {"host": None}))


def test_construction_needs_nothing_and_the_first_call_says_what_is_missing(ask: Ask) -> None:
    with pytest.raises(InvalidRequestError, match="PINECONE_ASSISTANT_NAME"):
        ask(PineconeAssistant(host="http://127.0.0.1:9"))
    with pytest.raises(InvalidRequestError, match="PINECONE_API_KEY"):
        ask(PineconeAssistant(assistant_name="docs", host="http://127.0.0.1:9"))
    with pytest.raises(InvalidRequestError, match="line break") as caught:
        ask(PineconeAssistant(assistant_name="docs", api_key=f"{SECRET}\n", host="http://127.0.0.1:9"))
    assert SECRET not in str(caught.value)


def test_secrets_are_in_no_dump_and_no_repr(words: dict[str, Any]) -> None:
    llm = PineconeAssistant(
        **words,
        default_headers={"X-Team": "header-secret"},
        proxies={"https": "http://user:proxy-secret@proxy:3128"},
        filter={"resource": "nursery"},
        timeout=(1, 2),
    )
    shown = [llm.to_json(), json.dumps(llm.to_dict()), repr(llm), str(llm), json.dumps(llm.to_payload())]
    shown += [llm.model_dump_json(), llm.json(), repr(llm.sync_client), repr(llm.async_client)]
    for text in shown:
        for secret in (SECRET, "header-secret", "proxy-secret"):
            assert secret not in text


def test_from_dict_falls_back_to_the_environment(
    words: dict[str, Any], monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    data = PineconeAssistant(**words, filter={"resource": "nursery"}, timeout=(5, 10)).to_dict()
    copy = PineconeAssistant.from_dict(data)
    assert (copy.api_key, copy.timeout) == (None, (5, 10))
    with pytest.raises(InvalidRequestError, match="PINECONE_API_KEY"):
        ask(copy)
    monkeypatch.setenv("PINECONE_API_KEY", SECRET)
    assert "3 meters" in str(ask(PineconeAssistant.from_dict(data))[-1])
    assert "3 meters" in str(ask(PineconeAssistant.from_json(json.dumps(data)))[-1])


@pytest.mark.parametrize("kind", [AssistantClient, AsyncAssistantClient])
def test_an_existing_client_is_used_sync_and_async(
    words: dict[str, Any], ask: Ask, local: LocalAssistant, kind: Any
) -> None:
    client = kind(**words, filter={"resource": "nursery"}, interface="standard")
    llm = PineconeAssistant(client=client)
    assert "3 meters" in str(ask(llm)[-1])
    assert "25 meters" in str(ask(llm, filter={"resource": "encyclopedia"})[-1])
    assert set(paths(local)) == {local.name}
    assert (llm.sync_client if kind is AssistantClient else llm.async_client) is client


def test_an_existing_client_excludes_connection_words(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="leave out host"):
        PineconeAssistant(client=AssistantClient(**words), host="http://127.0.0.1:9")


def test_a_pickle_holds_the_key_so_that_it_works(llm: PineconeAssistant) -> None:
    copy = pickle.loads(pickle.dumps(llm))
    assert copy.api_key.get_secret_value() == SECRET
