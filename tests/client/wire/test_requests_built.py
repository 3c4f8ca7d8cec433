"""Built requests: the exact JSON, the path, and arguments that are refused before anything is sent."""

from __future__ import annotations

import enum
import json
from types import MappingProxyType
from typing import Any, cast

import pytest

from pinecone_assistant_client import InvalidRequestError, Message
from pinecone_assistant_client.options import NOT_GIVEN, ChatOptions, Interface, given
from pinecone_assistant_client.wire.protocol import (
    WireRequest,
    build_chat_completion_request,
    build_chat_request,
    build_context_request,
    build_describe_request,
    checked_context_options,
)

QUESTION = [Message("user", "How tall is a red pine?")]
WIRE = [{"role": "user", "content": "How tall is a red pine?"}]
NAMES = [
    ("docs", "docs"),
    ("my docs", "my%20docs"),
    ("a/b", "a%2Fb"),
    ("../x", "..%2Fx"),
    ("a?b#c%d", "a%3Fb%23c%25d"),
    ("ä漢", "%C3%A4%E6%BC%A2"),
    ("a-b_c.d~e", "a-b_c.d~e"),
]


def sent(request: WireRequest) -> Any:
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def said(call: Any, *args: Any, **options: Any) -> str:
    """Why a call is refused, without the pointer to the docs."""
    with pytest.raises(InvalidRequestError) as caught:
        call(*args, **options)
    return str(caught.value).removesuffix("; see docs/errors.md#invalidrequesterror")


def chat(**options: Any) -> WireRequest:
    return build_chat_request("docs", QUESTION, **options)


def completion(**options: Any) -> WireRequest:
    return build_chat_completion_request("docs", QUESTION, **options)


def context(**options: Any) -> WireRequest:
    return build_context_request("docs", **options)


@pytest.mark.parametrize(("name", "quoted"), NAMES)
def test_names_are_quoted_in_every_path(name: str, quoted: str) -> None:
    assert build_describe_request(name).path == f"/assistant/assistants/{quoted}"
    assert build_chat_completion_request(name, QUESTION).path == f"/assistant/chat/{quoted}/chat/completions"
    assert build_chat_request(name, QUESTION).path == f"/assistant/chat/{quoted}"
    assert build_context_request(name, query="x").path == f"/assistant/chat/{quoted}/context"


def test_only_what_costs_nothing_twice_is_repeatable() -> None:
    requests = [build_describe_request("docs"), context(query="x"), chat(), completion()]
    assert [request.repeatable for request in requests] == [True, True, False, False]
    assert [request.method for request in requests] == ["GET", "POST", "POST", "POST"]
    assert requests[0].body is None


@pytest.mark.parametrize("build", [chat, completion])
def test_what_is_none_or_empty_is_not_sent(build: Any) -> None:
    bare = b'{"messages":[{"role":"user","content":"How tall is a red pine?"}],"stream":false}'
    assert build().body == build(model=None, temperature=None, filter=None).body == build(filter={}).body == bare


@pytest.mark.parametrize("build", [chat, completion])
def test_what_is_given_is_sent(build: Any) -> None:
    request = build(stream=True, model="o4-mini", temperature=0, filter={"genre": {"$in": ("a", "b")}})
    assert sent(request) == {
        "messages": WIRE,
        "stream": True,
        "model": "o4-mini",
        "temperature": 0,
        "filter": {"genre": {"$in": ["a", "b"]}},
    }


def test_the_standard_interface_sends_its_own_options_where_they_are_set() -> None:
    assert sent(
        chat(json_response=True, include_highlights=True, context_options={"top_k": 3, "multimodal": False})
    ) == {
        "messages": WIRE,
        "stream": False,
        "json_response": True,
        "include_highlights": True,
        "context_options": {"top_k": 3, "multimodal": False},
    }
    for nothing in ({}, {"json_response": False, "include_highlights": False, "context_options": {}}):
        assert sent(chat(**nothing)) == {"messages": WIRE, "stream": False}


def test_text_reaches_the_wire_as_utf_8_and_any_character_is_kept() -> None:
    text = 'ä漢\U0001f332\u2028 "quoted" \\ \x00\x7f\n'
    request = build_chat_completion_request("docs", [Message("user", text)])
    assert sent(request)["messages"][0]["content"] == text
    assert request.body is not None
    assert "漢".encode() in request.body


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class Float(float):
    __slots__ = ()


class Int(int): ...


class Genre(str, enum.Enum):
    COMEDY = "comedy"


class Year(enum.IntEnum):
    FIRST = 1902


def test_subclasses_of_text_and_numbers_are_sent_as_what_they_are() -> None:
    """LangChain's `message.text` is a str of its own class, numpy.float64 a float of its own; both were refused once."""
    request = build_chat_completion_request(
        "docs",
        [Message("user", Text("How tall?"))],
        model=Text("gpt-4o"),
        temperature=Float(0.5),
        filter=MappingProxyType(
            {
                Text("genre"): MappingProxyType({"$in": [Text("a"), Genre.COMEDY]}),
                "year": {"$gt": Int(3), "$lt": Year.FIRST},
            }
        ),
    )
    assert sent(request) == {
        "messages": [{"role": "user", "content": "How tall?"}],
        "stream": False,
        "model": "gpt-4o",
        "temperature": 0.5,
        "filter": {"genre": {"$in": ["a", "comedy"]}, "year": {"$gt": 3, "$lt": 1902}},
    }


@pytest.mark.parametrize("build", [chat, completion])
@pytest.mark.parametrize("model", ["", " ", 7, b"gpt-4o", ["gpt-4o"]])
def test_a_model_that_is_no_name_is_refused(build: Any, model: Any) -> None:
    assert said(build, model=model) == f'model is {model!r}: pass a name such as "gpt-4o", or None for the default'


def test_any_model_name_is_sent_because_lists_grow() -> None:
    assert sent(completion(model="gpt-17-ultra"))["model"] == "gpt-17-ultra"


@pytest.mark.parametrize("build", [chat, completion])
@pytest.mark.parametrize("temperature", ["0.5", True, float("nan"), float("inf"), [0.5]])
def test_a_temperature_that_is_no_number_is_refused(build: Any, temperature: Any) -> None:
    assert said(build, temperature=temperature) == f"temperature is {temperature!r}: pass a number from 0 to 2, or None"


@pytest.mark.parametrize("build", [chat, completion, lambda **options: context(query="x", **options)])
def test_a_bad_filter_is_refused_by_path(build: Any) -> None:
    assert said(build, filter={"genre": ["a", "b"]}) == "filter.genre: a list needs $in"


@pytest.mark.parametrize(("bad", "path"), [({"genre": "\ud800"}, "filter.genre"), ({"\udfff": 1}, "filter")])
def test_a_filter_that_is_no_text_is_refused_by_path(bad: Any, path: str) -> None:
    said_ = said(completion, filter=bad)
    assert said_.startswith(f"{path}: ")
    assert "lone surrogate" in said_


def test_what_cannot_be_written_as_json_is_refused() -> None:
    assert said(completion, model="\ud800").startswith("the request cannot be written as JSON: ")


def test_a_large_number_is_sent_whole_or_refused() -> None:
    assert sent(completion(filter={"n": 2**100}))["filter"] == {"n": 2**100}
    assert said(completion, filter={"n": 10**30}).startswith("filter.n: 1000000000000000000000000000000 does not fit")


def test_a_context_option_is_named_as_the_caller_calls_it() -> None:
    assert said(checked_context_options, {"top_k": "3"}, names={"top_k": "k"}) == "k is '3': pass a number"
    assert said(checked_context_options, {"snippet_size": "3"}, names={"top_k": "k"}).startswith("context option snip")


def test_a_json_answer_cannot_be_streamed() -> None:
    assert said(chat, json_response=True, stream=True) == (
        "json_response cannot be streamed: the service refuses both together; use chat()"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"topk": 3}, "unknown context option 'topk'; known: top_k, snippet_size, multimodal, include_binary_content"),
        ({7: 3}, "unknown context option 7; known: top_k, snippet_size, multimodal, include_binary_content"),
        ({"top_k": "3"}, "context option top_k is '3': pass a number"),
        ({"top_k": True}, "context option top_k is True: pass a number"),
        ({"top_k": 1.5}, "context option top_k is 1.5: pass a number"),
        ({"snippet_size": [512]}, "context option snippet_size is [512]: pass a number"),
        ({"multimodal": 1}, "context option multimodal is 1: pass True or False"),
        ({"include_binary_content": "no"}, "context option include_binary_content is 'no': pass True or False"),
        ("top_k", "context_options is a str: pass a dict such as {'top_k': 8}"),
        ([("top_k", 8)], "context_options is a list: pass a dict such as {'top_k': 8}"),
    ],
)
def test_a_wrong_context_option_is_refused_by_name(options: Any, expected: str) -> None:
    assert said(chat, context_options=options) == expected


def test_a_context_option_of_none_is_not_sent() -> None:
    """None means "not sent", as for every option."""
    assert sent(chat(context_options={"top_k": None, "snippet_size": 512}))["context_options"] == {"snippet_size": 512}
    assert "context_options" not in sent(chat(context_options={"top_k": None}))


def test_options_of_the_caller_are_not_changed() -> None:
    options = {"top_k": 3}
    where = {"genre": "a"}
    chat(context_options=options, filter=where)
    assert (options, where) == ({"top_k": 3}, {"genre": "a"})


def test_a_context_request_sends_what_is_set() -> None:
    assert sent(context(query="pine")) == {"query": "pine"}
    assert sent(context(messages=QUESTION, filter={})) == {"messages": WIRE}
    full = context(
        query="pine", filter={"a": 1}, top_k=1, snippet_size=512, multimodal=False, include_binary_content=False
    )
    assert sent(full) == {
        "query": "pine",
        "filter": {"a": 1},
        "top_k": 1,
        "snippet_size": 512,
        "multimodal": False,
        "include_binary_content": False,
    }


@pytest.mark.parametrize("options", [{}, {"query": "x", "messages": QUESTION}])
def test_a_context_request_needs_exactly_one_of_query_and_messages(options: Any) -> None:
    assert said(context, **options) == "context needs exactly one of query= and messages="


@pytest.mark.parametrize(("query", "why"), [("", "empty"), (" \n", "empty"), (7, "a int"), (["x"], "a list")])
def test_a_query_that_is_no_text_is_refused(query: Any, why: str) -> None:
    assert said(context, query=query) == f"query is {why}: pass the text to search for"


def test_a_query_with_a_lone_surrogate_is_refused() -> None:
    assert said(context, query="\ud800").startswith("the request cannot be written as JSON: ")


@pytest.mark.parametrize(("name", "value"), [("top_k", "3"), ("snippet_size", 1.5), ("multimodal", "yes")])
def test_a_wrong_option_of_a_context_request_is_refused_by_name(name: str, value: Any) -> None:
    assert said(context, query="x", **{name: value}).startswith(f"context option {name} is {value!r}: pass ")


# Options: defaults, calls, interfaces

DEFAULTS = ChatOptions(
    model="gpt-4o",
    temperature=0.5,
    filter={"a": 1},
    interface="standard",
    include_highlights=True,
    context_options={"top_k": 3},
)


def built(options: ChatOptions, messages: Any = WIRE, **more: Any) -> WireRequest:
    return options.build("docs", messages, **{"stream": False} | more)


def test_what_a_call_leaves_out_is_the_default() -> None:
    assert DEFAULTS.changed() == DEFAULTS
    assert given(NOT_GIVEN, 7) == 7
    assert repr(NOT_GIVEN) == "NOT_GIVEN"


def test_none_clears_a_default() -> None:
    cleared = DEFAULTS.changed(
        model=None,
        temperature=None,
        filter=None,
        interface=None,
        include_highlights=cast("bool", None),
        context_options=None,
    )
    assert cleared == ChatOptions()
    assert given(None, 7) is None


def test_what_a_call_gives_wins() -> None:
    changed = DEFAULTS.changed(
        model="o4-mini", temperature=0, filter={"b": 2}, interface="openai", include_highlights=False
    )
    assert changed == ChatOptions("o4-mini", 0, {"b": 2}, "openai", False, {"top_k": 3})
    assert DEFAULTS.model == "gpt-4o"


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="topk"):
        DEFAULTS.changed(topk=3)  # type: ignore[call-arg] # the mistake


def test_the_interface_decides_the_endpoint() -> None:
    assert built(DEFAULTS).path == "/assistant/chat/docs"
    assert sent(built(DEFAULTS, stream=True)) == {
        "messages": WIRE,
        "stream": True,
        "model": "gpt-4o",
        "temperature": 0.5,
        "filter": {"a": 1},
        "include_highlights": True,
        "context_options": {"top_k": 3},
    }
    openai = DEFAULTS.for_openai()
    assert built(openai).path == "/assistant/chat/docs/chat/completions"
    assert sent(built(openai)).keys() == {"messages", "stream", "model", "temperature", "filter"}


def test_a_json_answer_goes_to_the_standard_endpoint_always() -> None:
    request = built(ChatOptions(), json_response=True)
    assert request.path == "/assistant/chat/docs"
    assert sent(request) == {"messages": WIRE, "stream": False, "json_response": True}
    assert "json_response cannot be streamed" in said(built, ChatOptions(), json_response=True, stream=True)


@pytest.mark.parametrize("options", [{"include_highlights": True}, {"context_options": {"top_k": 3}}])
def test_options_of_the_standard_interface_are_refused_by_name_on_the_other(options: Any) -> None:
    (name,) = options
    assert said(built, ChatOptions(**options)) == (
        f'{name} needs interface="standard": the OpenAI-compatible endpoint has none'
    )


@pytest.mark.parametrize("interface", ["", "OpenAI", "chat", 7])
def test_an_unknown_interface_is_refused(interface: Any) -> None:
    wrong = ChatOptions(interface=cast("Interface", interface))
    assert said(built, wrong) == f'interface is {interface!r}: use "openai" or "standard"'
    assert said(built, wrong, json_response=True) == f'interface is {interface!r}: use "openai" or "standard"'


def test_messages_are_folded_on_the_way() -> None:
    messages: list[Any] = [{"role": "system", "content": "S"}, Message("user", "a"), Message("user", "b")]
    wire = [{"role": "user", "content": "S\n\na\n\nb"}]
    assert sent(built(ChatOptions(), messages))["messages"] == wire
    assert sent(built(DEFAULTS, messages))["messages"] == wire
    assert sent(ChatOptions().build_context("docs", query=None, messages=messages, filter=None))["messages"] == wire
    assert said(built, ChatOptions(), messages, system_messages="error").startswith("messages[0] is a system message")


def test_a_context_request_takes_the_default_filter_or_its_own_or_none() -> None:
    def where(filter: Any) -> Any:  # noqa: A002 - the API's name
        return sent(DEFAULTS.build_context("docs", query="x", messages=None, filter=filter, top_k=2)).get("filter")

    assert (where(NOT_GIVEN), where({"b": 2}), where(None)) == ({"a": 1}, {"b": 2}, None)
