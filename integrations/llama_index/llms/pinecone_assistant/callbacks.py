"""Wrap LlamaIndex's LLM callbacks for streams, so that leaving a stream ends its request at once."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")
Callback = Callable[[Any], Any]


def stream_callback(callback: Callback) -> Callable[[Callable[..., Generator[T, None, None]]], Any]:
    """Apply `callback`, such as `llm_chat_callback()`, to a method that returns a generator.

    The callback wraps the method's generator in its own, and does not close the inner one. Normally garbage collection
    closes it, but a handler that stores the GeneratorExit (LlamaDebugHandler does) also stores its traceback, which keeps
    the connection open. This wrapper closes the inner generator. Remove it when llama-index-core's callbacks do so.
    """

    def wrap(method: Callable[..., Generator[T, None, None]]) -> Callable[..., Generator[T, None, None]]:
        @functools.wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Generator[T, None, None]:
            opened: list[Generator[T, None, None]] = []

            def observed(self: Any, *args: Any, **kwargs: Any) -> Generator[T, None, None]:
                opened.append(method(self, *args, **kwargs))
                return opened[0]

            return _closing(callback(observed)(self, *args, **kwargs), opened[0])

        return wrapper

    return wrap


def async_stream_callback(callback: Callback) -> Callable[[Callable[..., Awaitable[AsyncGenerator[T, None]]]], Any]:
    """Async version of `stream_callback`, for a coroutine method that returns an async generator."""

    def wrap(method: Callable[..., Awaitable[AsyncGenerator[T, None]]]) -> Any:
        @functools.wraps(method)
        async def wrapper(self: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[T, None]:
            opened: list[AsyncGenerator[T, None]] = []

            async def observed(self: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[T, None]:
                opened.append(await method(self, *args, **kwargs))
                return opened[0]

            return _aclosing(await callback(observed)(self, *args, **kwargs), opened[0])

        return wrapper

    return wrap


def _closing(observed: Generator[T, None, None], opened: Generator[T, None, None]) -> Generator[T, None, None]:
    try:
        yield from observed
    finally:
        opened.close()


async def _aclosing(observed: AsyncGenerator[T, None], opened: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    try:
        async for item in observed:
            yield item
    finally:
        await observed.aclose()
        await opened.aclose()
