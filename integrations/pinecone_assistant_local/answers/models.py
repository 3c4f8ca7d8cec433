"""Models that write answers from passages: LangChain's chat models, LlamaIndex's LLMs, servers with OpenAI's API.

None of their libraries is imported: a model is known by its methods. All of them get the same prompt, with the
conversation before the question, so that "And how old?" is understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from .extracted import DECLINE
from .generated import FoundPassage, Write
from .requests import Turn

# About as much as a small model on a laptop can read; the best passages come first.
MAX_PASSAGES = 8
MAX_EARLIER_TURNS = 10

INSTRUCTION = f"""\
Answer the last question from the numbered passages, and from nothing else. Be brief, and use the language of the question.
After each statement, cite the passages that it rests on by their numbers in square brackets: [1] or [1, 3].
If the passages do not answer the question, write this sentence and nothing else: {DECLINE}"""

Message = tuple[str, str]
"""A role ("system", "user" or "assistant") and a text."""
Chat = Callable[[Sequence[Message]], Iterable[str]]
"""Sends messages to a model and yields the pieces of its answer."""


class LangChainModel(Protocol):
    """A chat model of LangChain, or a chain that takes messages."""

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Answer whole."""

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Answer in chunks."""


class LlamaIndexModel(Protocol):
    """An LLM of LlamaIndex."""

    def complete(self, *args: Any, **kwargs: Any) -> Any:
        """Answer whole."""

    def stream_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Answer in chunks."""


class ChatServer(Protocol):
    """A model behind an API that this package calls."""

    def stream_chat(self, messages: Sequence[Message]) -> Iterator[str]:
        """Answer in pieces of text."""


Function = Callable[[str, Sequence[FoundPassage]], "str | Iterable[str]"]
Generate = Function | LangChainModel | LlamaIndexModel | ChatServer


def writer_of(generate: Generate) -> Write:
    """Return a function that writes answers with the user's function or model.

    Raises:
        TypeError: It is neither a function nor a model.
    """
    chat = _chat_of(generate)
    if chat is not None:
        return lambda turns, _question, passages: chat(to_messages(turns, passages[:MAX_PASSAGES]))
    if callable(generate):
        return lambda _turns, question, passages: generate(question, passages)
    raise TypeError(
        "generate must be a function (question, passages) -> text, a LangChain chat model or a LlamaIndex LLM, not"
        f" {type(generate).__name__}"
    )


def to_messages(turns: Sequence[Turn], passages: Sequence[FoundPassage]) -> list[Message]:
    """The messages for a model: the instruction, the earlier turns, and the passages with the last turn."""
    *earlier, last = turns
    numbered = "\n\n".join(_numbered(passage) for passage in passages)
    return [
        ("system", INSTRUCTION),
        *((turn.role, turn.content) for turn in earlier[-MAX_EARLIER_TURNS:]),
        ("user", f"Passages:\n\n{numbered}\n\nQuestion: {last.content}"),
    ]


def _numbered(passage: FoundPassage) -> str:
    page = "" if passage.page is None else f", page {passage.page}"
    heading = f": {passage.heading}" if passage.heading else ""
    return f"[{passage.number}] ({passage.file_name}{page}{heading})\n{passage.text}"


def _chat_of(model: Any) -> Chat | None:
    if hasattr(model, "stream_complete"):
        return lambda messages: _stream_llama_index(model, messages)
    if hasattr(model, "stream") and hasattr(model, "invoke"):
        return lambda messages: _stream_langchain(model, messages)
    if hasattr(model, "stream_chat"):
        stream_chat: Chat = model.stream_chat
        return stream_chat
    return None


def _stream_langchain(model: LangChainModel, messages: Sequence[Message]) -> Iterator[str]:
    for chunk in model.stream(list(messages)):
        yield chunk if isinstance(chunk, str) else _text_of(chunk.content)


def _text_of(content: Any) -> str:
    """The text of a message's content, which is text or a list of blocks such as `{"type": "text", "text": ...}`."""
    if isinstance(content, str):
        return content
    blocks = (block if isinstance(block, str) else block.get("text") for block in content)
    return "".join(text for text in blocks if isinstance(text, str))


def _stream_llama_index(model: LlamaIndexModel, messages: Sequence[Message]) -> Iterator[str]:
    # As one text: LlamaIndex is not imported, so its message class is not available here, and every LLM completes texts.
    (_, instruction), *turns = messages
    prompt = "\n\n".join([instruction, *(f"{role.capitalize()}: {text}" for role, text in turns), "Assistant: "])
    try:
        responses = model.stream_complete(prompt, formatted=True)
    except NotImplementedError:
        yield str(model.complete(prompt, formatted=True).text)
        return
    for response in responses:
        yield response.delta or ""
