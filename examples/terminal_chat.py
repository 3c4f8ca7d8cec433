"""A chat in the terminal: answers stream in with footnotes, and Ctrl-C stops an answer, not the chat.

It asks a local assistant that has read `examples/data`, or with `--live` your own. `/help` lists the commands.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from demo_assistant import QUESTION, connect
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pinecone_assistant_client import AssistantClient, AssistantError, Message, Reference, validate_filter

HELP = """\
  /filter {"resource": "nursery"}   only files with this metadata answer; /filter off lets all of them
  /model NAME                       which model answers, such as gpt-4o; /model off leaves it to the assistant
  /files                            the assistant's files
  /new                              forget the conversation
  /help                             this list
  /quit                             leave (so does Ctrl-D)
  Ctrl-C                            stop the answer that is running"""

# Line breaks and tabs may pass. Escape sequences must not: files and models would decide what the terminal does.
_CONTROL = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return text.replace("\r\n", "\n").translate(_CONTROL)


class Footnotes:
    """Numbers for sources, in the order in which an answer cites them; each source has one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, reference: Reference) -> int:
        """The number of a source."""
        source = reference.file_name or "(the answer does not name the file)"
        if reference.pages:
            source += f", page{'s' * (len(reference.pages) > 1)} {', '.join(map(str, reference.pages))}"
        return self._numbers.setdefault(source, len(self._numbers) + 1)

    def lines(self) -> Iterator[str]:
        """One line for each source."""
        return (f"[{number}] {source}" for source, number in self._numbers.items())


class Chat:
    """A conversation with an assistant.

    Args:
        client: Asks it.
        console: Shows it.
    """

    def __init__(self, client: AssistantClient, console: Console) -> None:
        self._client = client
        self._console = console
        self._history: list[Message] = []
        self._filter: dict[str, Any] | None = None
        self._model: str | None = None

    def run(self) -> None:
        """Answers line by line until the user leaves."""
        self._say(f"Ask something, such as: {QUESTION}  (/help lists the commands)")
        while True:
            try:
                line = input("\nYou: ").strip()
            except KeyboardInterrupt:
                self._say("\nCtrl-C stops an answer; /quit leaves.")
                continue
            except EOFError:
                self._say("")
                return
            if line == "/quit":
                return
            try:
                if line.startswith("/"):
                    self._obey(*line.partition(" ")[::2])
                elif line:
                    self._ask(line)
            except KeyboardInterrupt:
                self._say("\n(stopped; this question is not remembered)", style="yellow")
            except (AssistantError, ValueError) as error:
                self._say(printable(str(error)), style="red")  # it may quote the service, or what stands between

    def _ask(self, question: str) -> None:
        messages = [*self._history, Message("user", question)]
        footnotes = Footnotes()
        parts: list[str] = []
        # The standard interface says which file a place in the text rests on, instead of writing it into the text.
        chunks = self._client.stream_chat(messages, filter=self._filter, model=self._model)
        self._write("Assistant: ", style="bold green")
        try:
            with closing(chunks):  # whatever stops this loop, Ctrl-C among it, ends the request
                for chunk in chunks:
                    parts.append(chunk.content)
                    self._write(printable(chunk.content))
                    references = (reference for citation in chunk.citations for reference in citation.references)
                    for number in dict.fromkeys(map(footnotes.number, references)):
                        self._write(f" [{number}]", style="cyan")
        except AssistantError:
            self._say("")
            raise
        self._say("")
        for line in footnotes.lines():
            self._say(f"  {printable(line)}", style="cyan")
        if "".join(parts).strip():  # the service refuses empty messages, also as history
            self._history = [*messages, Message("assistant", "".join(parts))]

    def _obey(self, command: str, argument: str) -> None:
        argument = argument.strip()
        if command == "/filter":
            if argument:
                self._filter = None if argument == "off" else parse_filter(argument)
            self._say(f"filter: {json.dumps(self._filter) if self._filter else 'off'}")
        elif command == "/model":
            if argument:
                self._model = None if argument == "off" else argument
            self._say(f"model: {self._model or 'the assistant chooses'}")
        elif command == "/files":
            self._show_files()
        elif command == "/new":
            self._history = []
            self._say("The conversation is forgotten.")
        elif command == "/help":
            self._say(HELP)
        else:
            self._say(f"There is no {command}; /help lists the commands.", style="red")

    def _show_files(self) -> None:
        table = Table("file", "status", "metadata")
        for file in self._client.files.list():
            metadata = json.dumps(file.metadata or {}, ensure_ascii=False)
            table.add_row(*(Text(printable(str(cell))) for cell in (file.name, file.status, metadata)))
        self._console.print(table)

    def _say(self, text: str, style: str | None = None) -> None:
        self._write(f"{text}\n", style)

    def _write(self, text: str, style: str | None = None) -> None:
        # soft_wrap: the terminal breaks the lines, because rich does not know where the piece before ended.
        self._console.print(text, style=style, end="", markup=False, highlight=False, soft_wrap=True)


def parse_filter(text: str) -> dict[str, Any]:
    """The filter that a user typed.

    Raises:
        ValueError: It is no JSON object.
        InvalidRequestError: It is no filter.
    """
    try:
        chosen = json.loads(text)
    except ValueError as error:
        raise ValueError(f'a filter is JSON, such as {{"resource": "nursery"}}: {error}') from error
    if not isinstance(chosen, dict):
        raise ValueError(f'a filter is a JSON object, such as {{"resource": "nursery"}}, not {text}')
    validate_filter(chosen)
    return chosen


def main() -> None:
    with suppress(ImportError):  # arrow keys and a history of lines, where Python has them
        importlib.import_module("readline")
    parser = argparse.ArgumentParser(description="A chat in the terminal.")
    parser.add_argument("--live", action="store_true", help="your own assistant (PINECONE_API_KEY is used and billed)")
    live = parser.parse_args().live
    with connect(live=live) as connection, AssistantClient(**connection) as client:
        Chat(client, Console()).run()


if __name__ == "__main__":
    main()
