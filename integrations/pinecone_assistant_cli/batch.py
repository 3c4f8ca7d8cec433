"""`batch`: answers the questions of a JSONL file into another one; a second run continues where the first one stopped.

No question may be billed twice, and no answer may be lost. So each answer is written and flushed as soon as it arrives,
and a run first reads the existing answers and skips their questions. If the process is killed, only the answers in progress
are lost.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from pinecone_assistant_client import (
    APIConnectionError,
    AssistantError,
    AsyncAssistantClient,
    Message,
    RateLimitError,
    StreamError,
    validate_filter,
)

from . import connection
from .asking import citations_to_json, usage_to_json
from .progress import bar
from .rate_limits import RateLimit
from .terminal import fail, say, to_json_line, to_line
from .wording import to_words

_RESULT = frozenset({"answer", "citations", "usage", "answer_model", "error"})
"""Keys of a result. They are not copied from an input line, which may be an answer of an earlier run."""
_LONG_SECONDS = 60
"""A wait after a 429 that is longer is announced; the client announces shorter ones."""


def batch(
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS", help='JSONL: {"id", "question", "filter"?, "model"?, ...}.')
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSONL with the answers; continued if it exists.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Questions at once.")] = 8,
    retry_unclear: Annotated[
        bool,
        typer.Option("--retry-unclear", help="Ask again also where an answer may have been billed but did not arrive."),
    ] = False,
    assistant: connection.Assistant = None,
) -> None:
    """Answer many questions; a run that was stopped is continued by the same command.

    \b
    Example:
      pinecone-assistant batch questions.jsonl -o answers.jsonl --concurrency 16
    """
    if not questions.is_file():  # it is read twice: once to check it, once to ask
        reason = "is not a regular file: name one, because it is read twice" if questions.exists() else "does not exist"
        raise fail(f"{questions} {reason}", 2)
    if output.exists() and not output.is_file():
        raise fail(f"{output} is not a regular file: name one, because the next run continues from its contents", 2)
    if output.exists() and output.samefile(questions):
        raise fail(f"{output} is the file with the questions: name another one for the answers", 2)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(Ledger()))
        total = ledger.read_questions(questions)
        client = connection.async_client(assistant, max_retries=4)
        answers = stack.enter_context(_open_answers(output))
        ledger.read_answers(answers, output)
        todo = ledger.count_todo(retry_unclear=retry_unclear)
        say(f"{total} questions, {total - todo} of them done: asking {todo}.")
        try:
            counts = asyncio.run(
                _Run(client, ledger, answers, retry_unclear).ask_all(read_lines(questions), todo, concurrency)
            )
        except OSError as error:
            with suppress(OSError):
                answers.close()
            raise fail(
                f"{output} cannot be written ({error}): make room for it and run the same command again, which asks what"
                f" is missing. At most {concurrency} answers were lost; they may be billed"
            ) from error
        unclear = ledger.count_unclear()
    if counts.first_error:
        say(f"The first error: {counts.first_error}")
    say(f"{counts.answered} answered, {counts.failed} failed, {counts.tokens} tokens; the answers are in {output}.")
    if unclear and not retry_unclear:
        say(
            f"{unclear} answers may have been billed but did not arrive: their questions are asked again only "
            "with --retry-unclear."
        )
    if counts.is_stopped:
        raise typer.Exit(130)
    if counts.failed or unclear:
        raise typer.Exit(1)


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSONL file with their line numbers; blank lines are passed over.

    Raises:
        typer.Exit: With 2, for a line that is not a JSON object.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise fail(f"{path}, line {number} is not UTF-8: save the file as UTF-8", 2) from error
            except (ValueError, RecursionError) as error:
                raise fail(f"{path}, line {number} is not JSON: {error}", 2) from error
            if not isinstance(value, dict):
                raise fail(f"{path}, line {number} is not a JSON object", 2)
            yield number, value


class Ledger:
    """The questions of a run and their states.

    Kept in a temporary SQLite database, which goes to disk above 2 MB, so that memory does not grow with the questions.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("CREATE TABLE questions (id TEXT PRIMARY KEY, line INTEGER, state TEXT) WITHOUT ROWID")

    def read_questions(self, path: Path) -> int:
        """Check every line before anything is asked; return the number of questions.

        Raises:
            typer.Exit: With 2, for a line without an id or a question, a wrong filter, a repeated id, or a value that cannot
                be written into the answers.
        """
        count = 0
        self._connection.execute("BEGIN")
        for number, row in read_lines(path):
            where = f"{path}, line {number}"
            if not isinstance(row.get("id"), (str, int)) or isinstance(row["id"], bool) or row["id"] == "":
                raise fail(f'{where} has no "id" that is text or a whole number', 2)
            if not isinstance(row.get("question"), str) or not row["question"].strip():
                raise fail(f'{where} has no "question"', 2)
            if row.get("model") is not None and not isinstance(row["model"], str):
                raise fail(f'{where}: "model" is not text', 2)
            if not _is_writable(row):
                raise fail(f"{where} has a number that is not JSON, such as NaN: use null", 2)
            try:
                validate_filter(row.get("filter"))
            except AssistantError as error:
                raise fail(f"{where}: {to_words(error)}", 2) from error
            try:
                self._connection.execute("INSERT INTO questions VALUES (?, ?, 'todo')", (to_key(row["id"]), number))
            except sqlite3.IntegrityError:
                (first,) = self._connection.execute(
                    "SELECT line FROM questions WHERE id = ?", (to_key(row["id"]),)
                ).fetchone()
                raise fail(f"{where} has the id of line {first}: {row['id']!r}; ids must differ", 2) from None
            count += 1
        self._connection.execute("COMMIT")
        if not count:
            raise fail(f"{path} has no questions", 2)
        return count

    def read_answers(self, answers: IO[bytes], path: Path) -> None:
        """Read the answers of an earlier run, and cut off a last line that is incomplete because the run was killed.

        If an id has several lines, the last one counts. A last line that only lacks its line break is kept: it is a whole
        answer, and asking its question again would bill it twice.

        Raises:
            typer.Exit: With 2, and the file is as it was, for a line that this command did not write.
        """
        self._connection.execute("BEGIN")
        answers.seek(0)
        end = 0
        last = b""
        for number, line in enumerate(answers, start=1):
            if not line.endswith(b"\n") and _is_torn(line):
                say(f"The last line of {path} was not written to its end, and is cut off: the question is asked again.")
                break
            end, last = end + len(line), line
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                key = to_key(row["id"])
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise fail(f"{path}, line {number} is not an answer of this command: name another file", 2) from error
            self.set_state(key, _state_of(row))
        self._connection.execute("COMMIT")
        answers.seek(end)
        answers.truncate()
        if end and not last.endswith(b"\n"):
            answers.write(b"\n")

    def set_state(self, key: str, state: str) -> None:
        """Set the state of a question: done, failed or unclear."""
        self._connection.execute("UPDATE questions SET state = ? WHERE id = ?", (state, key))

    def is_todo(self, key: str, *, retry_unclear: bool) -> bool:
        """Return whether a question is to be asked."""
        (state,) = self._connection.execute("SELECT state FROM questions WHERE id = ?", (key,)).fetchone()
        return state in ("todo", "failed") or (retry_unclear and state == "unclear")

    def count_todo(self, *, retry_unclear: bool) -> int:
        """Return how many questions are to be asked."""
        states = ("todo", "failed", "unclear" if retry_unclear else "todo")
        (count,) = self._connection.execute(
            "SELECT count(*) FROM questions WHERE state IN (?, ?, ?)", states
        ).fetchone()
        return int(count)

    def count_unclear(self) -> int:
        """Return how many questions may have been answered, but the answer did not arrive."""
        (count,) = self._connection.execute("SELECT count(*) FROM questions WHERE state = 'unclear'").fetchone()
        return int(count)

    def close(self) -> None:
        """Remove the database."""
        self._connection.close()


def to_key(identifier: object) -> str:
    """Return an id as text that keeps 1 and "1" apart."""
    return json.dumps(identifier)


def _is_writable(row: dict[str, Any]) -> bool:
    """Return whether a row can be carried into the answers as JSON. Python reads NaN and 1e999; what it writes is not JSON."""
    try:
        json.dumps(row, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _is_torn(line: bytes) -> bool:
    """Return whether a line without its line break is only the beginning of an answer. A crashed machine may leave zeros.

    Otherwise it is a whole answer, or a line of a file that is not of this command and must not be cut.
    """
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line[:2] in (b"{", b'{"') or not line.strip(b"\0")
    return False


def _state_of(row: dict[str, Any]) -> str:
    error = row.get("error")
    if error is None:
        return "failed" if row.get("answer") is None else "done"
    return "unclear" if isinstance(error, dict) and error.get("may_have_been_processed") else "failed"


@dataclass
class _Counts:
    answered: int = 0
    failed: int = 0
    tokens: int = 0
    first_error: str = ""
    is_stopped: bool = False


class _Run:
    """One run over the questions."""

    def __init__(
        self,
        client: AsyncAssistantClient,
        ledger: Ledger,
        answers: IO[bytes],
        retry_unclear: bool,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._answers = answers
        self._retry_unclear = retry_unclear
        self._counts = _Counts()
        self._held: set[asyncio.Task[Any]] = set()
        self._sleep = sleep
        self._limit = RateLimit(clock=clock, sleep=self._sleep_unless_stopped, on_longer=_announce)

    async def ask_all(self, rows: Iterator[tuple[int, dict[str, Any]]], total: int, concurrency: int) -> _Counts:
        """Ask the remaining questions, `concurrency` at a time; the first Ctrl-C lets running ones finish."""
        loop = asyncio.get_running_loop()
        workers: list[asyncio.Task[None]] = []

        def stop() -> None:
            if self._counts.is_stopped:
                for worker in workers:
                    worker.cancel()
                return
            self._counts.is_stopped = True
            for held in self._held:
                held.cancel()
            say("Waiting for the answers that are under way. Ctrl-C again drops them; they may be billed all the same.")

        handled = _handle_interrupts(loop, stop)
        try:
            with bar("{task.fields[tokens]} tokens") as progress:
                task = progress.add_task("Asking", total=total, tokens=0)

                async def work() -> None:
                    for _, row in rows:  # one iterator for all workers: nothing is read ahead
                        if self._ledger.is_todo(to_key(row["id"]), retry_unclear=self._retry_unclear):
                            await self._ask(row)
                            progress.update(task, advance=1, tokens=self._counts.tokens)
                        if self._counts.is_stopped:
                            return

                async with self._client:
                    workers += [asyncio.create_task(work()) for _ in range(concurrency)]
                    results = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            if handled:
                loop.remove_signal_handler(signal.SIGINT)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return self._counts

    async def _ask(self, row: dict[str, Any]) -> None:
        carried = {name: value for name, value in row.items() if name not in _RESULT}
        try:
            answer = await self._answer(row)
        except AssistantError as error:
            self._counts.failed += 1
            unclear = isinstance(error, StreamError) or (
                isinstance(error, APIConnectionError) and error.may_have_been_processed
            )
            message = to_line(to_words(error))
            self._counts.first_error = self._counts.first_error or f"{to_line(str(row['id']))}: {message}"
            failure = {"type": type(error).__name__, "message": message, "may_have_been_processed": unclear}
            self._write({**carried, "error": failure})
            return
        self._counts.answered += 1
        usage = usage_to_json(answer.usage)
        self._counts.tokens += usage["total_tokens"] if usage else 0
        result = {"answer": answer.content, "citations": citations_to_json(answer.citations), "usage": usage}
        self._write({**carried, **result, "answer_model": answer.model})

    async def _answer(self, row: dict[str, Any]) -> Any:
        """Return the answer of the service."""
        return await self._limit.call(
            lambda: self._client.answer(
                [Message("user", row["question"])],
                interface="standard",
                filter=row.get("filter"),
                model=row.get("model"),
                strip_references=True,
                on_retry=self._hold_back,
            )
        )

    async def _sleep_unless_stopped(self, seconds: float) -> None:
        """Wait for the end of a 429's delay. A run that is stopped leaves the question to the next run."""
        task = asyncio.current_task()
        if self._counts.is_stopped or task is None:
            raise asyncio.CancelledError
        self._held.add(task)
        try:
            await self._sleep(seconds)
        finally:
            self._held.discard(task)

    async def _hold_back(self, state: Any) -> None:
        error = state.outcome.exception()
        if isinstance(error, RateLimitError):
            self._limit.hold(state.upcoming_sleep)

    def _write(self, result: dict[str, Any]) -> None:
        self._answers.write(to_json_line(result).encode())
        self._answers.flush()
        self._ledger.set_state(to_key(result["id"]), _state_of(result))


def _announce(seconds: float) -> None:
    if seconds > _LONG_SECONDS:
        say(f"The service asks to wait {seconds:,.0f} s (429). Ctrl-C ends the run; the next one continues.")


def _handle_interrupts(loop: asyncio.AbstractEventLoop, stop: Any) -> bool:
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError):  # Windows has none: Ctrl-C ends the run at once
        return False
    return True


def _open_answers(path: Path) -> IO[bytes]:
    """Open the answers for reading and appending; a second run on the same file at the same time is refused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("r+b" if path.exists() else "x+b")
    except OSError as error:
        raise fail(f"{path} cannot be written ({error}): name another file", 2) from error
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass
    except OSError as error:
        file.close()
        raise fail(f"another run is writing to {path}: wait for it, or name another file", 2) from error
    return file
