"""Memory of the chat engine: what it stores and when, and that users' conversations stay separate."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from llama_index.core.base.llms.types import ImageBlock
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer, Memory, SimpleComposableMemory

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine
from llama_index.llms.pinecone_assistant import PineconeAssistant
from pinecone_assistant_client import IncompleteStreamError, InternalServerError, InvalidRequestError
from pinecone_assistant_local import LocalAssistant

from ..conftest import QUESTION, EndlessStream, bodies, run

Turn = Callable[..., str]
ANSWER = "25 meters."
GREETING = [ChatMessage("Hi."), ChatMessage("Hello, I know trees.", role=MessageRole.ASSISTANT)]
SALARY = "My salary is 4,321."


@pytest.fixture
def local(local: LocalAssistant) -> LocalAssistant:
    """A local assistant with short answers."""
    local.reply(ANSWER)
    return local


@pytest.fixture(params=["whole", "streamed"])
def turn(request: pytest.FixtureRequest, is_async: bool) -> Turn:
    """Return `turn`: `turn(engine, text, chat_history)` returns the answer's text, whole and streamed, sync and async."""
    is_streamed = request.param == "streamed"

    def turn(engine: PineconeAssistantChatEngine, *arguments: Any) -> str:
        if not is_async:
            if is_streamed:
                return "".join(engine.stream_chat(*arguments).response_gen)
            return str(engine.chat(*arguments))

        async def wait() -> str:
            if not is_streamed:
                return str(await engine.achat(*arguments))
            response = await engine.astream_chat(*arguments)
            return "".join([text async for text in response.async_response_gen()])

        return run(wait())

    return turn


@pytest.fixture
def engine(words: dict[str, Any]) -> PineconeAssistantChatEngine:
    """An engine with default options."""
    return PineconeAssistantChatEngine(**words)


def texts(engine: PineconeAssistantChatEngine) -> list[str | None]:
    return [message.content for message in engine.chat_history]


def sent(local: LocalAssistant) -> list[str]:
    """Return the texts of the last request."""
    return [message["content"] for message in bodies(local)[-1]["messages"]]


def test_a_greeting_that_is_shared_collects_nothing(words: dict[str, Any], turn: Turn, local: LocalAssistant) -> None:
    """Before, turns were appended to the caller's list: one user's salary was sent with the next user's question."""
    before = copy.deepcopy(GREETING)
    make = PineconeAssistantChatEngine
    ways: list[Callable[[], PineconeAssistantChatEngine]] = [
        lambda: make(**words),
        lambda: make(**words, chat_history=GREETING),
        lambda: make.from_defaults(**words, chat_history=GREETING),
        lambda: make(**words, memory=ChatMemoryBuffer.from_defaults(GREETING, token_limit=300)),
        lambda: make(**words, memory=ChatSummaryMemoryBuffer.from_defaults(GREETING)),
        lambda: make(**words, memory=SimpleComposableMemory.from_defaults(ChatMemoryBuffer.from_defaults(GREETING))),
    ]
    for way in ways:
        one, two = way(), way()
        history = [] if one.chat_history else [GREETING]
        turn(one, SALARY, *history)
        turn(two, QUESTION, *history)
        assert sent(local) == ["Hi.", "Hello, I know trees.", QUESTION]
        assert before == GREETING


def test_an_application_that_keeps_its_own_list_sends_each_turn_once(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant
) -> None:
    """Before, it sent 1, 5 and 9 messages."""
    mine: list[ChatMessage] = []
    for number in range(3):
        answer = turn(engine, f"Question {number}?", mine)
        mine += [ChatMessage(f"Question {number}?"), ChatMessage(answer, role=MessageRole.ASSISTANT)]
    assert [len(body["messages"]) for body in bodies(local)] == [1, 3, 5]
    assert engine.chat_history == mine


def test_a_tuple_is_a_history(engine: PineconeAssistantChatEngine, turn: Turn, words: dict[str, Any]) -> None:
    """Before, the turn was billed and then lost to an AttributeError."""
    assert turn(engine, QUESTION, tuple(GREETING)) == ANSWER
    assert texts(engine) == ["Hi.", "Hello, I know trees.", QUESTION, ANSWER]
    assert len(PineconeAssistantChatEngine(**words, chat_history=tuple(GREETING)).chat_history) == 2


def test_messages_are_copied_in_and_out(engine: PineconeAssistantChatEngine, turn: Turn) -> None:
    mine = [ChatMessage("Hi.", additional_kwargs={"a": [1]})]
    turn(engine, QUESTION, mine)
    mine[0].content = "changed"
    mine[0].additional_kwargs["a"].append(2)
    mine.clear()
    engine.chat_history[0].content = "changed"
    engine.chat_history.clear()
    assert texts(engine) == ["Hi.", QUESTION, ANSWER]
    assert engine.chat_history[0].additional_kwargs == {"a": [1]}


def test_a_history_that_is_changed_while_its_turn_streams_is_what_it_was(
    engine: PineconeAssistantChatEngine,
) -> None:
    mine = [ChatMessage("Hi.")]
    stream = engine.stream_chat(QUESTION, mine)
    mine.append(ChatMessage("More."))
    assert "".join(stream.response_gen) == ANSWER
    assert texts(engine) == ["Hi.", QUESTION, ANSWER]


Failure = tuple[dict[str, Any], list[Any], type[Exception]]
FAILURES: dict[str, Failure] = {
    "503": ({"status": 503}, [QUESTION, GREETING], InternalServerError),
    "503 without a history": ({"status": 503}, [QUESTION], InternalServerError),
    "a cut answer": ({"cut_after_events": 1}, [QUESTION, GREETING], IncompleteStreamError),
    "a tool message": ({}, [QUESTION, [ChatMessage("x", role=MessageRole.TOOL)]], InvalidRequestError),
    "an image": ({}, [QUESTION, [ChatMessage(blocks=[ImageBlock(url="https://a.example")])]], InvalidRequestError),
    "an empty question": ({}, [" ", GREETING], InvalidRequestError),
    "an empty question without a history": ({}, [""], InvalidRequestError),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_turn_that_fails_leaves_the_memory_as_it_was(
    *, words: dict[str, Any], turn: Turn, failure: str, local: LocalAssistant
) -> None:
    """Before, it replaced the earlier conversation."""
    engine = PineconeAssistantChatEngine(**words, max_retries=0)
    turn(engine, "First?")
    fault, arguments, error = FAILURES[failure]
    with local.faults.add(**fault) if fault else nullcontext(), pytest.raises(error):
        turn(engine, *arguments)
    assert texts(engine) == ["First?", ANSWER]
    turn(engine, QUESTION)
    assert sent(local) == ["First?", ANSWER, QUESTION]


def test_a_summary_that_fails_leaves_the_memory_as_it_was(
    *, words: dict[str, Any], turn: Turn, local: LocalAssistant
) -> None:
    """The memory takes messages out of its store before it asks for their summary. The conversation was lost."""
    llm = PineconeAssistant(**words, max_retries=0)
    memory = ChatSummaryMemoryBuffer.from_defaults(GREETING, llm=llm, token_limit=8)
    engine = PineconeAssistantChatEngine(**words, memory=memory)
    with local.faults.add(status=503), pytest.raises(InternalServerError):
        turn(engine, QUESTION)
    assert texts(engine) == ["Hi.", "Hello, I know trees."]


def test_an_answer_without_text_leaves_the_memory_as_it_was(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant
) -> None:
    turn(engine, "First?")
    local.reply(" ", times=1)
    turn(engine, QUESTION, GREETING)
    assert texts(engine) == ["First?", ANSWER]


@pytest.mark.parametrize("how", ["left", "never read", "closed"])
def test_an_abandoned_stream_leaves_the_memory_as_it_was(
    *, words: dict[str, Any], is_async: bool, how: str, local: LocalAssistant
) -> None:
    local.reply("One two three.")
    engine = PineconeAssistantChatEngine(**words, chat_history=GREETING)
    if is_async:

        async def leave() -> None:
            texts = (await engine.astream_chat(QUESTION, [ChatMessage("Other.")])).async_response_gen()
            if how != "never read":
                await anext(texts)
            await texts.aclose()

        run(leave())
    else:
        texts_of_it = engine.stream_chat(QUESTION, [ChatMessage("Other.")]).response_gen
        if how != "never read":
            next(texts_of_it)
        if how != "left":
            texts_of_it.close()
        del texts_of_it
    assert engine.chat_history == GREETING


def test_a_cancelled_stream_leaves_the_memory_as_it_was(words: dict[str, Any], endless: EndlessStream) -> None:
    engine = PineconeAssistantChatEngine(**words | {"host": endless.host}, interface="openai", chat_history=GREETING)

    async def cancel() -> None:
        is_reading = asyncio.Event()

        async def read() -> None:
            async for _ in (await engine.astream_chat(QUESTION, [ChatMessage("Other.")])).async_response_gen():
                is_reading.set()

        task = asyncio.create_task(read())
        await is_reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(cancel())
    assert engine.chat_history == GREETING


def test_a_history_is_cut_to_the_context_window_as_a_memory_is(
    words: dict[str, Any], turn: Turn, local: LocalAssistant
) -> None:
    long = [ChatMessage(f"Word {number} " * 8) for number in range(20)]
    engine = PineconeAssistantChatEngine(**words, context_window=200)
    turn(engine, QUESTION, long)
    assert len(str(sent(local))) < 1000
    assert len(engine.chat_history) == 22, "all of it is remembered"
    turn(engine, QUESTION)
    assert len(str(sent(local))) < 1000


COPIES: dict[str, Callable[[PineconeAssistantChatEngine], PineconeAssistantChatEngine]] = {
    "with_filters": lambda engine: engine.with_filters({"resource": "nursery"}),
    "with_filters of none": lambda engine: engine.with_filters(None),
    "with_options": lambda engine: engine.with_options(filter={"resource": "nursery"}, temperature=0),
    "with_options of no filter": lambda engine: engine.with_options(filter=None),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_with_another_filter_has_a_memory_of_its_own(
    words: dict[str, Any], turn: Turn, how: str, local: LocalAssistant
) -> None:
    """Before, one user's answers were sent with the next user's question."""
    engine = PineconeAssistantChatEngine(**words, chat_history=GREETING)
    turn(engine, SALARY)
    twin = COPIES[how](engine)
    assert twin.chat_history == GREETING
    turn(twin, QUESTION)
    assert SALARY not in str(bodies(local)[-1])
    assert QUESTION not in str(engine.chat_history)
    turn(engine, "And?")
    assert QUESTION not in str(bodies(local)[-1])
    twin.reset()
    assert len(engine.chat_history) == 6


@pytest.mark.parametrize("memory", [ChatMemoryBuffer.from_defaults(token_limit=77), Memory.from_defaults()])
def test_a_copy_with_another_filter_leaves_a_given_memory_alone(words: dict[str, Any], memory: Any) -> None:
    engine = PineconeAssistantChatEngine(**words, memory=memory)
    twin = engine.with_filters({"resource": "nursery"})
    twin.chat(QUESTION)
    assert len(twin.chat_history) == 2
    if isinstance(memory, ChatMemoryBuffer):
        assert memory.get_all() == []
        assert isinstance(twin._memory, ChatMemoryBuffer)
        assert twin._memory.token_limit == 77, "of the same size"
    own = ChatMemoryBuffer.from_defaults(token_limit=99)
    assert engine.with_options(filter=None, memory=own)._memory is own


def test_a_copy_with_other_options_goes_on_with_the_conversation(
    engine: PineconeAssistantChatEngine, turn: Turn, local: LocalAssistant
) -> None:
    turn(engine, QUESTION)
    turn(engine.with_options(model="gpt-4.1"), "And?")
    assert sent(local) == [QUESTION, ANSWER, "And?"]
    assert len(engine.chat_history) == 4
    with pytest.raises(InvalidRequestError, match="memory is a list"):
        engine.with_options(memory=[])


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_deep_copy_has_the_conversation_and_goes_its_own_way(
    engine: PineconeAssistantChatEngine, turn: Turn, how: str
) -> None:
    turn(engine, QUESTION)
    twin = copy.deepcopy(engine) if how == "deepcopy" else pickle.loads(pickle.dumps(engine))
    turn(twin, "And?")
    assert (len(engine.chat_history), len(twin.chat_history)) == (2, 4)


def test_two_engines_over_one_llm_are_two_conversations(llm: PineconeAssistant, turn: Turn) -> None:
    one, two = PineconeAssistantChatEngine(llm), PineconeAssistantChatEngine.from_defaults(llm)
    turn(one, SALARY)
    assert two.chat_history == []


def test_from_defaults_takes_the_names_of_llama_indexs_engines(
    words: dict[str, Any], llm: PineconeAssistant, turn: Turn, local: LocalAssistant
) -> None:
    engine = PineconeAssistantChatEngine.from_defaults(llm=llm, chat_history=GREETING, system_prompt="Be brief.")
    turn(engine, QUESTION)
    assert sent(local) == ["Be brief.\n\nHi.", "Hello, I know trees.", QUESTION]
    assert llm.system_prompt is None, "the LLM is as it was"
    turn(PineconeAssistantChatEngine.from_defaults(**words, system_prompt="Be long."), QUESTION)
    assert sent(local) == [f"Be long.\n\n{QUESTION}"]
    memory = ChatMemoryBuffer.from_defaults(GREETING, token_limit=300)
    turn(PineconeAssistantChatEngine.from_defaults(llm, memory=memory, filters={"year": 2024}), QUESTION)
    assert len(memory.get_all()) == 4
    assert bodies(local)[-1]["filter"] == {"year": 2024}
    made = PineconeAssistantChatEngine.from_defaults(llm, chat_history=GREETING, memory_cls=ChatMemoryBuffer)
    assert made.chat_history == GREETING


def test_from_defaults_names_what_it_does_not_take(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="PineconeAssistantChatEngine has no option 'prefix_messages'"):
        PineconeAssistantChatEngine.from_defaults(**words, prefix_messages=[])
    with pytest.raises(InvalidRequestError, match="memory= or chat_history=, not both"):
        PineconeAssistantChatEngine.from_defaults(
            **words, chat_history=GREETING, memory=ChatMemoryBuffer.from_defaults(token_limit=300)
        )
    with pytest.raises(InvalidRequestError, match="chat_history is a str"):
        PineconeAssistantChatEngine(**words, chat_history="Hi.")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(InvalidRequestError, match=r"chat_history\[0\] is a str"):
        PineconeAssistantChatEngine(**words, chat_history=["Hi."])  # type: ignore[list-item]  # the mistake
