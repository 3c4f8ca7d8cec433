"""Options of the LLM, which the retriever, the engines and the tool spec take too, and the checks of their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import BaseOutputParser, PydanticProgramMode
from llama_index.core.vector_stores.types import MetadataFilters
from pydantic import SecretStr, ValidationError
from typing_extensions import TypedDict

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, InvalidRequestError
from pinecone_assistant_client.adapters import suggestion

if TYPE_CHECKING:
    import aiohttp
    import requests


class AssistantOptions(TypedDict, total=False):
    """Options of the constructor of `PineconeAssistant`; each may be left out.

    Attributes:
        assistant_name: The assistant's name; falls back to `PINECONE_ASSISTANT_NAME`.
        api_key: The API key; falls back to `PINECONE_API_KEY`. Never in `to_dict`, a repr or a log.
        host: The data plane's URL; falls back to `PINECONE_ASSISTANT_HOST`, then to one lookup at the control plane.
        model: Model that writes the answer, such as `"gpt-4o"`; None lets the service choose.
        temperature: Sampling temperature, 0 to 2; None is not sent.
        filter: Metadata filter for every call, such as `{"genre": {"$ne": "documentary"}}`. It is copied.
        interface: `"openai"` (the default), or `"standard"`, which has structured citations, highlights and context options.
        timeout: Seconds: one number for connecting and for each wait for bytes, or `(connect, read)`. None is (10, 300).
        total_timeout: Seconds for a whole call with its retries, up to the last byte; None sets no limit.
        max_retries: Number of requests after the first; 0 turns retries off.
        retry_on_timeout: Whether to also retry requests that may have been processed, such as after a read timeout. This can
            bill twice.
        api_version: The service's API version, `"YYYY-MM"`.
        default_headers: Headers added to every request; treated as secrets.
        source_tag: Names your integration in the User-Agent.
        proxies: Proxies, such as `{"https": "http://proxy:3128"}`.
        verify: Verification of TLS certificates: True, False, or the path of a CA bundle.
        cert: For mutual TLS: the path of a PEM file with the client's certificate and its key, or a pair of paths.
        max_connections: Maximum connections at once (async: in each event loop); further calls wait. Default 200.
        http_session: A `requests.Session` to use; never closed or pickled here.
        async_http_session: An `aiohttp.ClientSession` to use; works in its own event loop only.
        include_highlights: Standard interface: whether to request the passages that support each citation.
        context_options: Standard interface: how much context the answer reads, `{"top_k": 16, "snippet_size": 2048}`.
        client: An existing client to use instead of connection options; never closed here. A pickle contains it, as the client
            pickles itself. A dict does not, so pass it again: `from_dict(data, client=...)`.
        context_window: Tokens that chat memory may fill; the service does not publish the windows of its models.
        additional_kwargs: More per-call options for every call, such as `{"stop": ["END"]}`.
        strip_references: Whether to remove the list of references, with its expiring links, from the end of answers.
        strip_citations: Whether to remove citation marks and the list of references from answers. `citations` stay; their
            `start == end` is the place in the text where the mark was.
        tool_messages: Handling of tool messages in a history: `"error"` raises, `"as_user"` sends their text as user turns,
            `"drop"` leaves them out.
        callback_manager: LlamaIndex's option.
        system_prompt: Text put before the first user turn of every call.
        messages_to_prompt: LlamaIndex's option; not used by a chat model.
        completion_to_prompt: Function applied to the prompt of `complete` and its variants, unless `formatted=True`.
        output_parser: LlamaIndex's option.
        pydantic_program_mode: `LLM` restores LlamaIndex's own structured output.
        query_wrapper_prompt: LlamaIndex's option; not used by a chat model.
        rate_limiter: LlamaIndex's option.
    """

    assistant_name: str | None
    api_key: str | SecretStr | None
    host: str | None
    model: str | None
    temperature: float | None
    filter: Mapping[str, Any] | None
    interface: Literal["openai", "standard"]
    timeout: float | tuple[float, float] | None
    total_timeout: float | None
    max_retries: int
    retry_on_timeout: bool
    api_version: str
    default_headers: Mapping[str, str] | None
    source_tag: str | None
    proxies: Mapping[str, str] | None
    verify: bool | str
    cert: str | tuple[str, str] | None
    max_connections: int
    http_session: requests.Session | None
    async_http_session: aiohttp.ClientSession | None
    include_highlights: bool
    context_options: Mapping[str, Any] | None
    client: AssistantClient | AsyncAssistantClient | None
    context_window: int
    additional_kwargs: Mapping[str, Any]
    strip_references: bool
    strip_citations: bool
    tool_messages: Literal["error", "as_user", "drop"]
    callback_manager: CallbackManager | None
    system_prompt: str | None
    messages_to_prompt: Callable[[Sequence[ChatMessage]], str] | None
    completion_to_prompt: Callable[[str], str] | None
    output_parser: BaseOutputParser | None
    pydantic_program_mode: PydanticProgramMode
    query_wrapper_prompt: BasePromptTemplate | None
    rate_limiter: Any


FIELD_OPTIONS = (
    "model",
    "temperature",
    "filter",
    "interface",
    "include_highlights",
    "context_options",
    "strip_references",
    "strip_citations",
)
"""Options of a call that have a field as their default."""

CALL_OPTIONS = frozenset((*FIELD_OPTIONS, "timeout", "total_timeout", "stop", "json_response"))
"""Options that a call, `additional_kwargs` and `with_options` can set."""

OF_CONSTRUCTORS = ("guard_filter", "tool_messages")
"""Options that affect every call and that no call can change."""


_TRANSLATE = {
    "filter": "pass it as filters= to the retriever, an engine or the tools, or to their with_filters(),",
    "guard_filter": "pass it to the retriever, an engine or the tools,",
}


def check_words(options: Mapping[str, Any], of: type, known: Collection[str]) -> None:
    """Raise InvalidRequestError for an unknown option of a constructor, and for LlamaIndex's `MetadataFilters`."""
    for name in options:
        if name not in known:
            raise InvalidRequestError(f"{of.__name__} has no option {name!r}{suggestion(name, known)}")
    _check_kinds(options)


def check_call_options(options: Mapping[str, Any], where: str, more: Iterable[str] = ()) -> None:
    """Raise InvalidRequestError for a name that is neither an option of a call nor one of `more`."""
    for name in options:
        if name in OF_CONSTRUCTORS:
            raise InvalidRequestError(_only_constructors_take(name, where))
        if name not in CALL_OPTIONS and name not in more:
            raise InvalidRequestError(
                f"{where} has the unknown option {name!r}{suggestion(name, (*CALL_OPTIONS, *more))}"
            )
    _check_kinds(options)


def _only_constructors_take(name: str, where: str) -> str:
    instead = "narrow with filter=" if name == "guard_filter" else "make another LLM"
    return f"{where} cannot set {name}: it is an option of the constructor only; {instead}"


def _check_kinds(options: Mapping[str, Any]) -> None:
    for name, advice in _TRANSLATE.items():
        if isinstance(options.get(name), MetadataFilters):
            raise InvalidRequestError(
                f"{name} is a MetadataFilters: {advice} or translate it with to_filter() of "
                "llama_index.indices.managed.pinecone_assistant"
            )


def first_problem(error: ValidationError) -> str:
    """Return pydantic's first error without the value: `max_retries: Input should be a valid integer`."""
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]


def check_wrapper_words(names: Iterable[str], where: str, known: Collection[str]) -> None:
    """Raise InvalidRequestError for arguments that a LlamaIndex method would drop silently, such as options of a call."""
    for name in names:
        if name in OF_CONSTRUCTORS:
            raise InvalidRequestError(_only_constructors_take(name, where))
        if name in CALL_OPTIONS and name not in known:
            raise InvalidRequestError(f"{where} would lose {name!r}: use llm.with_options({name}=...).{where}(...)")
        if name not in known:
            raise InvalidRequestError(f"{where} has the unknown option {name!r}{suggestion(name, known)}")


def check_prompt_args(prompt: BasePromptTemplate, prompt_args: Iterable[str]) -> None:
    """Raise InvalidRequestError if `prompt` is not a prompt template, or if an option would be lost as a prompt variable."""
    if not isinstance(prompt, BasePromptTemplate):
        raise InvalidRequestError(
            f"the prompt is a {type(prompt).__name__}: pass a prompt template, such as PromptTemplate(text)"
        )
    variables = {*prompt.template_vars, *(prompt.template_var_mappings or ()), *(prompt.function_mappings or ())}
    for name in prompt_args:
        if name in (*CALL_OPTIONS, *OF_CONSTRUCTORS, "llm_kwargs") and name not in variables:
            raise InvalidRequestError(
                f"{name!r} is not a variable of this prompt, so it would be lost: pass options in llm_kwargs= "
                "(structured_predict and its variants) or use llm.with_options()"
            )
