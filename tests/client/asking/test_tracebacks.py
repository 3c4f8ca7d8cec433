"""Tracebacks of errors show no secrets, although tools such as rich and Sentry print the variables of every frame."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

import pinecone_assistant_client
from pinecone_assistant_client import (
    APIConnectionError,
    AssistantClient,
    AssistantError,
    Assistants,
    AsyncAssistantClient,
    AsyncAssistants,
    InvalidRequestError,
)

from ..support.asking import KEY, Asking
from ..support.bodies import QUESTION, part
from ..support.raw_server import CLOSE, HOLD, RESET, Answer, RawServer, head, reply, streamed

OURS = str(Path(pinecone_assistant_client.__file__).parent)
INJECTED = "team-token-abcdef"
FAILURES: dict[str, Answer] = {
    "a status": reply({"error": "no"}, status=400),
    "a lost connection": [CLOSE],
    "a reset": [RESET],
    "no HTTP": [b"what?\r\n\r\n", CLOSE],
    "time": [HOLD],
    "no answer": reply({"what": "?"}),
    "a cut body": [head(200, {"Content-Length": "99"}), b"{", CLOSE],
    "a cut stream": streamed([part("A"), CLOSE]),
}


def frames(error: BaseException | None) -> list[traceback.FrameSummary]:
    """The frames of an error and of its causes, with their variables; frames of these tests are left out."""
    if error is None:
        return []
    stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    here = [frame for frame in stack if not frame.filename.startswith(str(Path(__file__).parents[1]))]
    return here + frames(error.__cause__) + ([] if error.__cause__ else frames(error.__context__))


def _whole(answer: Any) -> None:
    for _ in answer:
        pass


def shown(error: BaseException) -> str:
    """The variables of these frames."""
    return "\n".join(f"{frame.name}: {frame.locals}" for frame in frames(error))


@pytest.mark.parametrize("method", ["chat_completion", "stream_chat_completion", "chat", "stream_chat", "context"])
@pytest.mark.parametrize("name", FAILURES)
def test_no_variable_in_a_traceback_holds_the_key_or_a_header(
    ask: Asking, server: RawServer, name: str, method: str
) -> None:
    server.otherwise = FAILURES[name]
    asker = ask(default_headers={"X-Team": INJECTED}, timeout=0.2 if name == "time" else 5.0, max_retries=1)
    with pytest.raises(AssistantError) as caught:
        _whole(getattr(asker, method)("pine" if method == "context" else QUESTION))
    assert any(frame.filename.startswith(OURS) for frame in frames(caught.value))
    assert KEY not in shown(caught.value)
    assert INJECTED not in shown(caught.value)


@pytest.mark.parametrize("kind", [AssistantClient, AsyncAssistantClient, Assistants, AsyncAssistants])
@pytest.mark.parametrize(
    "wrong",
    [{"misspelt": 1}, {"guard_filter": {}}, {"proxies": "http://user:hunter2hunter2@proxy"}, {"default_headers": 3}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_variable_in_the_traceback_of_a_constructor_holds_the_key_or_a_header(kind: Any, wrong: Any) -> None:
    options = {"default_headers": {"X-Team": INJECTED}, **wrong}
    with pytest.raises((AssistantError, TypeError)) as caught:
        kind(api_key=KEY, **options)
    assert KEY not in shown(caught.value)
    assert INJECTED not in shown(caught.value)
    assert "hunter2" not in shown(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"default_headers": {"X-Team": f"{INJECTED}\n"}},
        {"proxies": {"http": "user:hunter2hunter2@proxy"}},
        {"proxies": {"http": "ftp://user:hunter2hunter2@proxy"}},
        {"verify": "/no/such/file"},
        {"cert": "/no/such/file"},
        {"max_connections": 0},
        {"api_key": f"{KEY}\n"},
    ],
    ids=str,
)
def test_no_variable_in_the_traceback_of_a_setting_that_is_wrong_holds_a_secret(
    ask: Asking, wrong: dict[str, Any]
) -> None:
    """Settings are checked at the first call, one after another."""
    options = {"default_headers": {"X-Team": INJECTED}, "host": "http://assistant.example", **wrong}
    with pytest.raises(InvalidRequestError) as caught:
        ask(**options).chat_completion(QUESTION)
    assert frames(caught.value)
    for secret in (KEY, INJECTED, "hunter2"):
        assert secret not in shown(caught.value) + str(caught.value)


def test_the_error_of_a_constructor_has_what_its_caller_was_handling_as_its_context() -> None:
    before = KeyError("before")
    try:
        raise before
    except KeyError:
        with pytest.raises(AssistantError) as caught:
            AssistantClient(guard_filter={})
    assert caught.value.__context__ is before
    assert before.__traceback__ is not None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_variable_in_a_traceback_holds_the_key_or_the_login_of_a_proxy_where_nobody_listens(
    ask: Asking, scheme: str
) -> None:
    """Urllib3 opens the connection to an http host when it writes the head, which has the key."""
    for proxies in (None, {scheme: "http://user:hunter2hunter2@127.0.0.1:1"}):
        host = f"{scheme}://assistant.example" if proxies else f"{scheme}://127.0.0.1:1"
        with pytest.raises(APIConnectionError) as caught:
            ask(host=host, proxies=proxies, max_retries=0).chat_completion(QUESTION)
        assert KEY not in shown(caught.value)
        assert "hunter2" not in shown(caught.value)


def test_a_cause_is_the_librarys_error_in_words(ask: Asking) -> None:
    with pytest.raises(APIConnectionError) as caught:
        ask(host="http://127.0.0.1:1", max_retries=0).chat_completion(QUESTION)
    cause = caught.value.__cause__
    assert type(cause).__module__.startswith("pinecone_assistant_client")
    assert str(cause).startswith(
        ("urllib3.exceptions.NewConnectionError: ", "aiohttp.client_exceptions.ClientConnector")
    )


def test_what_the_caller_was_handling_stays_the_context(ask: Asking) -> None:
    asker = ask(host="http://127.0.0.1:1", max_retries=1)

    def ask_in_vain() -> None:
        try:
            raise KeyError("the caller's own")
        except KeyError:
            asker.chat_completion(QUESTION)

    with pytest.raises(APIConnectionError) as caught:
        ask_in_vain()
    text = "".join(traceback.format_exception(caught.value))
    assert 'KeyError: "the caller\'s own"' in text
