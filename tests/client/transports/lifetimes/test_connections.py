"""Connections are kept, shared by views, and not used again once they are old or gone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ...support.asking import KEY, Asker, Asking
from ...support.bodies import PARTS, QUESTION, TEXT, service_error
from ...support.clients import WHOLE, described
from ...support.idle_connections import set_clock
from ...support.raw_server import Framing, RawServer, reply, streamed


def exhaust(asker: Asker) -> None:
    list(asker.stream_chat_completion(QUESTION))


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_connection_is_used_again(ask: Asking, server: RawServer, framing: Framing) -> None:
    server.script(WHOLE, streamed(PARTS, framing=framing), streamed(PARTS, framing=framing, gzip=True), WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    exhaust(asker)
    exhaust(asker)
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 1, 1, 1]


def test_a_connection_is_used_again_after_an_error_status(ask: Asking, server: RawServer) -> None:
    server.script(reply(service_error("UNAVAILABLE", "later", 503), status=503), WHOLE)
    ask().chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 1]


def test_a_connection_that_the_server_dropped_is_not_used_again(ask: Asking, server: RawServer) -> None:
    server.script(WHOLE, WHOLE)
    asker = ask(max_retries=0)
    asker.chat_completion(QUESTION)
    server.drop_idle()
    assert server.sees_no_connections()
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize(("idle", "connections"), [(25.0, [1, 1, 1]), (31.0, [1, 2, 2])])
def test_a_connection_idle_for_longer_than_30_s_is_not_used_again(
    ask: Asking, server: RawServer, monkeypatch: pytest.MonkeyPatch, idle: float, connections: list[int]
) -> None:
    server.script(WHOLE, WHOLE, WHOLE)
    asker = ask()
    asker.chat_completion(QUESTION)
    set_clock(monkeypatch, ask.kind, idle)
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert [request.connection for request in server.requests] == connections


def test_a_hundred_views_share_one_connection_and_one_look_up(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    server.script(described(server.url))
    asker = ask(host=None, controller_host=server.url)
    for index in range(100):
        make: Callable[[], Any] = [
            lambda: asker.client.with_options(temperature=0.5, model=f"m{index}"),  # noqa: B023 - called at once
            lambda: copy.copy(asker.client),
            lambda: type(asker.client).like(asker.client),
            lambda: type(asker.client)(
                assistant_name="docs",
                api_key=KEY,
                controller_host=server.url,
                filter={"n": index},  # noqa: B023 - same
            ),
        ][index % 4]
        assert ask.over(make()).chat_completion(QUESTION).content == TEXT
    assert server.connections == 1
    assert [request.method for request in server.requests].count("GET") == 1


def test_closing_one_view_leaves_the_connections_to_the_others(ask: Asking, server: RawServer) -> None:
    server.otherwise = WHOLE
    one = ask()
    other = ask.over(one.client.with_options(temperature=0.5))
    one.chat_completion(QUESTION)
    other.chat_completion(QUESTION)
    one.close()
    other.chat_completion(QUESTION)
    assert server.connections == 1
