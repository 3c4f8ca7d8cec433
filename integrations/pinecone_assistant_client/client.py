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
        assistant_name: The assistant; defaults to `PINECONE_ASSISTANT_NAME`.
        api_key: The key; defaults to `PINECONE_API_KEY`. It is sent to the host only, and never shown.
        host: The data plane, `https://prod-1-data.ke.pinecone.io`; defaults to `PINECONE_ASSISTANT_HOST`. Without either, the
            control plane (`PINECONE_CONTROLLER_HOST`, default https://api.pinecone.io) is asked once.
        model: Such as `"gpt-4o"`; None lets the service choose.
        temperature: 0 to 2; None is not sent.
        filter: Metadata filter for every call, `{"genre": {"$ne": "documentary"}}`.
        interface: Which endpoint `answer` and `stream_answer` use: `"openai"` or `"standard"`.
        timeout: Seconds: one number for connecting and for each wait for bytes, or (connect, read). None is (10, 300).
        total_timeout: Seconds for a whole call with its retries, from the first byte sent to the last byte read. The time
            that your code takes between the chunks of a stream counts. None means no bound. In sync clients it does not bound
            a DNS lookup, nor the head of an answer that arrives byte by byte over an `http_session`.
        max_retries: Requests after the first, 0 for none.
        retry_on_timeout: Also retry a request that may have been processed. This can bill twice.
        api_version: The service's API version, `"YYYY-MM"`.
        default_headers: Added to every request; treated as secret.
        source_tag: Names your integration in the User-Agent: lower-case letters, digits, `_`, `:`.
        proxies: `{"https": "http://proxy:3128"}`; defaults to the environment's. Requests to this machine use no proxy.
        verify: True, False, or the path of a CA bundle. True uses the bundle that `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
            `SSL_CERT_FILE` or `SSL_CERT_DIR` names, and falls back to certifi's.
        cert: For mutual TLS: the path of a PEM file with the client's certificate and its key, or a pair of paths.
        max_connections: Most connections at once (async: in each event loop). Further calls wait, and `timeout` does not
            count that wait. All clients with equal connection settings share their connections.
        http_session: A `requests.Session` to use. Its own settings win, and the client never closes it.
        async_http_session: An `aiohttp.ClientSession` for async use, valid in its own event loop only.
        include_highlights: Standard interface: ask for the passages that support each citation.
        context_options: Standard interface: `{"top_k": 16, "snippet_size": 2048}`.
        guard_filter: A filter that applies in addition to every other one, in chats and in `context`: it is sent as
            `{"$and": [guard_filter, filter]}`. Nothing changes or clears it, so it is the way to keep tenants apart.
            `{}` is an error; None sets no guard.
        controller_host: The control plane, for callers that read the environment earlier; defaults to
            `PINECONE_CONTROLLER_HOST`.

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
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion:
        """Return a whole answer over the OpenAI-compatible interface; citations are parsed from its text.

        Args:
            messages: `Message` values or `{"role", "content"}` dicts; system messages are folded into the first user turn.
            model: None clears the client's default.
            temperature: None clears the client's default.
            filter: Metadata filter, `{"genre": {"$in": ["comedy", "drama"]}}`; None clears the client's default.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None means no bound.

        Raises:
            InvalidRequestError: An argument is wrong; nothing was sent.
            APIStatusError: The service refused; one class per action (`AuthenticationError`, `NotFoundError`, ...).
            APIConnectionError: The service was not reached; `APITimeoutError` if it took too long.
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
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """Yield the answer's chunks as they arrive. Arguments and errors are those of `chat_completion`.

        The request is sent when the first chunk is asked for. Closing the iterator early closes the connection.

        Raises:
            IncompleteStreamError: The stream ended without a finish_reason; `.text` has the text that arrived.
        """
        options = self._options.changed(model=model, temperature=temperature, filter=filter)
        return self._streamed(messages, options.for_openai(), timeout, total_timeout)

    def chat(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        json_response: bool = False,
        include_highlights: bool | NotGiven | None = NOT_GIVEN,
        context_options: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion:
        """Return a whole answer over the standard interface: structured citations, highlights, JSON answers.

        Args:
            messages: As for `chat_completion`.
            model: None clears the client's default.
            temperature: None clears the client's default.
            filter: Metadata filter; None clears the client's default.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None means no bound.
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
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
        include_highlights: bool | NotGiven | None = NOT_GIVEN,
        context_options: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """Yield the chunks of an answer over the standard interface. Arguments and errors are those of `chat`."""
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
        """Return a whole answer over the client's `interface`, for the adapters.

        Args:
            messages: As for `chat_completion`.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None means no bound.
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
        """Yield the chunks of an answer over the client's `interface`, for the adapters. Arguments are those of `answer`."""
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
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        top_k: int | None = None,
        snippet_size: int | None = None,
        multimodal: bool | None = None,
        include_binary_content: bool | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Context:
        """Return the snippets that the assistant would read, without an answer.

        Args:
            query: The text to search for; or pass `messages`.
            messages: A conversation to search for; or pass `query`.
            filter: Metadata filter; None clears the client's default.
            top_k: Snippets at most, 1 to 64; the service's default is 16.
            snippet_size: Tokens of a snippet at most, 512 to 8192; the service's default is 2048.
            multimodal: Include image snippets.
            include_binary_content: Include the images' data.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None means no bound.

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
        """The operations that the service is working on, or finished in the last 30 days."""
        return Operations(self)

    def evaluate(
        self,
        question: str,
        answer: str,
        ground_truth_answer: str,
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Evaluation:
        """Return how well an answer agrees with the ground truth. Tokens are billed.

        Args:
            question: The question.
            answer: The answer to judge.
            ground_truth_answer: The answer that is known to be right.
            timeout: Seconds, as in the constructor.
            total_timeout: Seconds, as in the constructor; None means no bound.

        Raises:
            AssistantError: As for `chat_completion`.

        Source: POST /evaluation/metrics/alignment, assistant_evaluation 2026-04.
        """
        return run(self, evaluate(question, answer, ground_truth_answer, timeout, total_timeout))
