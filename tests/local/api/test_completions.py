"""POST /chat/{assistant}/chat/completions."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator

import aiohttp
import pytest
import requests

from pinecone_assistant_local import LocalAssistant

from ..conftest import Api, events_of, text_of

HEIGHT = "What is the maximum height of a red pine?"


def test_the_plain_answer_has_the_services_shape(library: Api) -> None:
    body = library.completions(HEIGHT).json()
    assert list(body) == ["id", "choices", "model", "usage"]
    assert re.fullmatch("[0-9a-f]{32}", body["id"])
    assert body["model"] == "gpt-4o@local-extractive"
    [choice] = body["choices"]
    assert (choice["finish_reason"], choice["index"], choice["message"]["role"]) == ("stop", 0, "assistant")
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_the_answer_ends_in_markers_and_the_reference_list(library: Api) -> None:
    """Two spaces, the marker, the full stop; then the list with its signed link, as recorded from the service."""
    text = library.ask(HEIGHT)
    assert re.fullmatch(
        r"It can grow up to 25 meters high and 75 centimeters in diameter  \[1\]\.\n\n"
        r"References:\n1\. \[red_pine\.md\]\(http://127\.0\.0\.1:\d+/\S+\) \n",
        text,
    )


def test_the_reference_list_can_be_switched_off() -> None:
    with LocalAssistant(references=False) as local, requests.Session() as session:
        local.upload_text("pine.md", "The red pine can grow up to 25 meters high.")
        assert Api(local, session=session).ask(HEIGHT) == "The red pine can grow up to 25 meters high  [1]."


def test_files_are_numbered_in_the_order_of_their_citation(local: LocalAssistant, api: Api) -> None:
    local.upload_text("b.md", "The red pine grows 25 meters high in most places.")
    local.upload_text("a.md", "A red pine of 31 meters in height was measured here.")
    text = api.ask("What height does a red pine have?")
    markers = re.findall(r"  \[(\d)\]", text)
    assert markers == ["1", "2"]
    assert re.findall(r"^(\d)\. \[", text, re.MULTILINE) == ["1", "2"]


def test_the_same_question_under_two_filters_has_two_answers(local: LocalAssistant, api: Api) -> None:
    local.upload_text("encyclopedia.md", "The red pine can grow up to 25 meters high.", {"resource": "encyclopedia"})
    local.upload_text("notes.md", "The maximum height of a red pine in our plot is 31 meters.", {"resource": "notes"})
    assert "25 meters" in api.ask(HEIGHT, filter={"resource": "encyclopedia"})
    assert "25 meters" not in api.ask(HEIGHT, filter={"resource": "notes"})
    assert "31 meters" in api.ask(HEIGHT, filter={"resource": {"$eq": "notes"}})


def test_a_filter_that_excludes_every_file_is_a_polite_decline(library: Api) -> None:
    text = library.ask(HEIGHT, filter={"topic": "nothing"})
    assert "could not find" in text
    assert "[" not in text


def test_an_assistant_without_an_available_file_is_400(api: Api) -> None:
    response = api.completions(HEIGHT)
    assert response.status_code == 400
    assert "no available files" in response.json()["error"]["message"]


def test_an_unknown_assistant_is_404(api: Api) -> None:
    response = api.call("POST", "/chat/nobody/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
    assert response.json() == {
        "error": {"code": "NOT_FOUND", "message": 'Assistant "nobody" not found.'},
        "status": 404,
    }


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (None, "Must have at least 1 message"),
        ([], "Must have at least 1 message"),
        ({"role": "user"}, "messages must be a list"),
        (["text"], "messages[0] must be a JSON object"),
        ([{"role": "user", "content": ""}], "Message content cannot be empty"),
        ([{"role": "user", "content": " \n\t"}], "Message content cannot be empty"),
        ([{"role": "user"}], "Message content cannot be empty"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content must be a string"),
        ([{"content": "x"}], "Role cannot be empty"),
        ([{"role": "", "content": "x"}], "Role cannot be empty"),
        ([{"role": "User", "content": "x"}], "Role 'User' is not valid"),
        ([{"role": "system", "content": "x"}, {"role": "user", "content": "y"}], "Role 'system' is not valid"),
        ([{"role": "tool", "content": "x"}], "Role 'tool' is not valid"),
    ],
)
def test_bad_messages_are_400(library: Api, messages: object, message: str) -> None:
    for ask in (library.completions, library.chat):
        response = ask(messages)
        assert response.status_code == 400
        assert response.json()["error"]["message"].startswith(message)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "gpt-2"},
        {"model": ""},
        {"model": 5},
        {"model": "gpt-5"},
        {"temperature": 3.0},
        {"temperature": -0.1},
        {"temperature": "hot"},
        {"temperature": True},
        {"stream": "yes"},
        {"filter": []},
        {"filter": {"genre": ["a"]}},
    ],
)
def test_bad_options_are_400(library: Api, options: dict[str, object]) -> None:
    response = library.completions(HEIGHT, **options)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("options", [{"model": "o4-mini", "temperature": 2}, {"unknown_field": 1}, {"model": None}])
def test_good_and_unknown_options_are_accepted(library: Api, options: dict[str, object]) -> None:
    body = library.completions(HEIGHT, **options).json()
    assert body["model"] == f"{options.get('model') or 'gpt-4o'}@local-extractive"


def test_more_models_can_be_allowed() -> None:
    with LocalAssistant(allowed_models=["new-model"]) as local, requests.Session() as session:
        local.reply("Yes.")
        assert Api(local, session=session).completions("?!", model="new-model").json()["model"].startswith("new-model")


def test_the_stream_is_role_contents_finish_usage_and_nothing_else(library: Api) -> None:
    response = library.completions(HEIGHT, stream=True)
    assert response.headers["connection"] == "close"
    events = events_of(response)
    first, *contents, finish, usage = events
    assert first["choices"] == [{"finish_reason": None, "index": 0, "delta": {"role": "assistant"}}]
    for event in contents:
        [choice] = event["choices"]
        assert set(choice["delta"]) == {"content"}
        assert choice["finish_reason"] is None
    assert finish["choices"] == [{"finish_reason": "stop", "index": 0, "delta": {"role": None, "content": None}}]
    assert "usage" not in finish
    assert usage["choices"] == []
    assert set(usage["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert len({event["id"] for event in events}) == 1
    assert b"[DONE]" not in response.content


def test_the_stream_says_what_the_plain_answer_says(library: Api) -> None:
    assert text_of(events_of(library.completions(HEIGHT, stream=True))) == library.ask(HEIGHT)


def test_a_sentence_comes_in_several_chunks_and_a_marker_is_split(library: Api) -> None:
    events = events_of(library.completions(HEIGHT, stream=True))
    chunks = [text_of([event]) for event in events]
    assert len([chunk for chunk in chunks if chunk]) > 20
    assert max(map(len, chunks)) <= 7
    assert not any("[red_pine.md](" in chunk for chunk in chunks)


def test_each_chunk_is_sent_as_it_is_made() -> None:
    """With half a minute between the tokens, the first ones still arrive at once."""
    with LocalAssistant(token_delay_seconds=30) as local:
        local.reply("A long answer.")
        host, port = local.host.removeprefix("http://").split(":")
        body = json.dumps({"messages": [{"role": "user", "content": "?!"}], "stream": True})
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(
                f"POST /assistant/chat/{local.name}/chat/completions HTTP/1.1\r\nHost: {host}\r\nApi-Key: local\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            received = b""
            while b'"role":"assistant"' not in received:
                received += connection.recv(65536)


async def test_200_streams_run_at_once(library: Api) -> None:
    url = f"{library.local.host}/assistant/chat/{library.local.name}/chat/completions"
    body = {"messages": [{"role": "user", "content": HEIGHT}], "stream": True}
    expected = library.ask(HEIGHT)

    async def ask(session: aiohttp.ClientSession) -> str:
        async with session.post(url, json=body, headers={"Api-Key": "local"}) as response:
            data = await response.read()
        events = [json.loads(block[5:]) for block in data.decode().split("\n\n") if block]
        return text_of(events)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        answers = await asyncio.gather(*(ask(session) for _ in range(200)))
    assert set(answers) == {expected}


async def test_a_client_that_leaves_ends_the_work() -> None:
    """The generate hook is not asked for more text once the client has left."""
    asked: list[int] = []

    def endless(_question: str, _passages: object) -> Iterator[str]:
        for number in range(1_000_000):
            asked.append(number)
            yield "word "

    with LocalAssistant(generate=endless) as local:
        local.upload_text("pine.md", "The red pine can grow up to 25 meters high.")
        url = f"{local.host}/assistant/chat/{local.name}/chat/completions"
        body = {"messages": [{"role": "user", "content": HEIGHT}], "stream": True}
        async with aiohttp.ClientSession() as session:
            response = await session.post(url, json=body, headers={"Api-Key": "local"})
            await response.content.readany()
            response.close()
        for _ in range(100):
            before = len(asked)
            await asyncio.sleep(0.05)
            if len(asked) == before:
                return
    pytest.fail("the hook was still asked after five seconds")
