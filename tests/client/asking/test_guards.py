"""A guard filter applies to every call, and nothing loosens it. Filters that are changed after they were passed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError

from ..support.asking import KEY, Asker, Asking
from ..support.bodies import CHAT_EVENTS, PARTS, QUESTION, chat_answer, completion
from ..support.raw_server import RawServer, reply, streamed

GUARD = {"tenant": "acme"}
OTHER = {"tenant": "other"}
BOTH = {"$and": [GUARD, OTHER]}
EMPTY_CONTEXT = reply({"snippets": []})

CALLS: dict[str, tuple[Any, Callable[..., object]]] = {
    "chat_completion": (reply(completion()), lambda asker, **o: asker.chat_completion(QUESTION, **o)),
    "stream_chat_completion": (streamed(PARTS), lambda asker, **o: list(asker.stream_chat_completion(QUESTION, **o))),
    "chat": (reply(chat_answer()), lambda asker, **o: asker.chat(QUESTION, **o)),
    "chat of JSON": (reply(chat_answer()), lambda asker, **o: asker.chat(QUESTION, json_response=True, **o)),
    "stream_chat": (streamed(CHAT_EVENTS), lambda asker, **o: list(asker.stream_chat(QUESTION, **o))),
    "answer": (reply(completion()), lambda asker, **o: asker.answer(QUESTION, **o)),
    "stream_answer": (streamed(PARTS), lambda asker, **o: list(asker.stream_answer(QUESTION, **o))),
    "context": (EMPTY_CONTEXT, lambda asker, **o: asker.context("pine", **o)),
    "context of messages": (EMPTY_CONTEXT, lambda asker, **o: asker.context(messages=QUESTION, **o)),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest, server: RawServer) -> Callable[..., Any]:
    """Calls an asker in one of its ways and returns the filter that was sent, or None."""
    server.otherwise, ask_it = CALLS[request.param]

    def sent(asker: Asker, **options: Any) -> Any:
        ask_it(asker, **options)
        return server.requests[-1].json().get("filter")

    return sent


def test_a_guard_holds_in_every_call_whatever_its_filter(ask: Asking, call: Callable[..., Any]) -> None:
    asker = ask(guard_filter=GUARD)
    assert call(asker) == GUARD
    assert call(asker, filter=None) == GUARD
    assert call(asker, filter={}) == GUARD
    assert call(asker, filter=OTHER) == BOTH
    filtered = ask(guard_filter=GUARD, filter=OTHER)
    assert call(filtered) == BOTH
    assert call(filtered, filter=None) == GUARD


def test_views_copies_and_pickles_keep_the_guard(ask: Asking, call: Callable[..., Any]) -> None:
    client = ask(guard_filter=GUARD).client
    for twin in (
        copy.copy(client),
        copy.deepcopy(client),
        pickle.loads(pickle.dumps(client)),
        type(client).like(AssistantClient.like(client)),
        type(client).like(AsyncAssistantClient.like(client)),
        client.with_options(filter=None, model="gpt-4o"),
        client.with_options(filter={}),
        client.guarded_by(None),
    ):
        asker = ask.over(twin)
        assert asker.client.is_guarded
        assert call(asker) == GUARD
        assert call(asker, filter=OTHER) == BOTH


def test_a_second_guard_narrows_the_first(ask: Asking, call: Callable[..., Any]) -> None:
    asker = ask.over(ask(guard_filter=GUARD).client.guarded_by({"team": 7}))
    narrowed = {"$and": [GUARD, {"team": 7}]}
    assert call(asker) == narrowed
    assert call(asker, filter=OTHER) == {"$and": [narrowed, OTHER]}


def test_a_wrong_filter_behind_a_guard_is_named_by_its_own_path(ask: Asking, server: RawServer) -> None:
    asker = ask(guard_filter=GUARD)
    for call in (asker.chat_completion, asker.chat, asker.answer, lambda q, **o: asker.context("pine", **o)):
        for wrong in ({"genre": ["a"]}, ["a"], "", 0):
            with pytest.raises(InvalidRequestError, match=r"^filter[.:]"):
                call(QUESTION, filter=wrong)
    assert not server.requests


@pytest.mark.parametrize("make", [AssistantClient, AsyncAssistantClient])
def test_only_a_constructor_takes_a_guard_and_it_takes_no_empty_one(make: type[AssistantClient]) -> None:
    empties: list[dict[str, Any]] = [{}, {"$and": [{}]}]
    for empty in empties:
        with pytest.raises(InvalidRequestError, match="guard_filter"):
            make("docs", api_key=KEY, guard_filter=empty)
    client = make("docs", api_key=KEY, guard_filter=None)
    assert not client.is_guarded
    for guard in (GUARD, None):
        with pytest.raises(InvalidRequestError, match="with_options cannot set guard_filter"):
            client.with_options(guard_filter=guard)


def test_every_call_refuses_a_guard_by_name(ask: Asking, call: Callable[..., Any], server: RawServer) -> None:
    for guard in (OTHER, None):
        with pytest.raises((InvalidRequestError, TypeError), match="guard_filter"):
            call(ask(guard_filter=GUARD), guard_filter=guard)
    assert not server.requests


def test_a_filter_that_is_changed_later_changes_no_client_made_before(ask: Asking, call: Callable[..., Any]) -> None:
    mine: dict[str, Any] = {"$or": [{"tenant": {"$in": ["a"]}}]}
    before = copy.deepcopy(mine)
    askers = [
        ask(filter=mine),
        ask(guard_filter=mine),
        ask.over(ask().client.with_options(filter=mine)),
        ask.over(ask().client.guarded_by(mine)),
    ]
    mine["$or"][0]["tenant"]["$in"][0] = "b"
    mine["$or"].append({"tenant": "c"})
    mine["public"] = True
    for asker in askers:
        assert call(asker) == before


def test_context_options_that_are_changed_later_change_no_client_made_before(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(chat_answer())
    mine = {"top_k": 3}
    askers = [ask(context_options=mine), ask.over(ask().client.with_options(context_options=mine))]
    mine["top_k"] = 64
    for asker in askers:
        asker.chat(QUESTION)
        assert server.requests[-1].json()["context_options"] == {"top_k": 3}


def test_the_name_of_the_assistant_is_the_one_positional_argument(server: RawServer) -> None:
    for make in (AssistantClient, AsyncAssistantClient):
        assert make("docs", api_key=KEY, host=server.url).assistant_name == "docs"
        with pytest.raises(TypeError):
            make(*["docs", KEY])


def test_an_unknown_option_of_answers_and_views_is_named(ask: Asking, server: RawServer) -> None:
    asker = ask()
    for use in (
        asker.client.with_options,
        lambda **o: asker.answer(QUESTION, **o),
        lambda **o: asker.stream_answer(QUESTION, **o),
    ):
        with pytest.raises(InvalidRequestError, match="has no option 'modle': did you mean 'model'"):
            use(modle="gpt-4o")
    assert not server.requests
