"""Copies, pickles and serialised forms, and the secrets that they must not contain."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import pytest
import requests
from langchain_core.load import dumpd, dumps, load
from langchain_core.messages import HumanMessage
from pydantic import SecretStr, ValidationError

from langchain_pinecone_assistant import (
    ChatPineconeAssistant,
    PineconeAssistantIndex,
    PineconeAssistantRetriever,
    PineconeAssistantTool,
    aalignment_evaluator,
    alignment_evaluator,
)
from pinecone_assistant_client import AssistantError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, Traces, chat_model, words

KEY = "key-that-nobody-may-see"
HEADER = "header-that-nobody-may-see"


def test_a_copy_is_serialised_with_its_own_values(library: LocalAssistant) -> None:
    """The framework caches the serialised form on the model, so a copy would have the old one."""
    chat = chat_model(library, model="gpt-4o")
    assert chat._serialized["kwargs"]["model"] == "gpt-4o"
    assert chat.model_copy(update={"model": "gpt-4.1"})._serialized["kwargs"]["model"] == "gpt-4.1"


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda chat: pickle.loads(pickle.dumps(chat)), lambda chat: chat.model_copy(deep=True)],
    ids=["copy", "deepcopy", "pickle", "model_copy"],
)
async def test_a_duplicate_made_after_use_works(ask: Ask, duplicate: Any, library: LocalAssistant) -> None:
    chat = chat_model(library, filter={"resource": "encyclopedia"}, stop="never", default_headers={"X-A": "b"})
    await ask.invoke(chat, QUESTION)
    twin = duplicate(chat)
    assert "43.8" in (await ask.invoke(twin, QUESTION)).text
    assert twin == chat or twin.model_dump() == chat.model_dump()
    assert twin.default_headers == {"X-A": "b"}


@pytest.mark.parametrize("kind", [PineconeAssistantRetriever, PineconeAssistantTool])
async def test_retriever_and_tool_pickle_and_copy_after_use(ask: Ask, kind: Any, library: LocalAssistant) -> None:
    original = kind(**words(library), http_session=requests.Session())
    value = QUESTION if kind is PineconeAssistantRetriever else {"question": QUESTION}
    await ask.invoke(original, value)
    for twin in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original), copy.copy(original)):
        assert await ask.invoke(twin, value)
    assert pickle.loads(pickle.dumps(original)).http_session is None
    original.http_session.close()


@pytest.mark.parametrize("kind", [ChatPineconeAssistant, PineconeAssistantRetriever, PineconeAssistantTool])
async def test_key_and_headers_are_in_no_printed_or_serialised_form(
    ask: Ask, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Covers repr, str, dumps, model_dump, traces, logs and cache keys; only a pickle has the key."""
    caplog.set_level(logging.DEBUG)
    traces = Traces()
    with LocalAssistant(name="own", api_key=KEY) as local:
        local.reply("Tall.")
        local.upload_text("a.md", "A red pine is tall.")
        thing = kind(
            **words(local), default_headers={"X-Secret": HEADER}, proxies={"https": f"http://user:{HEADER}@127.0.0.1:9"}
        )
        value = {"question": QUESTION} if kind is PineconeAssistantTool else QUESTION
        await ask.invoke(thing, value, {"callbacks": [traces]})
        with local.faults.add(on="all", status=400), pytest.raises(Exception, match="400") as raised:
            await ask.invoke(thing, value, {"callbacks": [traces]})
    shown = [
        repr(thing),
        str(thing),
        dumps(thing),
        json.dumps(dumpd(thing), default=str),
        str(thing.model_dump()),
        repr(raised.value),
        caplog.text,
        *(run.model_dump_json() for run in traces.runs),
    ]
    if kind is not PineconeAssistantTool:  # the framework's own tools have a class in args_schema, which is not JSON
        shown.append(thing.model_dump_json())
    if kind is ChatPineconeAssistant:
        shown += [thing._get_llm_string(), str(thing.asdict()), str(thing._get_ls_params())]
    assert traces.runs
    for text in shown:
        assert KEY not in text
        assert HEADER not in text


def test_a_key_that_is_set_later_is_a_secret_too() -> None:
    """The framework does not validate assignments or copies."""
    chat = ChatPineconeAssistant(api_key="first")
    copied = chat.model_copy(update={"api_key": KEY})
    chat.api_key = KEY  # type: ignore[assignment]  # pydantic makes it a secret
    for one in (chat, copied):
        assert isinstance(one.api_key, SecretStr)
        assert one.api_key.get_secret_value() == KEY
        for shown in (repr(one), str(one.model_dump()), dumps(one)):
            assert KEY not in shown


def test_a_model_that_is_changed_is_serialised_with_its_new_values() -> None:
    chat = ChatPineconeAssistant(model="gpt-4o")
    assert chat._serialized["kwargs"]["model"] == "gpt-4o"
    chat.model = "gpt-4.1"
    assert chat._serialized["kwargs"]["model"] == "gpt-4.1"


def test_a_copy_with_a_word_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="temprature"):
        ChatPineconeAssistant().model_copy(update={"temprature": 1})


def test_validation_errors_do_not_repeat_what_was_passed() -> None:
    wrong: dict[str, Any] = {"api_key": [KEY], "default_headers": HEADER}
    with pytest.raises(AssistantError) as misspelt:
        ChatPineconeAssistant(**(wrong | {"apikey": KEY}))
    with pytest.raises(ValidationError) as mistyped:
        ChatPineconeAssistant(**wrong)
    for text in (str(misspelt.value), str(mistyped.value)):
        assert KEY not in text
        assert HEADER not in text


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize(
    "kind",
    [
        ChatPineconeAssistant,
        PineconeAssistantRetriever,
        PineconeAssistantIndex,
        PineconeAssistantTool,
        alignment_evaluator,
        aalignment_evaluator,
    ],
)
@pytest.mark.parametrize(
    "wrong",
    [{"temprature": 1}, {"guard_filter": {}}, {"max_retries": "many"}],
    ids=["misspelt", "an empty guard", "mistyped"],
)
def test_the_frames_of_a_constructors_error_hold_no_key(kind: Any, wrong: dict[str, Any]) -> None:
    """Sentry, rich and structlog record the variables of every frame in a traceback."""
    with pytest.raises(ValidationError if "max_retries" in wrong else AssistantError) as raised:
        kind(api_key=KEY, default_headers={"X-Secret": HEADER}, **wrong)
    frames = [entry.frame.f_locals for entry in raised.traceback[1:]]  # the first one is this test's
    assert frames
    for variables in frames:
        assert KEY not in repr(variables)
        assert HEADER not in repr(variables)


@pytest.mark.parametrize("name", ["default_headers", "proxies", "filter"])
def test_a_dict_that_is_set_later_is_a_dict(name: str) -> None:
    """The framework does not validate assignments or copies."""
    with pytest.raises(InvalidRequestError, match=f"{name} is a str: pass a dict"):
        setattr(ChatPineconeAssistant(), name, HEADER)
    with pytest.raises(InvalidRequestError, match=f"{name} is a str: pass a dict"):
        ChatPineconeAssistant().model_copy(update={name: HEADER})


@pytest.mark.parametrize("kind", [alignment_evaluator, aalignment_evaluator])
def test_the_error_of_an_evaluators_option_does_not_repeat_what_was_passed(kind: Any) -> None:
    with pytest.raises(ValidationError) as mistyped:
        kind(api_key=[KEY], proxies=HEADER)
    assert KEY not in str(mistyped.value)
    assert HEADER not in str(mistyped.value)


@pytest.mark.parametrize("kind", [alignment_evaluator, aalignment_evaluator])
@pytest.mark.parametrize("wrong", ["assistant", "filter", "guard_filter", "temperature"])
def test_an_option_that_an_evaluator_does_not_have_is_refused_by_name(kind: Any, wrong: str) -> None:
    with pytest.raises(InvalidRequestError, match=wrong):
        kind(**{wrong: "docs"})


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_a_serialised_model_comes_back(library: LocalAssistant) -> None:
    """langchain-core loads only its own table of classes, so users must pass ours in `allowed_objects`."""
    chat = chat_model(library, model="gpt-4o", temperature=0, filter={"a": 1}, stop=["x"], timeout=(1, 2))
    options: Any = {
        "secrets_map": {"PINECONE_API_KEY": library.api_key},
        "valid_namespaces": ["langchain_pinecone_assistant"],
        "allowed_objects": [ChatPineconeAssistant],
    }
    twin = load(json.loads(dumps(chat)), **options)
    assert isinstance(twin, ChatPineconeAssistant)
    assert twin.asdict() == chat.asdict()
    assert twin.timeout == (1.0, 2.0)
    assert "43.8" in twin.invoke(QUESTION, filter=None, stop=[]).text


def test_the_environment_is_read_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PINECONE_API_KEY", "PINECONE_ASSISTANT_NAME", "PINECONE_ASSISTANT_HOST"):
        monkeypatch.setenv(name, f"https://{name.lower().replace('_', '-')}.example")
    from_environment = ChatPineconeAssistant(api_key=None)
    assert isinstance(from_environment.api_key, SecretStr)
    assert from_environment.api_key.get_secret_value() == "https://pinecone-api-key.example"
    assert from_environment.assistant_name == "https://pinecone-assistant-name.example"
    explicit = ChatPineconeAssistant(api_key="mine", assistant_name="docs", host="https://mine.example")
    assert isinstance(explicit.api_key, SecretStr)
    assert explicit.api_key.get_secret_value() == "mine"
    assert (explicit.assistant_name, explicit.host) == ("docs", "https://mine.example")


def test_fields_of_a_model_hold_nothing_large_after_use(library: LocalAssistant) -> None:
    """The framework iterates over the fields at every call."""
    chat = chat_model(library)
    chat.invoke([HumanMessage(QUESTION)])
    assert len(json.dumps({name: str(getattr(chat, name)) for name in type(chat).model_fields})) < 3000
