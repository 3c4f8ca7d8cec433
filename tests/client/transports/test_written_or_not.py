"""A question that may have been written is not retried, over every kind of connection; counted at the peer."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from pinecone_assistant_client import APIConnectionError

from ..support.asking import Asking, put
from ..support.bodies import QUESTION, TEXT, completion
from ..support.broken_peers import ALERT, CORRUPT_RECORD, PLAIN_TEXT, SessionKind, session_options
from ..support.proxy_server import ProxyServer
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, BelowTLS, RawServer, reply

pytestmark = [
    pytest.mark.usefixtures("no_proxy_of_this_machine"),
    # Python 3.10 does not close a transport after its TLS peer went away, and an injected session's connector is aiohttp's.
    *([pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")] if sys.version_info < (3, 11) else []),
]

NAMED = "assistant.example"
WHOLE = reply(completion())


# Python 3.10 leaves it to the session's owner to close a TLS transport that the peer closed.
LEFT_OPEN = (
    [pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")] if sys.version_info < (3, 11) else []
)


@pytest.fixture(params=["own", pytest.param("injected", marks=LEFT_OPEN)])
def session(request: pytest.FixtureRequest) -> SessionKind:
    """The owner of the session: the client, or the caller (injected)."""
    chosen: SessionKind = request.param
    return chosen


def fails_once(asker: Any, is_streamed: bool) -> APIConnectionError:
    """Ask, and return the error of a question that may have been processed and was not sent again."""
    with pytest.raises(APIConnectionError) as caught:
        put(asker, is_streamed)
    assert caught.value.may_have_been_processed
    assert asker.waits == []
    return caught.value


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=repr)
@pytest.mark.parametrize("way", ["forwarded", "tunnel"])
@pytest.mark.parametrize("said_by", ["option", "environment"])
def test_behind_a_proxy_a_question_that_was_read_is_sent_once(
    *,
    ask: Asking,
    session: SessionKind,
    is_streamed: bool,
    end: Any,
    way: str,
    said_by: str,
    ca_path: Path,
    tls_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_tls = way == "tunnel"
    scheme = "https" if is_tls else "http"
    with RawServer(tls=tls_context if is_tls else None) as server, ProxyServer(server.port) as proxy:
        server.otherwise = [end]
        proxies = None
        if said_by == "environment":
            monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        else:
            proxies = {scheme: proxy.url}
        with session_options(ask, session, ca_path=ca_path if is_tls else None, proxies=proxies) as options:
            # A name of its own: what the environment says of a name is remembered.
            name = NAMED if is_tls else f"assistant-{server.port}.example"
            fails_once(ask(host=f"{scheme}://{name}", **options), is_streamed)
        assert len(server.requests) == 1
        assert len(proxy.heads) == 1


@pytest.mark.parametrize(
    "after",
    [[BelowTLS(CORRUPT_RECORD), HOLD], [BelowTLS(ALERT), HOLD], [BelowTLS(PLAIN_TEXT), HOLD], [CLOSE]],
    ids=["corrupt record", "alert", "plain text", "cut"],
)
def test_tls_that_breaks_after_the_question_is_no_reason_to_send_it_again(
    *, ask: Asking, session: SessionKind, is_streamed: bool, after: Answer, ca_path: Path, tls_context: ssl.SSLContext
) -> None:
    with RawServer(tls=tls_context) as server, session_options(ask, session, ca_path=ca_path) as options:
        server.otherwise = after
        fails_once(ask(host=server.url, **options), is_streamed)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "refusal", [None, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"], ids=["closed", "407"]
)
def test_a_proxy_that_opens_no_tunnel_never_had_the_question(
    *, ask: Asking, session: SessionKind, is_streamed: bool, refusal: bytes | None, ca_path: Path
) -> None:
    with RawServer(on_connect=[refusal, CLOSE] if refusal else [CLOSE]) as proxy:
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        with session_options(ask, session, ca_path=ca_path, proxies=proxies) as options:
            asker = ask(host=f"https://{NAMED}", **options)
            with pytest.raises(APIConnectionError) as caught:
                put(asker, is_streamed)
        assert not caught.value.may_have_been_processed
        assert (len(asker.waits), proxy.connections) == (2, 3)


def test_a_server_that_demands_a_certificate_over_tls_13_never_had_the_question(
    *, ask: Asking, session: SessionKind, is_streamed: bool, authority: trustme.CA, ca_path: Path
) -> None:
    """The client has written by the time the refusal comes: with TLS 1.3 it may write before the server looked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with RawServer(tls=context) as server, session_options(ask, session, ca_path=ca_path) as options:
        asker = ask(host=server.url, **options)
        with pytest.raises(APIConnectionError) as caught:
            put(asker, is_streamed)
        assert not caught.value.may_have_been_processed
        assert (len(asker.waits), server.requests) == (2, [])


def test_a_proxy_that_answers_after_a_tunnel_was_refused_once_has_the_question_once(
    ask: Asking, ca_path: Path, tls_context: ssl.SSLContext
) -> None:
    with RawServer(tls=tls_context) as server, ProxyServer(server.port) as proxy:
        server.otherwise = WHOLE
        asker = ask(host=f"https://{NAMED}", verify=str(ca_path), proxies={"https": proxy.url})
        assert asker.chat_completion(QUESTION).content == TEXT
        assert len(server.requests) == 1
