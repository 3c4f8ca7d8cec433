"""Performing the effects of procedures, sync and async. Nothing is decided here."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from ..async_exchange import AsyncExchange
from ..exchange import Exchange
from .effects import Call, Effect, Fetch, Send, Sleep, Steps

_T = TypeVar("_T")


def run(exchange: Exchange, steps: Steps[_T]) -> _T:
    """The result of a procedure."""
    result: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                effect = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return] # of the generator's own type
            result = error = None
            try:
                result = perform(exchange, effect)
            except Exception as failure:  # noqa: BLE001 - the procedure decides, and raises it if it does not expect it
                error = failure
    finally:
        steps.close()


async def arun(exchange: AsyncExchange, steps: Steps[_T]) -> _T:
    """Async version of `run`."""
    result: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                effect = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return] # of the generator's own type
            result = error = None
            try:
                result = await aperform(exchange, effect)
            except Exception as failure:  # noqa: BLE001 - the procedure decides, and raises it if it does not expect it
                error = failure
    finally:
        steps.close()


def perform(exchange: Exchange, effect: Effect) -> Any:
    """The result of one effect."""
    if isinstance(effect, Send):
        return exchange._reply(effect.wire, effect.timeout, effect.count_retry, is_control=effect.is_control)
    if isinstance(effect, Call):
        return effect.function()
    if isinstance(effect, Sleep):
        return exchange._retries.sleep(effect.seconds)
    if isinstance(effect, Fetch):
        return exchange._fetch(effect.url, effect.subject, effect.max_bytes, None)
    raise TypeError(f"{effect} is an effect of a pipeline only")


async def aperform(exchange: AsyncExchange, effect: Effect) -> Any:
    """Async version of `perform`; what may block runs in a thread."""
    if isinstance(effect, Send):
        return await exchange._reply(effect.wire, effect.timeout, effect.count_retry, is_control=effect.is_control)
    if isinstance(effect, Call):
        return await asyncio.to_thread(effect.function)
    if isinstance(effect, Sleep):
        return await exchange._retries.async_sleep(effect.seconds)
    if isinstance(effect, Fetch):
        return await exchange._fetch(effect.url, effect.subject, effect.max_bytes, None)
    raise TypeError(f"{effect} is an effect of a pipeline only")
