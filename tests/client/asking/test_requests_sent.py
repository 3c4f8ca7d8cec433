"""Content of a request on the wire, and hosts that it is never sent to."""

from __future__ import annotations

import pytest

from pinecone_assistant_client import APIStatusError

from ..support.asking import KEY, Asking
from ..support.bodies import QUESTION, completion
from ..support.clients import WHOLE
from ..support.raw_server import RawServer, reply


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ask: Asking, server: RawServer, status: int) -> None:
    with RawServer() as other:
        other.otherwise = WHOLE
        server.otherwise = reply(b"", status=status, headers={"Location": f"{other.url}/assistant"})
        with pytest.raises(APIStatusError, match="redirect"):
            ask().chat_completion(QUESTION)
        assert other.connections == 0
    assert len(server.requests) == 1


def test_a_request_carries_the_key_once_and_nothing_of_the_machine(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE)
    ask(source_tag="my_app").chat_completion(QUESTION)
    (request,) = server.requests
    assert request.method == "POST"
    assert request.target == "/assistant/chat/docs/chat/completions"
    assert request.headers.pop("user-agent").endswith("source_tag=my_app")
    assert {name: value for name, value in request.headers.items() if name not in ("content-length", "connection")} == {
        "host": f"127.0.0.1:{server.port}",
        "api-key": KEY,
        "x-pinecone-api-version": "2026-04",
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }


def test_cookies_are_not_kept(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(), headers={"Set-Cookie": "a=b; Path=/"}), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert "cookie" not in server.requests[1].headers


def test_a_name_with_odd_characters_stays_one_part_of_the_path(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE)
    ask(assistant_name="a/../b?c#d%2fe é").chat_completion(QUESTION)
    assert server.requests[0].target == "/assistant/chat/a%2F..%2Fb%3Fc%23d%252fe%20%C3%A9/chat/completions"
