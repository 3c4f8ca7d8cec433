"""Construction does no work. Closing, leaving or collecting a client disconnects, and its next use connects again."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import inspect
import socket
import threading
from typing import Any

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, BadRequestError, InvalidRequestError
from pinecone_assistant_client.adapters import CONNECTION_OPTIONS
from pinecone_assistant_client.options import ChatOptions
from pinecone_assistant_client.retries import Retries, RetryPolicy

from ...support.asking import Asking
from ...support.bodies import QUESTION, TEXT, part
from ...support.clients import UNFINISHED, WHOLE, async_client, sync_client
from ...support.raw_server import HOLD, RawServer, reply, streamed

# Construction


@pytest.mark.parametrize("client", [AssistantClient, AsyncAssistantClient])
def test_construction_needs_no_key_and_touches_no_network(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("construction touched the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    client()
    client(assistant_name="docs", host="https://assistant.example", verify="/no/such/file", timeout=-1, max_retries=-1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_key": None}, "PINECONE_API_KEY"),
        ({"assistant_name": None}, "PINECONE_ASSISTANT_NAME"),
        ({"api_key": "a\nb"}, "line break"),
        ({"max_retries": -1}, "max_retries"),
        ({"timeout": 0}, "timeout"),
        ({"verify": "/no/such/file"}, "/no/such/file"),
        ({"host": "ftp://x"}, "host"),
    ],
)
def test_a_wrong_option_is_told_at_the_first_use_before_any_traffic(
    ask: Asking, server: RawServer, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        ask(**options).chat_completion(QUESTION)
    with pytest.raises(InvalidRequestError, match=said):
        list(ask(**options).stream_chat_completion(QUESTION))
    assert server.connections == 0


def test_connection_options_are_what_a_constructor_takes_beside_the_options_of_an_answer() -> None:
    """The adapters take the options from here, so a new option of the client is one of theirs, or their tests fail."""
    words = inspect.signature(AssistantClient).parameters.keys()
    assert words == inspect.signature(AsyncAssistantClient).parameters.keys()
    shaping = {option.name for option in dataclasses.fields(ChatOptions)}
    assert len(CONNECTION_OPTIONS) == len(set(CONNECTION_OPTIONS))
    assert set(CONNECTION_OPTIONS) == words - shaping - {"controller_host"}


# Close


def test_a_closed_client_opens_again(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    asker = ask()
    asker.chat_completion(QUESTION)
    asker.close()
    assert server.sees_no_connections()
    asker.close()
    assert asker.chat_completion(QUESTION).content == TEXT
    assert server.connections == 2


def test_a_client_never_used_closes(ask: Asking, server: RawServer) -> None:
    ask().close()
    assert server.connections == 0


def test_the_end_of_a_with_block_closes_the_connection(server: RawServer) -> None:
    server.otherwise = WHOLE
    with sync_client(server) as client:
        client.chat_completion(QUESTION)
    assert server.sees_no_connections()


async def test_the_end_of_an_async_with_block_closes_the_connection(server: RawServer) -> None:
    server.otherwise = WHOLE
    async with async_client(server) as client:
        await client.chat_completion(QUESTION)
    assert await asyncio.to_thread(server.sees_no_connections)


def test_closing_closes_although_an_error_is_kept(ask: Asking, server: RawServer) -> None:
    """The error's traceback refers to urllib3's pool, whose connections once stayed open as long as the error."""
    server.otherwise = reply(b"no", status=400)
    asker = ask()
    with pytest.raises(BadRequestError) as kept:
        asker.chat_completion(QUESTION)
    asker.close()
    assert server.sees_no_connections(1)
    assert kept.value.status_code == 400


def test_closing_in_another_thread_does_not_break_a_call(server: RawServer) -> None:
    server.otherwise = WHOLE
    client = sync_client(server)
    done = threading.Event()

    def close_all_the_time() -> None:
        while not done.wait(0.001):
            client.close()

    closing = threading.Thread(target=close_all_the_time)
    closing.start()
    try:
        client._retries = Retries(RetryPolicy(max_retries=100), sleep=lambda _: None)
        for _ in range(50):
            assert client.chat_completion(QUESTION).content == TEXT
            assert "".join(answer.content for answer in client.stream_chat_completion(QUESTION)) == TEXT
    finally:
        done.set()
        closing.join()
        client.close()
    assert len(server.requests) == 100


def test_closing_an_unfinished_stream_closes_its_connection(ask: Asking, server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    asker = ask()
    answers = asker.stream_chat_completion(QUESTION)
    assert next(answers).content == "one "
    answers.close()
    assert server.sees_a_disconnect(1)
    assert asker.chat_completion(QUESTION).content == TEXT


def test_closing_a_shaped_stream_closes_its_connection(ask: Asking, server: RawServer) -> None:
    """The adapters' streams go through one more generator."""
    server.script(streamed([part("one two three"), HOLD]), WHOLE)
    answers = ask().stream_answer(QUESTION, stop="never said")
    assert next(answers).content
    answers.close()
    assert server.sees_a_disconnect(1)


def test_a_stream_never_started_sends_nothing(ask: Asking, server: RawServer) -> None:
    answers = ask().stream_chat_completion(QUESTION)
    answers.close()
    assert server.connections == 0


def test_breaking_out_of_a_stream_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    with sync_client(server) as client:
        for answer in client.stream_chat_completion(QUESTION):
            assert answer.content == "one "
            break
        assert server.sees_a_disconnect(1)
        assert client.chat_completion(QUESTION).content == TEXT


async def test_breaking_out_of_an_async_stream_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    async with async_client(server) as client:
        async for answer in client.stream_chat_completion(QUESTION):
            assert answer.content == "one "
            break
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT


def test_an_exception_in_the_loop_body_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED)
    with sync_client(server) as client:

        def fail(_answer: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(map(fail, client.stream_chat_completion(QUESTION)))
        gc.collect()
        assert server.sees_a_disconnect(1)


def test_a_stream_that_is_garbage_collected_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    with sync_client(server) as client:
        answers = client.stream_chat_completion(QUESTION)
        next(answers)
        del answers
        gc.collect()
        assert server.sees_a_disconnect(1)
        assert client.chat_completion(QUESTION).content == TEXT


async def test_an_async_stream_that_is_garbage_collected_disconnects(server: RawServer) -> None:
    server.script(UNFINISHED, WHOLE)
    async with async_client(server) as client:
        answers = client.stream_chat_completion(QUESTION)
        await anext(answers)
        del answers
        gc.collect()
        assert await asyncio.to_thread(server.sees_a_disconnect, 1)
        assert (await client.chat_completion(QUESTION)).content == TEXT
