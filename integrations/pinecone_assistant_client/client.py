"""`AssistantClient`: ask a Pinecone Assistant, sync."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from .answers import ChatCompletion, ChatCompletionChunk, Context
from .exchange import Exchange
from .feeding.calls import evaluate
from .feeding.driving import run
from .feeding.files import Files
from .feeding.operations import Operations
from .feeding.values import Evaluation
from .messages import SystemMessages
from .options import NOT_GIVEN, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Timeout
from .shaping import checked_stop
from .wire.decoding import decode_context


class AssistantClient(Exchange):
    """Ask a Pinecone Assistant, sync.

    Args:
        assistant_name: Else `PINECONE_ASSISTANT_NAME`.
        api_key: Else `PINECONE_API_KEY`. Sent to the host only; never shown.
        host: The data plane, `https://prod-1-data.ke.pinecone.io`; else `PINECONE_ASSISTANT_HOST`, else asked once from the
            control plane (`PINECONE_CONTROLLER_HOST`, default https://api.pinecone.io).
        model: Such as `"gpt-4o"`; None lets the service choose.
        temperature: 0 to 2; None is not sent.
        filter: Metadata filter for every call, `{"genre": {"$ne": "documentary"}}`.
        interface: Which endpoint `answer` and `stream_answer` use: `"openai"` or `"standard"`.
        timeout: Seconds: one number for connecting and for each wait for bytes, or (connect, read). None is (10, 300).
        total_timeout: Seconds for a whole call with its retries, from the first byte sent to the last byte read, the
            time of who reads a stream included. None is not bounded. When sync, two things are not bounded by it: looking up a
            name in DNS, and over an `http_session` the head of an answer that comes byte by byte.
        max_retries: Requests after the first, 0 for none.
        retry_on_timeout: Also send again what may have been processed. This can bill twice.
        api_version: The service's API version, `"YYYY-MM"`.
        default_headers: Added to every request; treated as secret.
        source_tag: Names your integration in the User-Agent: lower-case letters, digits, `_`, `:`.
        proxies: `{"https": "http://proxy:3128"}`; else the environment's, never for this machine.
        verify: True, False, or the path of a CA bundle; True takes the bundle that `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
            `SSL_CERT_FILE` or `SSL_CERT_DIR` names, else that of certifi.
        cert: For mutual TLS: the path of a PEM file with the client's certificate and its key, or a pair of paths.
        max_connections: Connections at once, in each event loop when async; more calls wait, and the wait is not a part of
            `timeout`. All clients with equal connection settings share them.
        http_session: A `requests.Session` to use; its own settings win and it is never closed here.
        async_http_session: An `aiohttp.ClientSession` for async use, valid in its own event loop only.
        include_highlights: Standard interface: ask for the passages that support each citation.
        context_options: Standard interface: `{"top_k": 16, "snippet_size": 2048}`.
        guard_filter: A filter that holds in addition to every other one, in chats and in `context`: it is sent as
            `{"$and": [guard_filter, filter]}`. Nothing changes or clears it, so it is the way to keep tenants apart.
            `{}` is an error; None is no guard.
        controller_host: The control plane, for what read the environment earlier; else `PINECONE_CONTROLLER_HOST`.

    Example:
        ```python
        with AssistantClient(assistant_name="docs") as client:
            answer = client.chat_completion([{"role": "user", "content": "How tall is a red pine?"}])
            print(answer.content, answer.citations)
        ```
    """

    def __enter__(self) -> AssistantClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def chat_completion(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the service's word
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion:
        """A whole answer over the OpenAI-compatible interface; citations are parsed from its text.

        Args:
            messages: `Message` values or `{"role", "content"}` dicts; system messages are folded into the first user turn.
            model: None clears the client's default.
            temperature: None clears the client's default.
            filter: Metadata filter, `{"genre": {"$in": ["comedy", "drama"]}}`; None clears the client's default.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None is not bounded.

        Raises:
            InvalidRequestError: Something in the call is wrong; nothing was sent.
            APIStatusError: The service refused; one class per action (`AuthenticationError`, `NotFoundError`, ...).
            APIConnectionError: Not reached; `APITimeoutError` if it took too long.
            StreamError: The answer cannot be used; `IncompleteStreamError` if it was cut.

        Source: POST /chat/{assistant_name}/chat/completions, assistant_data 2026-04.
        """
        options = self._options.changed(model=model, temperature=temperature, filter=filter)
        return self._whole(messages, options.for_openai(), timeout, total_timeout)

    def stream_chat_completion(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the service's word
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """The answer's chunks as they arrive. Arguments and errors as for `chat_completion`.

        The request is sent at the first step. Closing the iterator early closes the connection.

        Raises:
            IncompleteStreamError: The stream ended without a finish_reason; `.text` has what came.
        """
        options = self._options.changed(model=model, temperature=temperature, filter=filter)
        return self._streamed(messages, options.for_openai(), timeout, total_timeout)

    def chat(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the service's word
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        json_response: bool = False,
        include_highlights: bool | NotGiven | None = NOT_GIVEN,
        context_options: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion:
        """A whole answer over the standard interface: structured citations, highlights, JSON answers.

        Args:
            messages: As for `chat_completion`.
            model: None clears the client's default.
            temperature: None clears the client's default.
            filter: Metadata filter; None clears the client's default.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None is not bounded.
            json_response: Ask for JSON as the answer's content.
            include_highlights: Ask for the passages that support each citation.
            context_options: `{"top_k": 16, "snippet_size": 2048, "multimodal": True, "include_binary_content": False}`.

        Raises:
            AssistantError: As for `chat_completion`.

        Source: POST /chat/{assistant_name}, assistant_data 2026-04.
        """
        options = self._options.changed(
            model=model,
            temperature=temperature,
            filter=filter,
            interface="standard",
            include_highlights=include_highlights,
            context_options=context_options,
        )
        return self._whole(messages, options, timeout, total_timeout, json_response=json_response)

    def stream_chat(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the service's word
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        include_highlights: bool | NotGiven | None = NOT_GIVEN,
        context_options: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """The chunks of an answer over the standard interface. Arguments and errors as for `chat`."""
        options = self._options.changed(
            model=model,
            temperature=temperature,
            filter=filter,
            interface="standard",
            include_highlights=include_highlights,
            context_options=context_options,
        )
        return self._streamed(messages, options, timeout, total_timeout)

    def answer(
        self,
        messages: Iterable[MessageLike],
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        stop: str | Sequence[str] | None = None,
        strip_references: bool = False,
        strip_citations: bool = False,
        json_response: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
        **options: Any,
    ) -> ChatCompletion:
        """Answer over the client's interface, for the adapters.

        Args:
            messages: As for `chat_completion`.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None is not bounded.
            stop: Stop sequences; the text ends before the first one.
            strip_references: Leave the reference list, with its expiring links, out of the text.
            strip_citations: Leave the citation marks and the reference list out of the text. `citations` keeps them as
                values, and their `start == end` is the place in the shorter text where the mark was.
            json_response: Ask for JSON as the answer's content.
            system_messages: `"merge"` folds system messages into the first user turn, `"error"` refuses them.
            on_retry: Called before each retry.
            options: `model`, `temperature`, `filter`, `interface`, `include_highlights`, `context_options`.

        Raises:
            AssistantError: As for `chat_completion`; `InvalidRequestError` for an unknown option.
        """
        return self._whole(
            messages,
            self._changed("answer", options),
            timeout,
            total_timeout,
            stop=checked_stop(stop),
            strip_references=strip_references,
            strip_citations=strip_citations,
            json_response=json_response,
            system_messages=system_messages,
            on_retry=on_retry,
        )

    def stream_answer(
        self,
        messages: Iterable[MessageLike],
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        stop: str | Sequence[str] | None = None,
        strip_references: bool = False,
        strip_citations: bool = False,
        system_messages: SystemMessages = "merge",
        on_retry: OnRetry | None = None,
        **options: Any,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """The chunks of an answer over the client's interface, for the adapters. Arguments as for `answer`."""
        return self._streamed(
            messages,
            self._changed("stream_answer", options),
            timeout,
            total_timeout,
            stop=checked_stop(stop),
            strip_references=strip_references,
            strip_citations=strip_citations,
            system_messages=system_messages,
            on_retry=on_retry,
        )

    def context(
        self,
        query: str | None = None,
        *,
        messages: Iterable[MessageLike] | None = None,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the service's word
        top_k: int | None = None,
        snippet_size: int | None = None,
        multimodal: bool | None = None,
        include_binary_content: bool | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Context:
        """The snippets that the assistant would read, without an answer.

        Args:
            query: The text to search for; or pass `messages`.
            messages: A conversation to search for; or pass `query`.
            filter: Metadata filter; None clears the client's default.
            top_k: Snippets at most, 1 to 64; the service's default is 16.
            snippet_size: Tokens of a snippet at most, 512 to 8192; the service's default is 2048.
            multimodal: Include image snippets.
            include_binary_content: Include the images' data.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None is not bounded.

        Raises:
            AssistantError: As for `chat_completion`.

        Source: POST /chat/{assistant_name}/context, assistant_data 2026-04.
        """
        self._start()
        wire = self._options.build_context(
            self._assistant(),
            query=query,
            messages=messages,
            filter=filter,
            top_k=top_k,
            snippet_size=snippet_size,
            multimodal=multimodal,
            include_binary_content=include_binary_content,
        )
        body = self._read(wire, self._limits(timeout, total_timeout), None)
        return self._decoded(decode_context, body)

    @property
    def files(self) -> Files:
        """The assistant's files: upload, list, get, read, delete."""
        return Files(self)

    @property
    def operations(self) -> Operations:
        """What the service works on, or ended in the last 30 days."""
        return Operations(self)

    def evaluate(
        self,
        question: str,
        answer: str,
        ground_truth_answer: str,
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Evaluation:
        """Return how well an answer agrees with the ground truth. Tokens are billed.

        Args:
            question: The question.
            answer: The answer to judge.
            ground_truth_answer: The answer that is known to be right.
            timeout: Seconds, as in the constructor.

        Raises:
            AssistantError: As for `chat_completion`.

        Source: POST /evaluation/metrics/alignment, assistant_evaluation 2026-04.
        """
        return run(self, evaluate(question, answer, ground_truth_answer, timeout))
