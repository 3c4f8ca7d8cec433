"""No error names a status that no server sent: aiohttp's parser gives its own errors a 400."""

from __future__ import annotations

import logging

import pytest

from pinecone_assistant_client import APIConnectionError, AssistantError
from pinecone_assistant_client.redaction import words_of

from ..support.asking import Asking
from ..support.bodies import PARTS, QUESTION
from ..support.proxy_server import ProxyServer
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, RawServer, chunk, head, reply

FAULTS: dict[str, Answer] = {
    "not HTTP": [b"what is this\r\n\r\n", CLOSE],
    "not a status": [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE],
    "a header that is not one": [b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", CLOSE],
    "a header that is too long": [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", CLOSE],
    "a length that is not one": [head(200, {"Content-Length": "many"}), CLOSE],
    "two framings": [head(200, {"Content-Length": "5", "Transfer-Encoding": "chunked"}) + b"zz", CLOSE],
    "a chunk without a size": [head(200, {"Transfer-Encoding": "chunked"}), chunk(PARTS[1]), b"zz\r\n", CLOSE],
    "a cut chunk": [head(200, {"Transfer-Encoding": "chunked"}), chunk(PARTS[1]), b"50\r\nab", CLOSE],
    "a cut body": [head(200, {"Content-Length": "9999"}), PARTS[1], CLOSE],
    "a reset body": [head(200, {"Content-Length": "9999"}), PARTS[1], RESET],
    "not gzip": reply(b"what", headers={"Content-Encoding": "gzip"}),
    "not deflate": reply(b"what", headers={"Content-Encoding": "deflate"}),
    "nothing": [CLOSE],
    "silence": [HOLD],
}


@pytest.mark.parametrize("method", ["chat_completion", "stream_chat_completion"])
@pytest.mark.parametrize("name", FAULTS)
def test_no_error_names_a_status_that_no_server_sent(
    ask: Asking, server: RawServer, name: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.otherwise = FAULTS[name]
    caplog.set_level(logging.DEBUG, logger="pinecone_assistant_client")
    asker = ask(max_retries=0, timeout=(5.0, 0.2 if name == "silence" else 5.0))
    with pytest.raises(AssistantError) as caught:
        list(getattr(asker, method)(QUESTION))
    logged = [record.getMessage() for record in caplog.records]
    said = "\n".join(map(str, (caught.value, caught.value.__cause__, caught.value.__context__, *logged)))
    assert "400" not in said.replace(server.url, "")
    assert "message=" not in said


@pytest.mark.parametrize("status", [400, 407, 502])
def test_the_status_of_a_proxy_is_named(ask: Asking, status: int) -> None:
    with ProxyServer(1, refusal=b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status) as proxy:
        asker = ask(host="https://assistant.example", proxies={"https": proxy.url}, max_retries=0)
        with pytest.raises(APIConnectionError, match=str(status)):
            asker.chat_completion(QUESTION)


def test_text_that_looks_like_it_stays() -> None:
    assert words_of(ValueError("the limit is 400, message: too long")) == "the limit is 400, message: too long"
