"""`ask` and `context`: the answer to one question, or the passages for it."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Annotated, Any, Optional

import typer
from rich.text import Text

from pinecone_assistant_client import AssistantClient, Citation, Message, Usage

from . import connection
from .footnotes import Footnotes
from .terminal import WordWrap, out, print_json, print_records, printable, read_json_object, to_line

Filter = Annotated[
    Optional[str], typer.Option(metavar="JSON", help="Only files with this metadata answer.", show_default=False)
]
Model = Annotated[Optional[str], typer.Option(metavar="NAME", help="Such as gpt-4o.", show_default=False)]


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question.")],
    filter_: Annotated[
        Optional[str], typer.Option("--filter", metavar="JSON", help="Only files with this metadata answer.")
    ] = None,
    model: Model = None,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Ask a question; the answer is followed by its sources.

    \b
    Example:
      pinecone-assistant ask "How tall is a red pine?" --filter '{"year": 2026}'
    """
    chosen = read_json_object(filter_, "--filter")
    with connection.client(assistant) as client:
        if as_json:
            answer = client.chat([Message("user", question)], filter=chosen, model=model)
            print_json(
                {
                    "answer": answer.content,
                    "citations": citations_to_json(answer.citations),
                    "model": answer.model,
                    "usage": usage_to_json(answer.usage),
                }
            )
        else:
            show_answer(client, [Message("user", question)], filter=chosen, model=model)


def show_answer(client: AssistantClient, messages: list[Message], **options: Any) -> str:
    """Write an answer as it streams, with footnotes, then its sources. Returns its text.

    Uses the standard interface, which sends citations apart from the text, each with its place in it.
    """
    console = out()
    wrap = WordWrap(console.width if console.is_terminal else None)
    footnotes = Footnotes()
    parts: list[str] = []

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    try:
        with closing(client.stream_chat(messages, **options)) as chunks:
            for chunk in chunks:
                parts.append(chunk.content)
                write(wrap.feed(printable(chunk.content) + footnotes.marks(chunk.citations)))
    finally:  # text held back is written before any failure report or the next prompt
        write(wrap.finish() + "\n" * bool(parts))
    sources = list(footnotes.lines())
    if sources:
        write("\n")
    for line in sources:
        console.print(Text(to_line(line), style="cyan"), soft_wrap=True)
    return "".join(parts)


def context(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to search for.")],
    filter_: Annotated[
        Optional[str], typer.Option("--filter", metavar="JSON", help="Only files with this metadata are searched.")
    ] = None,
    top_k: Annotated[Optional[int], typer.Option(min=1, max=64, help="Passages at most.", show_default="16")] = None,
    snippet_size: Annotated[
        Optional[int], typer.Option(min=512, max=8192, help="Tokens of a passage at most.", show_default="2048")
    ] = None,
    assistant: connection.Assistant = None,
    as_json: connection.Json = False,
) -> None:
    """Show the passages that an answer would rest on, best first.

    \b
    Example:
      pinecone-assistant context "height of a red pine" --top-k 3
    """
    with connection.client(assistant) as client:
        found = client.context(
            query,
            filter=read_json_object(filter_, "--filter"),
            top_k=top_k,
            snippet_size=snippet_size,
            include_binary_content=False,
        )
    records = [
        {
            "score": snippet.score,
            "file": snippet.reference.file_name if snippet.reference else None,
            "pages": list(snippet.reference.pages) if snippet.reference and snippet.reference.pages else None,
            "text": snippet.content,
        }
        for snippet in found.snippets
    ]
    print_records(("score", "file", "pages", "text"), records, as_json=as_json)


def citations_to_json(citations: tuple[Citation, ...]) -> list[dict[str, Any]]:
    """Return citations as plain JSON, without signed links."""
    return [citation.to_json() for citation in citations]


def usage_to_json(usage: Usage | None) -> dict[str, int] | None:
    """Return the token counts as plain JSON."""
    if usage is None:
        return None
    return {name: getattr(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
