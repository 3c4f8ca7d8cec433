"""The key, injected headers and signed links reach no error, log or repr, whatever a peer sends back."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client import AssistantError, StreamError

from .asking import KEY, Asking
from .raw_server import CLOSE, Answer, RawServer, head, reply, streamed
from .wire import QUESTION, event, part, service_error

INJECTED = "team-token-abcdef"
SIGNED = "https://storage.example/pine.pdf?X-Goog-Signature=SIGNED"
ECHO = f"got {KEY} and {INJECTED} for {SIGNED}"
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
ESCAPED_LINK = SIGNED.replace("/", "\\/").replace("=", "\\u003d")

ANSWERS: dict[str, Answer] = {
    "an error status": reply(service_error("INVALID", ECHO, 400), status=400, headers={"X-Request-Id": KEY}),
    "an error status in words": reply(ECHO, status=403, headers={"Server": KEY}),
    "an error page": reply(f"<html>{ECHO}</html>", status=502, content_type="text/html"),
    "an error with escapes": reply(
        f'{{"error": {{"code": "X", "message": "got {ESCAPED} for {ESCAPED_LINK}"}}, "{ESCAPED}": ["{ESCAPED}"]}}',
        status=400,
    ),
    "an error with escapes that is cut": reply(f'{{"error": "for {ESCAPED_LINK}', status=400),
    "a redirect": reply("", status=302, headers={"Location": f"http://other.example/?{KEY}"}),
    "an error in an answer": reply(service_error("X", ECHO, 200)),
    "an error event": streamed([event({"error": {"code": KEY, "message": ECHO}})]),
    "a named error event": streamed([f"event: error\ndata: {ECHO}\n\n".encode()]),
    "a page as an answer": reply(f"<html>{ECHO}</html>"),
    "words as an answer": reply(ECHO),
    "JSON that is no answer": reply({"echo": ECHO}),
    "an event that is no answer": streamed([event({"echo": ECHO, "type": None})]),
    "an event that is no JSON": streamed([f"data: {ECHO}\n\n".encode()]),
    "a cut answer": [head(200, {"Content-Length": "999"}), json.dumps({"echo": ECHO}).encode(), CLOSE],
    "no HTTP": [f"{ECHO}\r\n\r\n".encode(), CLOSE],
}
METHODS: list[Callable[[Any], Any]] = [
    lambda asker: asker.chat_completion(QUESTION),
    lambda asker: list(asker.stream_chat_completion(QUESTION)),
    lambda asker: list(asker.stream_chat(QUESTION)),
    lambda asker: asker.context("pine"),
]


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("method", METHODS, ids=["whole", "stream", "standard stream", "context"])
def test_what_a_peer_echoes_reaches_no_error_and_no_log(
    ask: Asking, server: RawServer, method: Callable[[Any], Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.otherwise = ANSWERS[name]
    asker = ask(max_retries=1, default_headers={"X-Team": INJECTED})
    with caplog.at_level(logging.DEBUG), pytest.raises(AssistantError) as caught:
        method(asker)
    error = caught.value
    kept = [
        str(error),
        repr(error),
        repr(error.args),
        repr(vars(error)),
        repr(error.response),
        "".join(traceback.format_exception_only(error)),
        pickle.dumps(error).decode("latin-1"),
        "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("pinecone")),
    ]
    for secret in (KEY, INJECTED, "SIGNED", ESCAPED):
        assert not [text for text in kept if secret in text], secret


def test_a_looked_up_answer_that_echoes_the_key_reaches_no_error(ask: Asking, server: RawServer) -> None:
    server.script(reply(ECHO), reply({"host": f"http://{KEY}.example"}))
    asker = ask(host=None, controller_host=server.url)
    for _ in range(2):
        with pytest.raises(AssistantError) as caught:
            asker.chat_completion(QUESTION)
        assert KEY not in repr(vars(caught.value)) + str(caught.value)


def test_the_text_so_far_stays_as_the_service_wrote_it(ask: Asking, server: RawServer) -> None:
    """It is the caller's own answer; stripping is the caller's choice."""
    server.script(streamed([part(f"see {SIGNED}"), event({"error": "broke"})]))
    with pytest.raises(StreamError) as caught:
        list(ask().stream_chat_completion(QUESTION))
    assert caught.value.text == f"see {SIGNED}"


@pytest.mark.parametrize("key", ["local", "k"])
def test_a_short_key_of_a_test_is_cut_where_it_stands_alone_and_leaves_words_alone(
    ask: Asking, server: RawServer, key: str
) -> None:
    server.script(reply(service_error("X", f"got {key}, not ok, localhost", 400), status=400))
    with pytest.raises(AssistantError) as caught:
        ask(api_key=key, assistant_name="local-docs").chat_completion(QUESTION)
    assert 'assistant "local-docs"' in str(caught.value)
    assert "got [secret], not ok, localhost" in str(caught.value)


def test_the_password_of_a_proxy_reaches_no_error(ask: Asking, server: RawServer) -> None:
    """Neither one that is not there nor one that refuses; aiohttp names the proxy's whole URL."""
    server.otherwise = reply("", status=407)
    for scheme in ("http", "https"):
        for proxy in (server.url, "http://127.0.0.1:1"):
            asker = ask(
                host=f"{scheme}://assistant.example",
                proxies={scheme: proxy.replace("http://", "http://user:hunter2hunter2@")},
                max_retries=0,
            )
            with pytest.raises(AssistantError) as caught:
                asker.chat_completion(QUESTION)
            assert "hunter2" not in str(caught.value) + repr(vars(caught.value))


def test_deeply_nested_json_is_an_error_of_ours(ask: Asking, server: RawServer) -> None:
    deep = b'{"error": ' + b"[" * 60_000
    server.script(reply(deep, status=400), reply(deep), streamed([b"data:" + deep + b"\n\n"]), reply(deep))
    asker = ask()
    for method in METHODS:
        with pytest.raises(AssistantError):
            method(asker)
