"""Callbacks, instrumentation and tracing: one pair of events per call, and the service's token counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.callbacks.schema import EventPayload
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.prompts import PromptTemplate
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from llama_index.indices.managed.pinecone_assistant import (
    PineconeAssistantChatEngine,
    PineconeAssistantQueryEngine,
    PineconeAssistantRetriever,
)
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import AuthenticationError, IncompleteStreamError
from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, SECRET, Ask, heard_by


class Recorder(BaseEventHandler):
    """Event handler that stores every event."""

    events: list[Any] = []  # noqa: RUF012 - pydantic copies it

    def handle(self, event: Any, **_: Any) -> None:
        """Store the event."""
        self.events.append(event)

    def names(self) -> list[str]:
        """Return the names of the events, without those in progress."""
        return [type(event).__name__ for event in self.events if "InProgress" not in type(event).__name__]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Handler of the instrumentation events."""
    with heard_by(Recorder()) as handler:
        yield handler


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Spans that OpenInference traces."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    LlamaIndexInstrumentor().uninstrument()
    provider.shutdown()


def debug() -> tuple[LlamaDebugHandler, CallbackManager]:
    handler = LlamaDebugHandler(print_trace_on_end=False)
    return handler, CallbackManager([handler])


def test_one_pair_of_callback_events_a_call(words: dict[str, Any], ask: Ask) -> None:
    handler, manager = debug()
    ask(PineconeAssistant(**words, callback_manager=manager), filter={"resource": "nursery"})
    ((start, end),) = handler.get_event_pairs(CBEventType.LLM)
    assert start.payload is not None
    assert start.payload[EventPayload.ADDITIONAL_KWARGS] == {"filter": {"resource": "nursery"}}
    response = EventPayload.RESPONSE if ask.method.endswith("chat") else EventPayload.COMPLETION
    assert end.payload is not None
    assert "3 meters" in str(end.payload[response])
    assert SECRET not in str(start.payload) + str(end.payload)


def test_one_token_event_a_call_with_the_counts_of_the_service(words: dict[str, Any], ask: Ask) -> None:
    handler = TokenCountingHandler(tokenizer=str.split)
    last = ask(PineconeAssistant(**words, callback_manager=CallbackManager([handler])))[-1]
    (event,) = handler.llm_token_counts
    assert last.raw is not None
    usage = last.raw["usage"]
    assert (event.prompt_token_count, event.completion_token_count) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )
    assert handler.total_llm_token_count == usage["total_tokens"]


@pytest.mark.usefixtures("thread_loop")
def test_tokens_are_estimated_where_the_service_does_not_count(
    words: dict[str, Any], ask: Ask, local: LocalAssistant
) -> None:
    handler = TokenCountingHandler(tokenizer=str.split)
    with local.faults.add(omit_usage=True):
        ask(PineconeAssistant(**words, callback_manager=CallbackManager([handler])))
    (event,) = handler.llm_token_counts
    assert event.completion_token_count > 5


def test_one_pair_of_instrumentation_events_a_call(llm: PineconeAssistant, ask: Ask, recorder: Recorder) -> None:
    ask(llm)
    kind = "Chat" if ask.method.endswith("chat") else "Completion"
    assert recorder.names() == [f"LLM{kind}StartEvent", f"LLM{kind}EndEvent"]
    assert SECRET not in str([event.model_dump() for event in recorder.events])


@pytest.mark.parametrize("method", ["predict", "structured_predict"])
def test_predict_and_its_kin_make_one_call(llm: PineconeAssistant, call: Any, recorder: Recorder, method: str) -> None:
    class Height(BaseModel):
        meters: int

    arguments = [PromptTemplate("How high is a red pine, in meters?")]
    call(llm, method, *([Height] if method == "structured_predict" else []), *arguments)
    names = recorder.names()
    outer = "StructuredPredict" if method == "structured_predict" else "Predict"
    assert names == [f"LLM{outer}StartEvent", "LLMChatStartEvent", "LLMChatEndEvent", f"LLM{outer}EndEvent"]


def test_an_error_ends_the_pair(words: dict[str, Any], ask: Ask) -> None:
    handler, manager = debug()
    with pytest.raises(AuthenticationError):
        ask(PineconeAssistant(**words | {"api_key": "wrong"}, callback_manager=manager))
    ((_, end),) = handler.get_event_pairs(CBEventType.LLM)
    assert end.payload is not None
    assert isinstance(end.payload[EventPayload.EXCEPTION], AuthenticationError)


def test_an_error_inside_a_stream_ends_the_pair(words: dict[str, Any], ask: Ask, local: LocalAssistant) -> None:
    if not ask.streams:
        return
    handler, manager = debug()
    with local.faults.add(cut_after_events=4), pytest.raises(IncompleteStreamError):
        ask(PineconeAssistant(**words, callback_manager=manager))
    ((_, end),) = handler.get_event_pairs(CBEventType.LLM)
    assert end.payload is not None
    assert isinstance(end.payload[EventPayload.EXCEPTION], IncompleteStreamError)


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")  # in OpenInference, which hides the failure
def test_openinference_traces_one_span_with_the_counts_and_no_key(
    llm: PineconeAssistant, ask: Ask, spans: InMemorySpanExporter
) -> None:
    last = ask(llm, strip_references=True)[-1]
    assert last.raw is not None
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert attributes["openinference.span.kind"] == "LLM"
    assert attributes["llm.token_count.prompt"] == last.raw["usage"]["prompt_tokens"]
    assert attributes["llm.token_count.completion"] == last.raw["usage"]["completion_tokens"]
    shown = json.dumps(attributes, default=str)
    assert SECRET not in shown
    assert "signature" not in shown, "no signed link"


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")  # in OpenInference, which hides the failure
def test_openinference_marks_a_failed_call(words: dict[str, Any], ask: Ask, spans: InMemorySpanExporter) -> None:
    with pytest.raises(AuthenticationError):
        ask(PineconeAssistant(**words | {"api_key": "wrong"}))
    assert [span.status.status_code.name for span in spans.get_finished_spans()] == ["ERROR"]


def test_a_tool_call_is_one_span(words: dict[str, Any], call: Any, spans: InMemorySpanExporter) -> None:
    """Before, there were two nested spans of the same name: one for the class and one for its base class."""
    tool = PineconeAssistantQueryEngine(**words).as_tool()
    assert "25 meters" in call(tool, "call", QUESTION).content
    names = [span.name.rpartition(".")[0] for span in spans.get_finished_spans()]
    assert names.count("PineconeAssistantTool") == 1


@pytest.fixture
def settings_handler() -> Iterator[LlamaDebugHandler]:
    """Set a handler for the whole process, like applications do."""
    handler, manager = debug()
    before = Settings._callback_manager
    Settings.callback_manager = manager
    yield handler
    Settings._callback_manager = before


VIEWS: dict[str, tuple[Any, Any, list[CBEventType]]] = {
    "query engine": (PineconeAssistantQueryEngine, "query", [CBEventType.QUERY, CBEventType.LLM]),
    "chat engine": (PineconeAssistantChatEngine, "chat", [CBEventType.LLM]),
    "retriever": (PineconeAssistantRetriever, "retrieve", [CBEventType.RETRIEVE]),
    "tool": (lambda llm: PineconeAssistantQueryEngine(llm).as_tool(), "call", [CBEventType.QUERY, CBEventType.LLM]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_set_for_the_process_hears_engines_over_an_llm_made_earlier(
    *, request: pytest.FixtureRequest, llm: PineconeAssistant, call: Any, name: str, words: dict[str, Any]
) -> None:
    view, method, events = VIEWS[name]
    over_it = view(llm)
    handler: LlamaDebugHandler = request.getfixturevalue("settings_handler")
    call(view(llm), method, QUESTION)
    assert [len(handler.get_event_pairs(event)) for event in events] == [1] * len(events)
    own, manager = debug()
    call(view(PineconeAssistant(**words, callback_manager=manager)), method, QUESTION)
    call(over_it, method, QUESTION)
    assert [len(own.get_event_pairs(event)) for event in events] == [1] * len(events), "its own is kept"
    assert [len(handler.get_event_pairs(event)) for event in events] == [1] * len(events)
    assert llm.callback_manager.handlers == [], "the LLM itself is as it was"


def test_an_engine_over_the_llm_of_another_looks_at_what_is_set_now(
    request: pytest.FixtureRequest, llm: PineconeAssistant, words: dict[str, Any]
) -> None:
    first = PineconeAssistantQueryEngine(**words)
    handler: LlamaDebugHandler = request.getfixturevalue("settings_handler")
    PineconeAssistantChatEngine(first.llm).chat(QUESTION)
    PineconeAssistantQueryEngine(PineconeAssistant(**words, callback_manager=None)).query(QUESTION)
    assert len(handler.get_event_pairs(CBEventType.LLM)) == 2
    assert PineconeAssistantQueryEngine(llm).llm is not llm
    handler.flush_event_logs()
