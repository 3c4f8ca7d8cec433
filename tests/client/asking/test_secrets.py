"""The key, injected headers and signed links reach no error, log or repr, whatever a peer sends back."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pinecone_assistant_client import APITimeoutError, AssistantError, ChatCompletionChunk, StreamError
from pinecone_assistant_client.client_base import MAX_ERROR_BYTES

from ..support.asking import KEY, Asking, text_of
from ..support.bodies import PARTS, QUESTION, TEXT, event, part, service_error
from ..support.raw_server import CLOSE, HOLD, Answer, Pause, RawServer, chunk, head, reply, streamed

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
    "JSON that is not an answer": reply({"echo": ECHO}),
    "an event that is not an answer": streamed([event({"echo": ECHO, "type": None})]),
    "an event that is not JSON": streamed([f"data: {ECHO}\n\n".encode()]),
    "a cut answer": [head(200, {"Content-Length": "999"}), json.dumps({"echo": ECHO}).encode(), CLOSE],
    "no HTTP": [f"{ECHO}\r\n\r\n".encode(), CLOSE],
    "no status": [f"HTTP/1.1 {ECHO}\r\n\r\n".encode(), CLOSE],
    "no chunk": [head(200, {"Transfer-Encoding": "chunked"}), f"{ECHO}\r\n".encode(), CLOSE],
    "no chunk after a part": [
        head(200, {"Transfer-Encoding": "chunked"}),
        chunk(part("A")),
        f"{ECHO}\r\n".encode(),
        CLOSE,
    ],
    "no gzip": reply(ECHO, headers={"Content-Encoding": "gzip"}),
    "no UTF-8": reply(b'{"id": "' + ECHO.encode() + b'\xff"}'),
}
METHODS: list[Callable[[Any], Any]] = [
    lambda asker: asker.chat_completion(QUESTION),
    lambda asker: list(asker.stream_chat_completion(QUESTION)),
    lambda asker: asker.chat(QUESTION),
    lambda asker: list(asker.stream_chat(QUESTION)),
    lambda asker: asker.context("pine"),
]


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes and contexts of an error: traces and logs show these, too."""
    for cause in {error.__cause__, error.__context__} - {None, error}:
        assert cause is not None
        yield cause
        yield from causes(cause)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("method", METHODS, ids=["whole", "stream", "standard", "standard stream", "context"])
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
        "".join(traceback.format_exception(error)),
        *(f"{cause!r} {cause.args} {vars(cause)}" for cause in causes(error)),
        pickle.dumps(error).decode("latin-1"),
        "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("pinecone")),
    ]
    for secret in (KEY, INJECTED, "SIGNED", ESCAPED):
        assert not [text for text in kept if secret in text], secret


def test_a_connection_that_breaks_after_the_whole_answer_is_logged_without_the_key(
    ask: Asking, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Urllib3's message repeats the text that came in place of a chunk's length."""
    chunked = head(200, {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"})
    # In one packet aiohttp takes them all for one bad answer.
    server.otherwise = [chunked, *map(chunk, PARTS), Pause(0.1), f"{ECHO}\r\n".encode(), CLOSE]
    assert text_of(ask(default_headers={"X-Team": INJECTED}).stream_chat_completion(QUESTION)) == TEXT
    assert "after the answer was whole" in caplog.text
    for secret in (KEY, INJECTED, "SIGNED"):
        assert secret not in caplog.text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("before", [*range(270, 300, 4), 1990])
def test_a_key_in_which_an_excerpt_ends_is_cut_out_as_a_whole_one_is(
    ask: Asking, server: RawServer, method: Callable[[Any], Any], before: int
) -> None:
    """The excerpt could otherwise end with more than half of the key."""
    server.otherwise = reply((" " if before > 300 else "y") * (before - 1) + "." + KEY)
    with pytest.raises(AssistantError) as caught:
        method(ask())
    assert KEY[:8] not in str(caught.value) + repr(vars(caught.value))


@pytest.mark.parametrize("shown", range(8, len(KEY), 5))
def test_a_key_in_which_the_bound_of_an_errors_body_lies_is_cut_out(ask: Asking, server: RawServer, shown: int) -> None:
    server.otherwise = reply("." * (MAX_ERROR_BYTES - shown) + KEY, status=400)
    with pytest.raises(AssistantError) as caught:
        ask().chat_completion(QUESTION)
    assert caught.value.response is not None
    assert len(caught.value.response.text) >= MAX_ERROR_BYTES - shown
    assert KEY[:8] not in repr(vars(caught.value))


def test_a_token_is_cut_also_where_a_gateway_repeats_it_without_the_rest_of_its_header(
    ask: Asking, server: RawServer
) -> None:
    server.otherwise = reply(service_error("X", f"bad token {INJECTED}", 403), status=403)
    for value in (f"Bearer {INJECTED}", f"team=a; session={INJECTED}"):
        with pytest.raises(AssistantError, match=r"bad token \[secret\]") as caught:
            ask(default_headers={"Authorization": value}).chat_completion(QUESTION)
        assert INJECTED not in repr(vars(caught.value))


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


@pytest.mark.parametrize("cut", ["\n2", ": broken", "\n2. [b.pdf](https://b.example/?X-Goog-Sig", ""])
@pytest.mark.parametrize("ending", ["close", "error", "time"])
def test_the_text_so_far_has_no_link_where_references_are_stripped(
    ask: Asking, server: RawServer, cut: str, ending: str
) -> None:
    """The links are also cut out of a list that ends in its middle."""
    endings: dict[str, Answer] = {"close": [CLOSE], "error": [event({"error": "broke"})], "time": [HOLD]}
    listed = f"25 m [1].\n\nReferences:\n1. [a.pdf]({SIGNED}){cut}"
    server.script(streamed([part(listed), *endings[ending]]))
    timeout = 1.0 if ending == "time" else 5.0
    shown: list[ChatCompletionChunk] = []
    with pytest.raises((StreamError, APITimeoutError)) as caught:
        shown.extend(ask(timeout=timeout).stream_answer(QUESTION, strip_references=True))
    assert getattr(caught.value, "text", None) == text_of(shown) == "25 m [1]."


@pytest.mark.parametrize("key", ["local", "k"])
def test_a_short_key_of_a_test_is_cut_where_it_stands_alone_and_leaves_words_alone(
    ask: Asking, server: RawServer, key: str
) -> None:
    server.script(reply(service_error("X", f"got {key}, not ok, localhost", 400), status=400))
    with pytest.raises(AssistantError) as caught:
        ask(api_key=key, assistant_name="local-docs").chat_completion(QUESTION)
    assert 'assistant "local-docs"' in str(caught.value)
    assert "got [secret], not ok, localhost" in str(caught.value)


LOGIN = base64.b64encode(b"user:hunter2/hunter2").decode()
REPEATED = f"no hunter2%2Fhunter2, no hunter2/hunter2, no Basic {LOGIN}"
PROXIES: dict[str, Answer | None] = {
    "none": None,
    "refusing": reply("", status=407),
    "repeating": reply(REPEATED, status=407),
    "not HTTP": [f"{REPEATED}\r\n\r\n".encode(), CLOSE],
}


@pytest.mark.parametrize("source", ["argument", "environment"])
@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.usefixtures("no_proxy_of_this_machine")
def test_the_login_of_a_proxy_reaches_no_error_and_no_log(
    ask: Asking, server: RawServer, name: str, source: str, request: pytest.FixtureRequest
) -> None:
    """For a proxy that does not exist and for one that refuses. Aiohttp's message has the proxy's whole URL."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    caplog: pytest.LogCaptureFixture = request.getfixturevalue("caplog")
    answer = PROXIES[name]
    server.otherwise = answer or []
    address = server.url.removeprefix("http://") if answer else "127.0.0.1:1"
    proxy = f"http://user:hunter2%2Fhunter2@{address}"
    caplog.set_level(logging.DEBUG)
    for scheme in ("http", "https"):
        if source == "environment":
            monkeypatch.setenv(f"{scheme}_proxy", proxy)
        asker = ask(host=f"{scheme}://assistant.example", proxies={scheme: proxy} if source == "argument" else None)
        with pytest.raises(AssistantError) as caught:
            asker.chat_completion(QUESTION)
        kept = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + caplog.text
        kept += "".join(f"{cause!r} {vars(cause)}" for cause in causes(caught.value))
        assert "hunter2" not in kept
        assert LOGIN not in kept


def test_deeply_nested_json_is_an_error_of_ours(ask: Asking, server: RawServer) -> None:
    deep = b'{"error": ' + b"[" * 60_000
    server.script(reply(deep, status=400), reply(deep), streamed([b"data:" + deep + b"\n\n"]), reply(deep))
    asker = ask()
    for method in METHODS:
        with pytest.raises(AssistantError):
            method(asker)
