"""The command's output: tables for a person, one record per line in a pipe, JSON for a program.

Names, metadata and answers are untrusted text: nothing in them may become markup or control the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Line breaks and tabs are kept. With any other unprintable character, a file name could control the terminal.
_KEPT = "\n\t"

_FULL_WIDTH = 80
"""Columns of a terminal; in a narrower one even a status may have to be broken."""


def printable(text: str) -> str:
    """Return the text with U+FFFD for characters that a terminal obeys or hides, such as escape sequences."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c in _KEPT else "\ufffd" for c in text)


def to_line(text: str) -> str:
    """Return the text on one line, printable, without tabs: one field of a record."""
    return " ".join(printable(text).split())


def out() -> Console:
    """Return the console for results."""
    return Console(highlight=False, markup=False, soft_wrap=False)


def err() -> Console:
    """Return the console for progress, questions and errors."""
    return Console(stderr=True, highlight=False, markup=False)


def say(text: str) -> None:
    """Write a line for a person to standard error."""
    err().print(Text(printable(text)), soft_wrap=True)


def fail(text: str, code: int = 1) -> typer.Exit:
    """Write an error message; return the exit to raise."""
    say(f"Error: {text}")
    return typer.Exit(code)


def print_json(value: object) -> None:
    """Write one JSON value on one line."""
    sys.stdout.write(to_json_line(value, sys.stdout.encoding or "utf-8"))
    sys.stdout.flush()


def to_json_line(value: object, encoding: str = "utf-8") -> str:
    """Return a JSON value as a line; characters that cannot be encoded, such as half an emoji, are escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str) + "\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, default=str) + "\n"
    return text


def print_records(columns: Sequence[str], records: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """Write records: a table in a terminal; in a pipe one line each, tab-separated; with `as_json` one object each."""
    if as_json:
        for record in records:
            print_json(record)
        return
    if not sys.stdout.isatty():
        for record in records:
            sys.stdout.write("\t".join(to_line(_cell(record.get(column))) for column in columns) + "\n")
            sys.stdout.flush()
        return
    table, console = Table(), out()
    for column in columns:
        is_word = column == "status" and console.width >= _FULL_WIDTH  # one word, of which a break hides the meaning
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=is_word)
    for record in records:
        table.add_row(*(Text(to_line(_cell(record.get(column)))) for column in columns))
    console.print(table)


def print_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Write one record: `name: value` lines, or one JSON object."""
    if as_json:
        print_json(record)
        return
    for name, value in record.items():
        sys.stdout.write(f"{name.replace('_', ' ')}: {to_line(_cell(value))}\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the user agrees.

    Raises:
        typer.Exit: With 2 without a terminal and without `--yes`; with 1 if the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise fail(f"{question} There is no terminal to ask in: add --yes. Nothing was changed.", 2)
    err().print(Text(f"{printable(question)} [y/N] "), end="")
    if input().strip().lower() not in ("y", "yes"):
        say("Nothing was changed.")
        raise typer.Exit(1)


def read_json_object(text: str | None, option: str) -> dict[str, Any] | None:
    """Return the JSON object that an option holds; None for None.

    Raises:
        typer.BadParameter: It is not JSON, or not an object.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(
            f'{option} takes JSON, such as \'{{"resource": "nursery"}}\': {error}', param_hint=option
        ) from error
    if not isinstance(value, dict):
        raise typer.BadParameter(
            f'{option} takes a JSON object, such as \'{{"resource": "nursery"}}\'', param_hint=option
        )
    return value


class WordWrap:
    """Break streamed text into lines between words; a terminal alone would break inside of words.

    A word is written once it is complete, so that it can still move to the next line.

    Args:
        width: Columns of the terminal; with None, as for a pipe, no lines are broken.
    """

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._column = 0
        self._word = ""
        self._spaces = ""

    def feed(self, text: str) -> str:
        """Return what can be written now."""
        if self._width is None:
            return text
        written: list[str] = []
        for character in text:
            if character in " \t\n":
                written.append(self._end_word())
                if character == "\n":
                    self._spaces, self._column = "", 0
                    written.append("\n")
                else:
                    self._spaces += " "
            else:
                self._word += character
        return "".join(written)

    def finish(self) -> str:
        """Return the last word."""
        return self._end_word()

    def _end_word(self) -> str:
        if not self._word:
            return ""
        word, spaces = self._word, self._spaces
        self._word = self._spaces = ""
        size = cell_len(word)
        if self._width is not None and self._column and self._column + len(spaces) + size > self._width:
            self._column = size
            return f"\n{word}"
        self._column += len(spaces) + size
        return spaces + word
