"""`chat`, as its user sees it: a process of its own in a pseudo-terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType

import pytest

from pinecone_assistant_local import LocalAssistant

from .conftest import DATA

pty = pytest.importorskip("pty", reason="pseudo-terminals are a POSIX thing")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SECONDS = 30.0


class Terminal:
    """The chat in a pseudo-terminal, with the assistant from the environment."""

    def __init__(self, environment: dict[str, str], *, columns: int = 200) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PINECONE_")}
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", "chat"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=kept | {"TERM": "xterm", "COLUMNS": str(columns)} | environment,
            start_new_session=True,
        )
        os.close(slave)
        self._read = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, line: str) -> None:
        """Type a line at the prompt."""
        self.expect("You: ")
        os.write(self._master, f"{line}\n".encode())
        self.expect("\n")  # the terminal's echo

    def expect(self, text: str) -> str:
        """Wait for a text, and return the output up to and including it."""
        end = time.monotonic() + SECONDS
        while text not in self._read:
            assert self.is_readable(max(0.0, end - time.monotonic())), f"{text!r} did not come after {self._read!r}"
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux: the other end is closed
                data = b""
            assert data, f"the chat ended without {text!r}; on the screen was {self._read!r}"
            self._read = self._read + ESCAPE.sub("", data.decode()).replace("\r\n", "\n")
        shown, _, self._read = self._read.partition(text)
        return shown + text

    def is_readable(self, seconds: float) -> bool:
        """Whether the chat writes something within so many seconds."""
        return bool(select.select([self._master], [], [], seconds)[0])

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end_input(self) -> None:
        """Press Ctrl-D."""
        os.write(self._master, b"\x04")

    def quit(self) -> None:
        """Leave, and check that the chat ends normally."""
        self.type("/quit")
        assert self.process.wait(SECONDS) == 0


@pytest.fixture
def chat(local_assistant: LocalAssistant) -> Iterator[Terminal]:
    """The chat with an assistant that the test scripts."""
    with Terminal(local_assistant.environ) as terminal:
        yield terminal


def bodies(local: LocalAssistant) -> list[dict[str, object]]:
    """Return the questions asked so far."""
    return [record.body for record in local.requests if isinstance(record.body, dict)]


def test_a_question_is_answered_with_footnotes_and_filters_decide(local_assistant: LocalAssistant) -> None:
    for name, resource in (("red_pine.md", "encyclopedia"), ("red_pine_nursery.md", "nursery"), ("honey_bee.md", "x")):
        local_assistant.upload(DATA / name, metadata={"resource": resource})
    with Terminal(local_assistant.environ) as chat:
        chat.type("What is the maximum height of a red pine?")
        answer = chat.expect("[2] red_pine_nursery.md")
        assert "43.8 meters [1]." in answer
        assert "[1] red_pine.md\n" in answer
        chat.type('/filter {"resource": "nursery"}')
        chat.type("What is the maximum height of a red pine?")
        answer = chat.expect("[1] red_pine_nursery.md\n")
        assert "3 meters" in answer
        assert "43.8" not in answer
        chat.type("/files")
        chat.expect("honey_bee.md")
        chat.quit()


@pytest.mark.parametrize("word", ["exit", "quit", "/exit", "Quit"])
def test_the_words_that_people_type_leave(chat: Terminal, word: str) -> None:
    chat.type(word)
    assert chat.process.wait(SECONDS) == 0


def test_words_do_not_break_in_the_middle(local_assistant: LocalAssistant) -> None:
    words = [f"word{number}-{'x' * (number % 13)}" for number in range(60)]
    local_assistant.reply(" ".join(words))
    with Terminal(local_assistant.environ, columns=40) as chat:
        chat.type("Say many words.")
        shown = chat.expect(words[-1])
    lines = shown.partition("Assistant: ")[2].split("\n")
    assert " ".join(line.strip() for line in lines).split() == words
    assert all(len(line) <= 40 for line in lines[1:])


def test_the_conversation_is_sent_with_each_question(chat: Terminal, local_assistant: LocalAssistant) -> None:
    local_assistant.reply("Tall.", times=1)
    local_assistant.reply("Old.", times=1)
    local_assistant.reply("New.", times=1)
    chat.type("How tall?")
    chat.expect("Tall.")
    chat.type("How old?")
    chat.expect("Old.")
    chat.type("/new")
    chat.type("Who?")
    chat.expect("New.")
    chat.quit()
    turns = [
        {"role": "user", "content": "How tall?"},
        {"role": "assistant", "content": "Tall."},
        {"role": "user", "content": "How old?"},
    ]
    assert [body["messages"] for body in bodies(local_assistant)] == [
        turns[:1],
        turns,
        [{"role": "user", "content": "Who?"}],
    ]


def test_filter_and_model_are_sent_until_they_are_off(chat: Terminal, local_assistant: LocalAssistant) -> None:
    local_assistant.reply("Yes.")
    chat.type('/filter {"year": {"$gte": 2024}}')
    chat.type("/model gpt-4.1")
    chat.expect("model: gpt-4.1")
    chat.type("Really?")
    chat.expect("Yes.")
    chat.type("/filter off")
    chat.type("/model off")
    chat.type("Really?")
    chat.expect("Yes.")
    chat.quit()
    first, second = bodies(local_assistant)
    assert (first["filter"], first["model"]) == ({"year": {"$gte": 2024}}, "gpt-4.1")
    assert not {"filter", "model"} & second.keys()


def test_pages_are_in_the_footnotes_and_a_source_has_one_number(
    chat: Terminal, local_assistant: LocalAssistant
) -> None:
    local_assistant.reply(
        "One. Two. Three.",
        citations=[
            {"file": "a.pdf", "pages": [2, 3], "position": 3},
            {"file": "b.md", "position": 8},
            {"file": "a.pdf", "pages": [2, 3], "position": 15},
        ],
    )
    chat.type("Count.")
    assert "One [1]. Two [2]. Three [1].\n\n[1] a.pdf, pages 2, 3\n[2] b.md\n" in chat.expect("b.md\n")


def test_a_mistake_is_a_message_and_the_chat_goes_on(chat: Terminal, local_assistant: LocalAssistant) -> None:
    chat.type("/filter {")
    chat.expect("a filter is JSON")
    chat.type("/filter [1]")
    chat.expect("a filter is a JSON object")
    chat.type('/filter {"topic": ["trees"]}')
    chat.expect("filter.topic: a list needs $in")
    chat.type("/flies")
    chat.expect("There is no /flies")
    chat.type("/model nope")
    chat.type("Hello?")
    assert "Traceback" not in chat.expect('Invalid model "nope"')
    chat.type("/model off")
    local_assistant.reply("Here I am.")
    chat.type("Hello?")
    chat.expect("Here I am.")
    chat.quit()
    assert bodies(local_assistant)[-1]["messages"] == [{"role": "user", "content": "Hello?"}], (
        "what failed is forgotten"
    )


def test_what_a_file_says_is_shown_and_not_obeyed_by_the_terminal(
    chat: Terminal, local_assistant: LocalAssistant
) -> None:
    """Escape sequences could rewrite the screen, and rich's markup the colours."""
    local_assistant.reply("Before \x1b]0;title\x07 [bold]after[/bold] \x9b2J.")
    chat.type("Hello?")
    assert "Before \ufffd]0;title\ufffd [bold]after[/bold] \ufffd2J." in chat.expect("2J.")


def test_what_an_error_quotes_is_not_obeyed_by_the_terminal_either(
    chat: Terminal, local_assistant: LocalAssistant
) -> None:
    local_assistant.faults.add(
        on="chat", status=400, body='{"error": {"code": "X", "message": "No \\u001b[2J\\u009b2J."}}'
    )
    chat.type("Hello?")
    assert "No \ufffd[2J\ufffd2J" in chat.expect("see docs/errors.md")


def test_ctrl_c_stops_the_answer_and_not_the_chat() -> None:
    """The request ends at the assistant too, and the stopped question is not remembered."""
    left = threading.Event()

    def generate(question: str, _: Sequence[object]) -> Iterator[str]:
        if "slow" not in question:
            yield "A quick answer."
            return
        try:
            for number in range(100_000):
                yield f"word{number} "
        finally:
            left.set()

    with LocalAssistant(generate=generate, token_delay_seconds=0.01) as local:
        local.upload_text("pine.md", "A slow answer and a quick answer are both about the red pine.")
        with Terminal(local.environ) as chat:
            chat.type("Give me a slow answer.")
            chat.expect("word3")
            chat.interrupt()
            chat.expect("(stopped")
            assert left.wait(SECONDS), "the assistant still writes"
            chat.type("Give me a quick answer.")
            chat.expect("A quick answer.")
            chat.quit()
        assert bodies(local)[-1]["messages"] == [{"role": "user", "content": "Give me a quick answer."}]


def test_ctrl_c_at_the_prompt_says_how_to_leave_and_ctrl_d_leaves(chat: Terminal) -> None:
    chat.expect("You: ")
    chat.interrupt()
    for _ in range(int(SECONDS)):  # Python overlooks a signal between its prompt and its wait for a key
        if chat.is_readable(1.0):
            break
        chat.interrupt()
    chat.expect("/quit leaves")
    chat.expect("You: ")
    chat.end_input()
    assert chat.process.wait(SECONDS) == 0


def test_it_works_in_a_pipe(local_assistant: LocalAssistant) -> None:
    local_assistant.reply("Through a pipe.")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pinecone_assistant_cli", "chat"],
        input="Hello?\n",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=dict(os.environ),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Assistant: Through a pipe." in done.stdout
