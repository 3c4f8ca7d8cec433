"""From a chat or context request to its answer: scripted, generated or extracted."""

from __future__ import annotations

import hashlib
import itertools
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import ServiceError
from ..search.questions import Question, QuestionReader
from ..search.retrieval import Retriever
from ..search.scoring import Hit
from ..store.files import StoredFile
from ..store.store import Store
from ..text.tokens import count_tokens
from ..text.words import Stems
from .extracted import DECLINE, compose_answer
from .generated import generate_pieces
from .json_answers import INSTRUCTION_WORDS, compose_json
from .json_schemas import split_schema
from .models import Generate, writer_of
from .pieces import Piece, snippet_text
from .rendering import bracketed_numbers
from .requests import ChatRequest, ContextRequest, Turn
from .scripted import Replies

_logger = logging.getLogger("pinecone_assistant_local")

EXTRACTED = "local-extractive"
GENERATED = "local-generate"

Wait = Callable[[Callable[[], Piece | None]], Awaitable[Piece | None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is ready to be sent.

    Attributes:
        id: 32 hexadecimal digits.
        model: The requested model name, and what really answered.
        pieces: Text and citations.
        prompt_tokens: Roughly what a model would have read.
        context_snippet_count: How many passages were found.
        wait: Runs what may take as long as a model does, off the event loop.
        is_generated: Whether the user's hook is still writing the pieces.
        taken_numbers: Numbers that appear in brackets in the quoted text and must not be the number of a file.
    """

    id: str
    model: str
    pieces: Iterable[Piece]
    prompt_tokens: int
    context_snippet_count: int
    wait: Wait = field(repr=False)
    is_generated: bool = False
    taken_numbers: frozenset[int] = frozenset()

    async def stream_pieces(self) -> AsyncIterator[Piece]:
        """The pieces as they come; the hook runs off the event loop."""
        if not self.is_generated:
            for piece in self.pieces:
                yield piece
            return
        iterator = iter(self.pieces)
        while (generated := await self.wait(lambda: _next_generated(iterator))) is not None:
            yield generated

    async def all_pieces(self) -> list[Piece]:
        """All pieces, once the answer is complete."""
        return [piece async for piece in self.stream_pieces()]


class Answerer:
    """Chat and context requests to answers.

    Args:
        store: Where scripted citations look for their files.
        retriever: Finds the passages.
        questions: Reads the questions.
        stems: Stems of words, for JSON answers.
        replies: The scripted answers, taken first.
        generate: A function or model that writes the answers; with None, sentences are extracted.
        wait: Runs what may take as long as a model does, off the event loop.
    """

    def __init__(
        self,
        *,
        store: Store,
        retriever: Retriever,
        questions: QuestionReader,
        stems: Stems,
        replies: Replies,
        generate: Generate | None,
        wait: Wait,
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._questions = questions
        self._stems = stems
        self._replies = replies
        self._write = None if generate is None else writer_of(generate)
        self._wait = wait

    def answer(self, assistant: str, request: ChatRequest, answer_id: str) -> Answer:
        """The answer to a chat request.

        Raises:
            ServiceError: 400 if the assistant has no file that could be searched.
        """
        asked_tokens = sum(count_tokens(turn.content) for turn in request.messages)
        model = f"{request.model}@{EXTRACTED}"
        reply = self._replies.next()
        if reply is not None:
            scripted = reply.to_pieces(lambda name: self._file_of_name(assistant, name))
            return Answer(answer_id, model, scripted, asked_tokens, 0, self._wait)
        self._require_available_file(assistant)
        schema, question = None, None
        if request.json_response:
            earlier, last = _user_turns(request.messages)
            schema, text = split_schema(last)
            question = self._questions.read(text, earlier, ignore=INSTRUCTION_WORDS, expects_one_kind=schema is None)
        else:
            question = self._question_of(request.messages)
        top_k = request.context_options.top_k
        hits = self._retriever.search(assistant, question, request.condition, top_k)
        texts = [snippet_text(hit, request.context_options.snippet_size) for hit in hits]
        prompt_tokens = asked_tokens + sum(count_tokens(text) for text in texts)
        if request.json_response:
            around = hits or self._retriever.first(assistant, request.condition, top_k)
            pieces = compose_json(self._stems, schema, hits, around)
        elif self._write is not None and hits:
            generated = generate_pieces(self._write, request.messages, question.text, hits)
            model = f"{request.model}@{GENERATED}"
            taken = bracketed_numbers(hit.body for hit in hits)
            return Answer(
                answer_id,
                model,
                generated,
                prompt_tokens,
                len(hits),
                self._wait,
                is_generated=True,
                taken_numbers=taken,
            )
        else:
            pieces = compose_answer(hits) if self._write is None else [DECLINE]
        taken = bracketed_numbers(piece for piece in pieces if isinstance(piece, str))
        return Answer(answer_id, model, pieces, prompt_tokens, len(hits), self._wait, taken_numbers=taken)

    def context(self, assistant: str, request: ContextRequest) -> list[Hit]:
        """The passages for a context request.

        Raises:
            ServiceError: 400 if the assistant has no file that could be searched.
        """
        self._require_available_file(assistant)
        question = self._question_of(request.messages)
        return self._retriever.search(assistant, question, request.condition, request.options.top_k)

    def _question_of(self, messages: Sequence[Turn]) -> Question:
        earlier, last = _user_turns(messages)
        return self._questions.read(last, earlier)

    def _require_available_file(self, assistant: str) -> None:
        if not self._store.files.has_available(assistant):
            raise ServiceError(
                400, "FAILED_PRECONDITION", f'Assistant "{assistant}" has no available files: upload a file first.'
            )

    def _file_of_name(self, assistant: str, name: str) -> StoredFile:
        """The file that a scripted citation names; a file that was never uploaded is made up, the same every time."""
        found = self._store.files.by_name(assistant, name)
        if found is not None:
            return found
        file_id = str(uuid.UUID(hashlib.sha256(f"{assistant}/{name}".encode()).hexdigest()[:32]))
        return StoredFile(0, assistant, file_id, name, 0, None, False, "Available", None, 0, 0, 0)


def _next_generated(pieces: Iterator[Piece]) -> Piece | None:
    """The next piece that the user's hook writes; None at its end. An exception of the hook becomes a ServiceError."""
    try:
        return next(pieces, None)
    except ServiceError:
        raise
    except Exception as error:
        _logger.exception("the generate hook failed")
        message = f"The generate hook failed: {type(error).__name__}."
        raise ServiceError(500, "INTERNAL", message) from error


def _user_turns(messages: Sequence[Turn]) -> tuple[list[str], str]:
    """The earlier user turns and the last one; without a user turn, the last message is the question."""
    turns = [turn.content for turn in messages if turn.role == "user"] or [messages[-1].content]
    return turns[:-1], turns[-1]


class AnswerIds:
    """Identifiers of answers, 32 hexadecimal digits: the same for equal requests in equal order, and never used twice.

    A repeated question gets a new identifier, because frameworks treat messages with equal identifiers as one message.
    """

    def __init__(self) -> None:
        self._count = itertools.count()

    def next(self, path: str, body: bytes) -> str:
        """The identifier for the answer to this request."""
        return hashlib.sha256(b"%d %s\n%s" % (next(self._count), path.encode(), body)).hexdigest()[:32]

    def clear(self) -> None:
        """Start anew."""
        self._count = itertools.count()
