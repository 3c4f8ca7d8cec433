"""The common part of the retriever, the engines and the tool spec: an LLM with their options, and copies with others."""

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
    """Something that asks through a `PineconeAssistant` and can be copied with other options."""

    callback_manager: CallbackManager
    _llm: PineconeAssistant

    @property
    def llm(self) -> PineconeAssistant:
        """The LLM that is asked."""
        return self._llm

    def close(self) -> None:
        """Release the sync connections; they close if nothing else uses them. Later calls open them again."""
        self._llm.close()

    async def aclose(self) -> None:
        """Release all connections, also those of the running event loop."""
        await self._llm.aclose()

    def with_filters(self, filters: Filters | None) -> Self:
        """A copy that searches other files, over the same connections; None is no filter."""
        return self.with_options(filter=to_filter(filters))

    def with_options(self, **options: Any) -> Self:
        """A copy with other options (`model`, `temperature`, `timeout`, ...) over the same connections; None clears one.

        Raises:
            InvalidRequestError: An unknown option, or `guard_filter`, which only constructors take.
        """
        return self._with_llm_options(options)

    def _with_llm_options(self, options: Mapping[str, Any], own: Iterable[str] = ()) -> Self:
        """A copy whose LLM has these options; `own` are the other words that `with_options` takes."""
        if "filters" in options:
            raise InvalidRequestError("with_options has no option 'filters': use with_filters()")
        check_call_options(options, "with_options", own)
        twin = copy.copy(self)
        twin._llm = self._llm.with_options(**options)
        return twin


def engine_options(llm: PineconeAssistant) -> dict[str, Any]:
    """What an engine asks for where its LLM leaves it open: sources with file ids, highlights and no list of links."""
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
    """The LLM that was passed to the constructor of `view`, or one with these options; filters and a guard may come with both.

    Raises:
        InvalidRequestError: No LLM, an unknown option, both an LLM and options, or both `filter` and `filters`.
    """
    # The LLM would name itself, and not know the options of the view.
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
        # As LlamaIndex's own engines do: what is set for the whole process sees these calls, also of an LLM made earlier.
        llm = llm.model_copy(update={"callback_manager": manager})
        llm.__pydantic_fields_set__.discard("callback_manager")  # another view over this LLM looks at Settings again
    return llm
