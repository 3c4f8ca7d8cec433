"""Base class of the retriever, the engines and the tool spec: holds an LLM, and makes copies with other options."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager
from typing_extensions import Self

from llama_index.llms.pinecone_assistant import AssistantOptions, PineconeAssistant
from llama_index.llms.pinecone_assistant.options import check_call_options, check_words
from pinecone_assistant_client import InvalidRequestError

from .filters import Filters, to_filter, to_guard


class AssistantView:
    """Object that asks through a `PineconeAssistant` and can be copied with other options."""

    callback_manager: CallbackManager
    _llm: PineconeAssistant

    @property
    def llm(self) -> PineconeAssistant:
        """LLM that this object asks."""
        return self._llm

    def close(self) -> None:
        """Release the sync connections. They close if nothing else uses them; later calls open them again."""
        self._llm.close()

    async def aclose(self) -> None:
        """Release all connections, including those of the running event loop."""
        await self._llm.aclose()

    def with_filters(self, filters: Filters | None) -> Self:
        """Return a copy with another filter that shares the connections; None clears the filter."""
        return self.with_options(filter=to_filter(filters))

    def with_options(self, **options: Any) -> Self:
        """Return a copy with other options (`model`, `timeout` ...) that shares the connections; None clears an option.

        Raises:
            InvalidRequestError: An unknown option, or `guard_filter`, which only constructors take.
        """
        return self._with_llm_options(options)

    def _with_llm_options(self, options: Mapping[str, Any], own: Iterable[str] = ()) -> Self:
        """Return a copy with these options in its LLM. `own` names the view's own options, for error messages."""
        if "filters" in options:
            raise InvalidRequestError("with_options has no option 'filters': use with_filters()")
        check_call_options(options, "with_options", own)
        twin = copy.copy(self)
        twin._llm = self._llm.with_options(**options)
        return twin


def engine_options(llm: PineconeAssistant) -> dict[str, Any]:
    """Return an engine's defaults for options that its LLM does not set: sources with file ids, highlights, no links."""
    given = {*llm.model_fields_set, *llm.additional_kwargs}
    wanted = {"strip_references": True, "interface": "standard", "include_highlights": True}
    if "interface" in given and llm.call_options().get("interface") != "standard":
        del wanted["include_highlights"]
    return {name: value for name, value in wanted.items() if name not in given}


def llm_of(
    view: object,
    llm: PineconeAssistant | None,
    filters: Filters | None,
    guard_filter: Filters | None,
    options: AssistantOptions,
) -> PineconeAssistant:
    """Return the LLM passed to the constructor of `view`, or a new one with these options. Both accept filters and a guard.

    Raises:
        InvalidRequestError: No LLM, an unknown option, both an LLM and options, or both `filter` and `filters`.
    """
    # Checked here, because the LLM's own check would name the LLM and not know the options of the view.
    own = [name for name in inspect.signature(type(view)).parameters if name != "options"]
    check_words(options, type(view), [*PineconeAssistant.model_fields, *own])
    manager = Settings.callback_manager
    is_to_report = llm is None or bool(manager.handlers)
    if llm is not None and not isinstance(llm, PineconeAssistant):
        raise InvalidRequestError(
            f"llm is a {type(llm).__name__}: pass a PineconeAssistant, or its options such as assistant_name="
        )
    if llm is None:
        llm = PineconeAssistant(**options)
    elif given := sorted(options):
        raise InvalidRequestError(f"llm= brings its own options: leave out {', '.join(given)}, or use with_options()")
    if filters is not None:
        if options.get("filter") is not None:
            raise InvalidRequestError("filter and filters are the same: pass one of them")
        llm = llm.with_options(filter=to_filter(filters))
    llm = llm.guarded_by(to_guard(guard_filter))
    if is_to_report and "callback_manager" not in llm.model_fields_set:
        # Like LlamaIndex's own engines: callbacks in Settings see these calls, even if the LLM was created before. The field
        # counts as unset, so that another view over this LLM reads Settings again.
        llm = llm.model_copy(update={"callback_manager": manager})
        llm.__pydantic_fields_set__.discard("callback_manager")
    return llm
