"""POST /chat/{assistant}: structured citations, highlights, context options."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from pinecone_assistant_local import LocalAssistant

from ..conftest import Api, events_of

HEIGHT = "What is the maximum height of a red pine?"


def test_the_plain_answer_has_the_services_shape(library: Api) -> None:
    body = library.chat(HEIGHT).json()
    assert list(body) == [
        "id",
        "model",
        "message",
        "finish_reason",
        "citations",
        "usage",
        "context_snippet_count",
    ]
    assert body["message"] == {
        "role": "assistant",
        "content": "It can grow up to 25 meters high and 75 centimeters in diameter.",
    }
    assert body["finish_reason"] == "stop"
    assert body["context_snippet_count"] > 0


def test_a_citation_stands_before_the_full_stop_and_names_the_file(library: Api) -> None:
    body = library.chat(HEIGHT).json()
    text = body["message"]["content"]
    [citation] = body["citations"]
    assert text[citation["position"] :] == "."
    [reference] = citation["references"]
    assert reference["pages"] == []
    assert reference["highlight"] is None
    file = reference["file"]
    assert (file["name"], file["status"]) == ("red_pine.md", "Available")
    assert requests.get(file["signed_url"], timeout=20).text.startswith("# Red pine")


def test_highlights_are_the_words_of_the_file(library: Api) -> None:
    [citation] = library.chat(HEIGHT, include_highlights=True).json()["citations"]
    assert citation["references"][0]["highlight"] == {
        "type": "text",
        "content": "It can grow up to 25 meters high and 75 centimeters in diameter.",
    }


def test_a_decline_has_no_citations(library: Api) -> None:
    body = library.chat(HEIGHT, filter={"topic": "nothing"}).json()
    assert body["citations"] == []
    assert body["context_snippet_count"] == 0
    assert "could not find" in body["message"]["content"]


def test_older_versions_do_not_count_the_snippets(library: Api) -> None:
    api = Api(library.local, "2025-10", library.session)
    assert "context_snippet_count" not in api.chat(HEIGHT).json()
    assert "context_snippet_count" not in events_of(api.chat(HEIGHT, stream=True))[0]
    file = api.chat(HEIGHT).json()["citations"][0]["references"][0]["file"]
    assert (file["percent_done"], file["size"] > 0) == (1.0, True)


def test_the_stream_is_start_contents_with_citations_end(library: Api) -> None:
    start, *middle, end = events_of(library.chat(HEIGHT, stream=True))
    assert (start["type"], start["role"]) == ("message_start", "assistant")
    assert start["context_snippet_count"] == library.chat(HEIGHT).json()["context_snippet_count"]
    assert {event["type"] for event in middle} == {"content_chunk", "citation"}
    assert (end["type"], end["finish_reason"]) == ("message_end", "stop")
    assert set(end["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert {event["id"] for event in middle} == {start["id"]} == {end["id"]}


def test_the_stream_says_what_the_plain_answer_says(library: Api) -> None:
    plain = library.chat(HEIGHT, include_highlights=True).json()
    events = events_of(library.chat(HEIGHT, stream=True, include_highlights=True))
    text = "".join(event["delta"]["content"] for event in events if event["type"] == "content_chunk")
    citations = [event["citation"] for event in events if event["type"] == "citation"]
    assert (text, citations) == (plain["message"]["content"], plain["citations"])


def test_a_citation_event_comes_where_it_belongs(library: Api) -> None:
    length = 0
    for event in events_of(library.chat(HEIGHT, stream=True)):
        if event["type"] == "content_chunk":
            length += len(event["delta"]["content"])
        elif event["type"] == "citation":
            assert event["citation"]["position"] == length


def test_a_silent_stream_sends_heartbeats() -> None:
    with LocalAssistant(heartbeat_seconds=0.01, token_delay_seconds=0.05) as local, requests.Session() as session:
        local.reply("Yes.")
        api = Api(local, session=session)
        response = api.chat("Is it?", stream=True)
        assert events_of(response)[-1]["type"] == "message_end"
        assert response.content.count(b"\n\n:\n\n") >= 2
        assert b"\n\n:\n\n" not in api.completions("Is it?", stream=True).content


def test_top_k_limits_the_snippets(library: Api) -> None:
    assert library.chat(HEIGHT, context_options={"top_k": 1}).json()["context_snippet_count"] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"context_options": {"top_k": 0}},
        {"context_options": {"top_k": 65}},
        {"context_options": {"top_k": 1.5}},
        {"context_options": {"snippet_size": 511}},
        {"context_options": {"snippet_size": 8193}},
        {"context_options": {"multimodal": False, "include_binary_content": True}},
        {"context_options": []},
        {"json_response": True, "stream": True},
        {"json_response": "yes"},
        {"include_highlights": 1},
        {"model": "gpt-2"},
    ],
)
def test_bad_options_are_400(library: Api, options: dict[str, object]) -> None:
    response = library.chat(HEIGHT, **options)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_gpt_5_is_there_on_this_interface_only(library: Api) -> None:
    assert library.chat(HEIGHT, model="gpt-5").json()["model"] == "gpt-5@local-extractive"
    assert library.completions(HEIGHT, model="gpt-5").status_code == 400


@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"multimodal": False}, {"include_binary_content": False}])
def test_context_has_the_services_shape(library: Api, options: dict[str, Any]) -> None:
    body = library.context(query="red pine height", **options).json()
    assert set(body) == {"snippets", "usage", "id"}
    assert body["usage"]["completion_tokens"] == 0
    assert 0 < len(body["snippets"]) <= options.get("top_k", 16)
    for snippet in body["snippets"]:
        assert set(snippet) == {"type", "content", "score", "reference"}
        assert snippet["type"] == "text"
        assert 0 < snippet["score"] <= 1
        assert snippet["reference"]["file"]["signed_url"].startswith("http://127.0.0.1")
    scores = [snippet["score"] for snippet in body["snippets"]]
    assert scores == sorted(scores, reverse=True)


def test_a_snippet_keeps_its_heading_and_its_type(library: Api) -> None:
    first = library.context(query="router factory settings reset").json()["snippets"][0]
    assert first["content"].startswith("Nordwind R7 router > Reset\n\nTo restore the factory settings")
    assert first["reference"]["type"] == "markdown"
    types = {
        snippet["reference"]["type"]
        for query in ("parental leave", "phone of Jonas Weil")
        for snippet in library.context(query=query).json()["snippets"][:1]
    }
    assert types == {"text", "json"}


def test_context_takes_a_conversation(library: Api) -> None:
    messages = [
        {"role": "user", "content": "How tall is a red pine?"},
        {"role": "assistant", "content": "25 meters."},
        {"role": "user", "content": "And how long does it live?"},
    ]
    assert "400 years" in library.context(messages=messages).json()["snippets"][0]["content"]


def test_a_snippet_is_never_larger_than_asked(local: LocalAssistant, api: Api) -> None:
    local.upload_text("long.txt", "pine " * 5000)
    [snippet, *_] = api.context(query="pine", snippet_size=512).json()["snippets"]
    assert len(re.findall(r"\w+", snippet["content"])) <= 512


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": "x", "messages": [{"role": "user", "content": "x"}]},
        {"query": " "},
        {"query": 5},
        {"messages": []},
        {"query": "x", "top_k": 0},
        {"query": "x", "top_k": 65},
        {"query": "x", "top_k": "3"},
        {"query": "x", "snippet_size": 511},
        {"query": "x", "multimodal": "no"},
        {"query": "x", "multimodal": False, "include_binary_content": True},
        {"query": "x", "filter": {"$bad": 1}},
    ],
)
def test_a_bad_context_request_is_400(library: Api, body: dict[str, object]) -> None:
    response = library.context(**body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_context_of_an_assistant_without_files_is_400(api: Api) -> None:
    assert api.context(query="x").status_code == 400


def test_context_that_matches_nothing_is_an_empty_list(library: Api) -> None:
    assert library.context(query="zeppelin").json()["snippets"] == []
