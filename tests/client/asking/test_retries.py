"""Retries, counted at the server."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from pinecone_assistant_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    AsyncAssistantClient,
    AuthenticationError,
    IncompleteStreamError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StreamError,
)

from ..support.asking import KEY, Asking
from ..support.bodies import PARTS, QUESTION, TEXT, completion, event, part, service_error
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, RawServer, head, reply, streamed

WHOLE = reply(completion())
CONTEXT = reply({"snippets": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}, "id": "c"})


def failure(status: int, **headers: str) -> Answer:
    return reply(
        service_error("UNAVAILABLE", "try later", status),
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_transient_status_is_sent_again(ask: Asking, server: RawServer, status: int) -> None:
    server.script(failure(status), WHOLE)
    asker = ask()
    assert asker.chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 2
    assert asker.waits == [0.5]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 402, 403, 404, 409, 412, 413, 422, 501])
def test_any_other_status_is_final(ask: Asking, server: RawServer, status: int) -> None:
    server.script(failure(status, Location="http://127.0.0.1:1/"), WHOLE)
    asker = ask()
    with pytest.raises(APIStatusError) as caught:
        asker.chat_completion(QUESTION)
    assert caught.value.status_code == status
    assert len(server.requests) == 1
    assert asker.waits == []


@pytest.mark.parametrize("streams", [False, True], ids=["plain", "streamed"])
def test_retries_end_with_the_last_error(ask: Asking, server: RawServer, streams: bool) -> None:
    server.otherwise = failure(503)
    asker = ask()
    with pytest.raises(InternalServerError, match="try later"):
        list(asker.stream_chat_completion(QUESTION)) if streams else asker.chat_completion(QUESTION)
    assert len(server.requests) == 3
    assert asker.waits == [0.5, 1.0]


def test_the_opening_of_a_stream_is_sent_again(ask: Asking, server: RawServer) -> None:
    server.script(failure(429), failure(500), streamed(PARTS))
    asker = ask()
    assert "".join(chunk.content for chunk in asker.stream_chat_completion(QUESTION)) == TEXT
    assert len(server.requests) == 3


def test_no_retries_is_one_request(ask: Asking, server: RawServer) -> None:
    server.otherwise = failure(503)
    with pytest.raises(InternalServerError):
        ask(max_retries=0).chat_completion(QUESTION)
    assert len(server.requests) == 1


def test_waits_double_up_to_eight_seconds(ask: Asking, server: RawServer) -> None:
    server.otherwise = failure(500)
    asker = ask(max_retries=6)
    with pytest.raises(InternalServerError):
        asker.chat_completion(QUESTION)
    assert asker.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_the_whole_wait_is_random(ask: Asking, server: RawServer) -> None:
    server.otherwise = failure(500)
    asker = ask()
    asker.jitter = 0.25
    with pytest.raises(InternalServerError):
        asker.chat_completion(QUESTION)
    assert asker.waits == [0.125, 0.25]


@pytest.mark.parametrize(("header", "wait"), [("0", 0.0), ("2", 2.0), ("1.5", 1.5), ("60", 60.0), ("-3", 0.0)])
def test_retry_after_in_seconds_is_obeyed(ask: Asking, server: RawServer, header: str, wait: float) -> None:
    server.script(failure(429, Retry_After=header), WHOLE)
    asker = ask()
    asker.jitter = 0.0
    asker.chat_completion(QUESTION)
    assert asker.waits == [wait]


def test_retry_after_as_a_date_is_obeyed(ask: Asking, server: RawServer) -> None:
    server.script(failure(503, Retry_After=formatdate(time.time() + 30, usegmt=True)), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    assert 27 < asker.waits[0] <= 30


@pytest.mark.parametrize("header", ["61", "86400", "1e300"])
def test_a_retry_after_that_is_too_long_raises_at_once(ask: Asking, server: RawServer, header: str) -> None:
    server.script(failure(429, Retry_After=header), WHOLE)
    asker = ask()
    with pytest.raises(RateLimitError) as caught:
        asker.chat_completion(QUESTION)
    assert caught.value.retry_after == float(header)
    assert len(server.requests) == 1
    assert asker.waits == []


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "Mon, 99 Foo 2025", ""])
def test_a_retry_after_that_says_nothing_is_ignored(ask: Asking, server: RawServer, header: str) -> None:
    server.script(failure(429, Retry_After=header), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    assert asker.waits == [0.5]


def test_each_retry_logs_one_warning_with_reason_and_wait(
    ask: Asking, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(failure(503), failure(429, Retry_After="7"), WHOLE)
    with caplog.at_level(logging.DEBUG, "pinecone_assistant_client"):
        ask().chat_completion(QUESTION)
    said = [record.getMessage() for record in caplog.records if record.name == "pinecone_assistant_client"]
    assert [record.levelname for record in caplog.records if record.name == "pinecone_assistant_client"] == [
        "WARNING"
    ] * 2
    assert said[0].startswith("retry 1 of 2 in 0.50 s: ")
    assert "(503)" in said[0]
    assert said[1].startswith("retry 2 of 2 in 7.00 s: ")
    assert "(429)" in said[1]
    assert KEY not in "".join(said)


def test_on_retry_is_told_of_each_retry(ask: Asking, server: RawServer) -> None:
    told: list[tuple[int, Any]] = []
    server.script(failure(503), failure(500), WHOLE)
    ask().answer(QUESTION, on_retry=lambda state: told.append((state.attempt_number, state.outcome.exception())))
    assert [number for number, _ in told] == [1, 2]
    assert [error.status_code for _, error in told] == [503, 500]


def test_a_coroutine_function_may_be_told_of_retries(server: RawServer) -> None:
    told: list[int] = []

    async def on_retry(state: Any) -> None:
        await asyncio.sleep(0)
        told.append(state.attempt_number)

    asking = Asking("async", server.url)
    try:
        server.script(failure(503), streamed(PARTS))
        list(asking().stream_answer(QUESTION, on_retry=on_retry))
    finally:
        asking.close()
    assert told == [1]


@pytest.mark.parametrize("fault", [[HOLD], [RESET], [CLOSE]], ids=["timeout", "reset", "close"])
def test_what_may_have_been_processed_is_not_sent_again(ask: Asking, server: RawServer, fault: Answer) -> None:
    server.script(fault, WHOLE)
    asker = ask(timeout=(2.0, 0.2))
    with pytest.raises(APIConnectionError, match="retry_on_timeout=True") as caught:
        asker.chat_completion(QUESTION)
    assert isinstance(caught.value, APITimeoutError) == (fault == [HOLD])
    assert caught.value.may_have_been_processed
    assert not caught.value.is_retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [[HOLD], [RESET], [CLOSE]], ids=["timeout", "reset", "close"])
def test_what_may_have_been_processed_is_sent_again_if_asked_for(ask: Asking, server: RawServer, fault: Answer) -> None:
    server.script(fault, WHOLE)
    asker = ask(timeout=(2.0, 0.2), retry_on_timeout=True)
    assert asker.chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", [[HOLD], [RESET], [CLOSE]], ids=["timeout", "reset", "close"])
def test_a_context_is_always_asked_again(ask: Asking, server: RawServer, fault: Answer) -> None:
    server.script(fault, CONTEXT)
    assert ask(timeout=(2.0, 0.2)).context("pines").snippets == ()
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", [[HOLD], [RESET], [CLOSE]], ids=["timeout", "reset", "close"])
def test_a_host_look_up_is_always_repeated(ask: Asking, server: RawServer, fault: Answer) -> None:
    server.script(fault, reply({"name": "docs", "status": "Ready", "host": server.url}), WHOLE)
    asker = ask(host=None, controller_host=server.url, timeout=(2.0, 0.2))
    assert asker.chat_completion(QUESTION).content == TEXT
    assert [request.method for request in server.requests] == ["GET", "GET", "POST"]


ONE = part("one ")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (streamed([ONE, RESET]), IncompleteStreamError),
        (streamed([ONE, CLOSE]), IncompleteStreamError),
        (streamed([ONE]), IncompleteStreamError),
        (streamed([ONE, HOLD]), APITimeoutError),
        (streamed([ONE, event({"error": {"code": "UNAVAILABLE", "message": "try later"}})]), StreamError),
        (streamed([ONE, b"data:{\n\n"]), StreamError),
        ([head(200, {"Transfer-Encoding": "chunked"}), HOLD], APITimeoutError),
        ([head(200, {"Content-Length": "10"}), RESET], IncompleteStreamError),
        (reply("<html>busy</html>", content_type="text/html"), StreamError),
        (reply(b""), IncompleteStreamError),
    ],
    ids=["reset", "cut", "unfinished", "stall", "error", "bad", "head-stall", "head-reset", "page", "empty"],
)
@pytest.mark.parametrize("again", [False, True], ids=["", "retry_on_timeout"])
def test_nothing_is_sent_again_after_the_head_of_a_2xx(
    ask: Asking, server: RawServer, answer: Answer, error: type[AssistantError], again: bool
) -> None:
    server.script(answer, streamed(PARTS))
    asker = ask(timeout=(2.0, 0.2), retry_on_timeout=again)
    texts: list[str] = []
    with pytest.raises(error) as caught:
        texts.extend(chunk.content for chunk in asker.stream_chat_completion(QUESTION))
    assert type(caught.value) is error
    assert "".join(texts) == getattr(caught.value, "text", None)
    assert len(server.requests) == 1
    assert asker.waits == []


@pytest.mark.parametrize("answer", [[head(200, {"Content-Length": "10"}), RESET], reply("<html>"), reply(b"")])
def test_a_whole_answer_that_is_cut_is_not_sent_again(ask: Asking, server: RawServer, answer: Answer) -> None:
    server.script(answer, WHOLE)
    with pytest.raises(StreamError):
        ask(retry_on_timeout=True).chat_completion(QUESTION)
    assert len(server.requests) == 1


def test_a_wrong_key_is_told_at_once_and_never_shown(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(service_error("UNAUTHENTICATED", f"Invalid API key {KEY}.", 401), status=401)
    with pytest.raises(AuthenticationError, match="check PINECONE_API_KEY") as caught:
        ask().chat_completion(QUESTION)
    assert KEY not in str(caught.value) + repr(caught.value.body) + repr(caught.value.response)
    assert len(server.requests) == 1


def test_a_refused_connection_is_tried_again_and_names_the_host(ask: Asking, server: RawServer) -> None:
    server.stop()
    asker = ask()
    with pytest.raises(APIConnectionError, match=f"127.0.0.1:{server.port}") as caught:
        asker.chat_completion(QUESTION)
    assert not caught.value.may_have_been_processed
    assert asker.waits == [0.5, 1.0]


def test_a_server_that_comes_back_is_reached(ask: Asking, server: RawServer) -> None:
    asker = ask()
    server.stop()
    revived: list[RawServer] = []

    def revive(_state: Any) -> None:
        if not revived:
            revived.append(RawServer(port=server.port))
            revived[0].script(WHOLE)

    try:
        assert asker.answer(QUESTION, on_retry=revive).content == TEXT
    finally:
        for other in revived:
            other.__exit__()


def test_an_error_body_that_never_ends_does_not_hold_the_retry_up(ask: Asking, server: RawServer) -> None:
    """The status is enough for a retry; waiting for the rest of the body costs at most one read timeout."""
    server.script([head(503, {"Content-Length": "100"}), b"{", HOLD], WHOLE)
    assert ask(timeout=(2.0, 0.5)).chat_completion(QUESTION).content == TEXT
    assert len(server.requests) == 2


def test_an_unknown_assistant_is_named(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(service_error("NOT_FOUND", 'Assistant "docs" not found.', 404), status=404)
    with pytest.raises(NotFoundError, match='assistant "docs" not found'):
        ask().chat_completion(QUESTION)
    assert len(server.requests) == 1


async def test_cancelling_a_wait_between_retries_sends_nothing_more(server: RawServer) -> None:
    server.otherwise = failure(503, Retry_After="30")
    client = AsyncAssistantClient(assistant_name="docs", api_key=KEY, host=server.url)
    waiting = threading.Event()
    call = asyncio.create_task(client.answer(QUESTION, on_retry=lambda _: waiting.set()))
    await asyncio.to_thread(waiting.wait, 5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await client.close()
    assert len(server.requests) == 1
