"""`chat`: a conversation in the terminal. Ctrl-C stops an answer, not the chat."""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from typing import Any

from rich.text import Text

from pinecone_assistant_client import AssistantClient, AssistantError, Message, validate_filter

from . import connection
from .asking import show_answer
from .terminal import out, print_records, printable
from .wording import to_words

HELP = """\
  /filter {"resource": "nursery"}   only files with this metadata answer; /filter off lets all of them
  /model NAME                       which model answers, such as gpt-4o; /model off leaves it to the assistant
  /files                            the assistant's files
  /new                              forget the conversation
  /help                             this list
  /quit, exit, quit, Ctrl-D         leave
  Ctrl-C                            stop the answer that is running"""

_LEAVE = frozenset({"/quit", "/exit", "quit", "exit"})


def chat(assistant: connection.Assistant = None) -> None:
    """Chat in the terminal; answers stream in with footnotes.

    \b
    Example:
      pinecone-assistant chat --assistant docs
    """
    with suppress(ImportError):  # arrow keys and a history of lines, if this Python has readline
        importlib.import_module("readline")
    with connection.client(assistant) as client:
        Chat(client).run()


class Chat:
    """A conversation with an assistant.

    Args:
        client: The client that asks the assistant.
        hint: A line to start with.
    """

    def __init__(self, client: AssistantClient, hint: str = "Ask something.") -> None:
        self._client = client
        self._hint = hint
        self._history: list[Message] = []
        self._filter: dict[str, Any] | None = None
        self._model: str | None = None

    def run(self) -> None:
        """Answer line by line until the user leaves."""
        _say(f"{self._hint}  (/help lists the commands)")
        while True:
            try:
                line = input("\nYou: ").strip()
            except KeyboardInterrupt:
                _say("\nCtrl-C stops an answer; /quit leaves.")
                continue
            except EOFError:
                _say("")
                return
            if line.lower() in _LEAVE:
                return
            try:
                if line.startswith("/"):
                    self._obey(*line.partition(" ")[::2])
                elif line:
                    self._ask(line)
            except KeyboardInterrupt:
                _say("\n(stopped; this question is not remembered)", style="yellow")
            except (AssistantError, ValueError) as error:
                _say(to_words(error), style="red")  # the message may quote the service or a proxy

    def _ask(self, question: str) -> None:
        messages = [*self._history, Message("user", question)]
        out().print(Text("Assistant: ", style="bold green"), end="")
        answer = show_answer(self._client, messages, filter=self._filter, model=self._model)
        if answer.strip():  # the service refuses empty messages, also as history
            self._history = [*messages, Message("assistant", answer)]

    def _obey(self, command: str, argument: str) -> None:
        argument = argument.strip()
        if command == "/filter":
            if argument:
                self._filter = None if argument == "off" else parse_filter(argument)
            _say(f"filter: {json.dumps(self._filter) if self._filter else 'off'}")
        elif command == "/model":
            if argument:
                self._model = None if argument == "off" else argument
            _say(f"model: {self._model or 'the assistant chooses'}")
        elif command == "/files":
            files = (
                {"name": file.name, "status": file.status, "metadata": file.metadata or {}}
                for file in self._client.files.list()
            )
            print_records(("name", "status", "metadata"), files, as_json=False)
        elif command == "/new":
            self._history = []
            _say("The conversation is forgotten.")
        elif command == "/help":
            _say(HELP)
        else:
            _say(f"There is no {command}; /help lists the commands.", style="red")


def parse_filter(text: str) -> dict[str, Any]:
    """Return the filter that a user typed.

    Raises:
        ValueError: It is not a JSON object.
        InvalidRequestError: It is not a filter.
    """
    try:
        chosen = json.loads(text)
    except ValueError as error:
        raise ValueError(f'a filter is JSON, such as {{"resource": "nursery"}}: {error}') from error
    if not isinstance(chosen, dict):
        raise ValueError(f'a filter is a JSON object, such as {{"resource": "nursery"}}, not {text}')
    validate_filter(chosen)
    return chosen


def _say(text: str, style: str = "") -> None:
    out().print(Text(printable(text), style=style), soft_wrap=True)
    sys.stdout.flush()
