"""Errors: the client's and LangChain's classes, retries, and their effect on middleware and tracers."""

from __future__ import annotations

import copy
import pickle
import socket
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core import exceptions as core
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult

import pinecone_assistant_client as client
from langchain_pinecone_assistant import ChatPineconeAssistant, errors
from pinecone_assistant_client import AssistantError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Ask, chat_model, words

STATUSES = [
    (400, client.BadRequestError, core.ModelInvalidRequestError, False),
    (401, client.AuthenticationError, core.ModelAuthenticationError, False),
    (402, client.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (403, client.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (404, client.NotFoundError, core.ModelNotFoundError, False),
    (408, client.InternalServerError, core.ModelAPIError, True),
    (409, client.BadRequestError, core.ModelInvalidRequestError, False),
    (412, client.BadRequestError, core.ModelInvalidRequestError, False),
    (413, client.BadRequestError, core.ModelInvalidRequestError, False),
    (422, client.BadRequestError, core.ModelInvalidRequestError, False),
    (429, client.RateLimitError, core.ModelRateLimitError, True),
    (500, client.InternalServerError, core.ModelAPIError, True),
    (503, client.InternalServerError, core.ModelAPIError, True),
]


async def failure(ask: Ask, chat: ChatPineconeAssistant, **options: Any) -> AssistantError:
    """Return the error of a call and of a stream, which must be the same."""
    with pytest.raises(AssistantError) as invoked:
        await ask.invoke(chat, QUESTION, **options)
    with pytest.raises(type(invoked.value)):
        await ask.stream(chat, QUESTION, **options)
    return invoked.value


@pytest.mark.parametrize(("status", "ours", "cores", "retryable"), STATUSES)
async def test_a_status_is_an_error_of_both_families(
    *, ask: Ask, status: int, ours: type, cores: type, retryable: bool, local: LocalAssistant
) -> None:
    headers = {"set-cookie": "secret"}
    with local.faults.add(status=status, message="No.", headers=headers):
        error = await failure(ask, chat_model(local))
    assert isinstance(error, ours)
    assert isinstance(error, cores)
    assert isinstance(error, core.ModelError)
    assert error.is_retryable is retryable
    assert error.response is not None
    assert error.request_id == error.response.headers["x-pinecone-request-id"]
    assert error.response.status_code == status
    assert "set-cookie" not in error.response.headers
    assert error.response.json()["error"]["message"] == "No."
    assert f"docs/errors.md#{ours.__name__.lower()}" in str(error)


async def test_a_wrong_key_is_not_retried(ask: Ask, local: LocalAssistant) -> None:
    with pytest.raises(errors.AuthenticationError, match="Invalid API key"):
        await ask.invoke(chat_model(local, api_key="wrong", max_retries=2), QUESTION)
    assert len(local.requests) <= 1


async def test_an_unknown_assistant_is_named(ask: Ask, library: LocalAssistant) -> None:
    with pytest.raises(errors.NotFoundError, match='assistant "dcos" not found'):
        await ask.invoke(chat_model(library, assistant_name="dcos"), QUESTION)


async def test_a_stopped_server_is_a_connection_error_with_the_host(ask: Ask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        chat = ChatPineconeAssistant(assistant_name="docs", api_key="key", host=host, max_retries=0)
        error = await failure(ask, chat)
    assert isinstance(error, errors.APIConnectionError)
    assert isinstance(error, core.ModelConnectionError)
    assert host in str(error)
    assert error.is_retryable


@pytest.mark.parametrize("retry_on_timeout", [False, True])
@pytest.mark.parametrize(
    ("fault", "ours", "cores"),
    [
        ({"stall": True}, client.APITimeoutError, core.ModelTimeoutError),
        ({"reset": True}, client.APIConnectionError, core.ModelConnectionError),
        ({"html": True}, client.StreamError, core.ModelAPIError),
    ],
)
async def test_what_may_have_been_billed_is_retryable_only_if_the_user_says_so(
    *, ask: Ask, fault: dict[str, Any], ours: type, cores: type, retry_on_timeout: bool, local: LocalAssistant
) -> None:
    timeout = 0.05 if "stall" in fault else 10  # the other faults must not time out on a busy machine
    with local.faults.add(**fault):
        chat = chat_model(local, timeout=timeout, retry_on_timeout=retry_on_timeout)
        error = await failure(ask, chat)
    assert isinstance(error, ours)
    assert isinstance(error, cores)
    assert error.is_retryable is retry_on_timeout


async def test_a_cut_stream_raises_and_carries_the_text_so_far(ask: Ask, interface: str, local: LocalAssistant) -> None:
    """The framework would add a "last" chunk to it, so the cut answer would pass as complete."""
    with local.faults.add(cut_after_events=4), pytest.raises(errors.IncompleteStreamError) as cut:
        await ask.stream(chat_model(local, interface=interface), QUESTION)
    assert cut.value.text
    assert isinstance(cut.value, core.ModelAPIError)
    assert not cut.value.is_retryable


async def test_a_stream_without_a_finish_reason_raises(ask: Ask, interface: str, local: LocalAssistant) -> None:
    with local.faults.add(omit_finish=True), pytest.raises(errors.IncompleteStreamError):
        await ask.stream(chat_model(local, interface=interface), QUESTION)


async def test_an_error_inside_a_stream_raises_with_the_services_words(
    ask: Ask, interface: str, local: LocalAssistant
) -> None:
    with local.faults.add(error_after_events=2), pytest.raises(errors.StreamError, match="The model failed"):
        await ask.stream(chat_model(local, interface=interface), QUESTION)


def test_local_validation_is_of_both_families_and_a_value_error() -> None:
    error = errors.InvalidRequestError("no")
    assert isinstance(error, (client.InvalidRequestError,))
    assert isinstance(error, core.ModelInvalidRequestError)
    assert isinstance(error, ValueError)
    assert not error.is_retryable


def test_every_class_of_the_client_has_its_twin() -> None:
    """A new error class in the client needs one here, or it would not be a ModelError."""
    exported = [getattr(client, name) for name in client.__all__]
    classes = [value for value in exported if isinstance(value, type) and issubclass(value, AssistantError)]
    assert len(classes) > 10
    for cls in classes:
        options: dict[str, Any] = {"status_code": 400} if issubclass(cls, client.APIStatusError) else {}
        twin = errors.to_model_error(cls("It broke", **options))
        assert isinstance(twin, cls)
        assert isinstance(twin, core.ModelError)
        assert str(twin) == str(cls("It broke", **options))


@pytest.mark.parametrize("ours", [row[1] for row in STATUSES])
def test_errors_pickle_and_copy_with_all_they_carry(ours: Any) -> None:
    response = client.ErrorResponse(status_code=400, headers={}, text="{}")
    original = ours("It broke", status_code=400, retry_after=3.0, code="X", request_id="r", response=response)
    error: Any = errors.to_model_error(original)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert (twin.code, twin.request_id, twin.retry_after, twin.response) == ("X", "r", 3.0, response)


@pytest.mark.parametrize(
    "error",
    [
        errors.ToolsNotSupportedError("no tools"),
        errors.to_model_error(client.IncompleteStreamError("cut", text="half")),
        errors.to_model_error(client.APITimeoutError("late", may_have_been_processed=True)),
        errors.to_model_error(client.InvalidRequestError("bad")),
    ],
)
def test_other_errors_pickle_too(error: AssistantError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert twin.__dict__ == error.__dict__


async def test_retry_middleware_retries_only_what_is_retryable(ask: Ask, local: LocalAssistant) -> None:
    """It retries every other exception; a refused key, a bad filter and a cut answer must not be retried."""
    middleware = ModelRetryMiddleware(max_retries=2, initial_delay=0.0, jitter=False, on_failure="error")
    question = {"messages": [("user", QUESTION)]}

    async def posts(chat: ChatPineconeAssistant, expected: type[Exception] | None) -> int:
        before = len(local.requests)
        agent = create_agent(chat, middleware=[middleware])
        if expected is None:
            await ask.invoke(agent, question)
        else:
            with pytest.raises(expected):
                await ask.invoke(agent, question)
        return len(local.requests) - before

    chat = chat_model(local)
    with local.faults.add(status=503, times=2):
        assert await posts(chat, None) == 3
    with local.faults.add(status=403):
        assert await posts(chat, errors.PermissionDeniedError) == 1
    with local.faults.add(stall=True):
        assert await posts(chat_model(local, timeout=0.05), errors.APITimeoutError) == 1
    assert await posts(chat_model(local, filter={"a": ["b"]}), errors.InvalidRequestError) == 0


class Retries(BaseCallbackHandler):
    """Callback handler that counts calls of on_retry and on_llm_error."""

    def __init__(self) -> None:
        self.retries = 0
        self.responses: list[LLMResult] = []

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self.retries += 1

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.responses.append(kwargs["response"])


async def test_a_retry_is_told_to_callbacks_and_logged(
    ask: Ask, local: LocalAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """A plain stream has no run manager, so only the log reports retries, always as a warning."""
    handler = Retries()
    chat = chat_model(local, max_retries=1)
    with local.faults.add(status=503, times=1, retry_after=0):
        await ask.invoke(chat, QUESTION, {"callbacks": [handler]})
    assert handler.retries == 1
    with local.faults.add(status=503, times=1, retry_after=0):
        await ask.stream(chat, QUESTION)
    assert [record.levelname for record in caplog.records if "retry 1 of 1" in record.getMessage()] == ["WARNING"] * 2


async def test_tracers_get_status_and_request_id_of_an_error(ask: Ask, local: LocalAssistant) -> None:
    handler = Retries()
    with local.faults.add(status=429), pytest.raises(errors.RateLimitError) as raised:
        await ask.invoke(chat_model(local), QUESTION, {"callbacks": [handler]})
    message = handler.responses[0].generations[0][0].message  # type: ignore[union-attr]  # a chat generation
    assert message.response_metadata["status_code"] == 429
    assert message.response_metadata["request_id"] in str(raised.value)


async def test_the_key_and_custom_headers_are_in_no_error(ask: Ask, local: LocalAssistant) -> None:
    """Even if the service repeats them."""
    with local.faults.add(status=400, message="bad key own-key and header header-secret"):
        error = await failure(ask, chat_model(local, default_headers={"X-Tenant": "header-secret"}))
    shown = f"{error!r} {error} {error.__dict__} {error.response}"
    assert "own-key" not in shown
    assert "header-secret" not in shown


async def test_the_key_does_not_follow_a_redirect(ask: Ask, local: LocalAssistant) -> None:
    with LocalAssistant(name="own", api_key="own-key") as other:
        with local.faults.add(status=307, headers={"location": f"{other.host}/assistant/chat/own/chat/completions"}):
            error = await failure(ask, chat_model(local))
        assert "redirect" in str(error)
        assert other.requests == []


def test_words_of_the_fixture_are_those_of_the_constructor(library: LocalAssistant) -> None:
    """Checks the set-up of these tests."""
    assert set(words(library)) <= set(ChatPineconeAssistant.model_fields)
