"""`AsyncAssistantClient`: ask a Pinecone Assistant, async. Mirrors `client.py`, with `await`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any

from .answers import ChatCompletion, ChatCompletionChunk, Context
from .async_exchange import AsyncExchange
from .feeding.calls import evaluate
from .feeding.driving import arun
from .feeding.files import AsyncFiles
from .feeding.operations import AsyncOperations
from .feeding.values import Evaluation
from .messages import SystemMessages
from .options import NOT_GIVEN, MessageLike, NotGiven
from .retries import OnRetry
from .settings import Timeout
from .shaping import checked_stop
from .wire.decoding import decode_context


class AsyncAssistantClient(AsyncExchange):
    """Ask a Pinecone Assistant, async. The options are those of `AssistantClient`.

    One client works in any number of event loops, one after another or at once: each loop has its own session, which is
    closed with the loop. `async with`, or `await client.close()`, closes earlier.

    Example:
        ```python
        async with AsyncAssistantClient(assistant_name="docs") as client:
            async for chunk in client.stream_chat_completion([{"role": "user", "content": "How tall is a red pine?"}]):
                print(chunk.content, end="")
        ```
    """

    async def __aenter__(self) -> AsyncAssistantClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def chat_completion(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> ChatCompletion:
        """Async version of `AssistantClient.chat_completion`."""
        options = self._options.changed(model=model, temperature=temperature, filter=filter)
        return await self._whole(messages, options.for_openai(), timeout, total_timeout)

    def stream_chat_completion(
        self,
        messages: Iterable[MessageLike],
        *,
        model: str | NotGiven | None = NOT_GIVEN,
        temperature: float | NotGiven | None = NOT_GIVEN,
        filter: Mapping[str, Any] | NotGiven | None = NOT_GIVEN,  # noqa: A002 - the API's name
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        """Async version of `AssistantClient.stream_chat_completion`: call it without `await`, then `async for`."""
        options = self._options.changed(model=model, temperature=temperature, filter=filter)
        return self._streamed(messages, options.for_openai(), timeout, total_timeout)

    async def chat(
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
        """Async version of `AssistantClient.chat`."""
        options = self._options.changed(
            model=model,
            temperature=temperature,
            filter=filter,
            interface="standard",
            include_highlights=include_highlights,
            context_options=context_options,
        )
        return await self._whole(messages, options, timeout, total_timeout, json_response=json_response)

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
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        """Async version of `AssistantClient.stream_chat`: call it without `await`, then `async for`."""
        options = self._options.changed(
            model=model,
            temperature=temperature,
            filter=filter,
            interface="standard",
            include_highlights=include_highlights,
            context_options=context_options,
        )
        return self._streamed(messages, options, timeout, total_timeout)

    async def answer(
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
        """Async version of `AssistantClient.answer`."""
        return await self._whole(
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
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        """Async version of `AssistantClient.stream_answer`."""
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

    async def context(
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
        """Async version of `AssistantClient.context`."""
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
        body = await self._read(wire, self._limits(timeout, total_timeout), None)
        return self._decoded(decode_context, body)

    @property
    def files(self) -> AsyncFiles:
        """The assistant's files: upload, list, get, read, delete."""
        return AsyncFiles(self)

    @property
    def operations(self) -> AsyncOperations:
        """The operations that the service is working on, or finished in the last 30 days."""
        return AsyncOperations(self)

    async def evaluate(
        self,
        question: str,
        answer: str,
        ground_truth_answer: str,
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        total_timeout: float | NotGiven | None = NOT_GIVEN,
    ) -> Evaluation:
        """Async version of `AssistantClient.evaluate`."""
        return await arun(self, evaluate(question, answer, ground_truth_answer, timeout, total_timeout))
