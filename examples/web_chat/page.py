"""The page, in Gradio: a chat, the passages behind it, the files, and the conversations that this browser remembers.

The browser's storage holds the conversations, and every part of the page is drawn from them (`conversation.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from web_chat.conversation import (
    Chats,
    Turn,
    chat_of,
    files_of,
    filter_of,
    messages_of,
    passages_of,
    picks_of,
    plain,
    title_of,
    words_for_users,
)

from pinecone_assistant_client import AssistantError, AsyncAssistantClient

KEPT = "Your question is kept: choose Retry to ask it again."
# No fonts from a CDN, and colours with enough contrast.
THEME = gr.themes.Default(
    primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"], font_mono=["monospace"]
)
CSS = Path(__file__).with_name("page.css")

Drawn = dict[Any, Any]  # components and their new values


@dataclass
class Draft:
    """The turns of a conversation whose last one is being answered. The answer is added to it as it arrives."""

    turns: list[Turn]
    is_asked: bool = False

    @property
    def turn(self) -> Turn:
        """The turn that is being answered."""
        return self.turns[-1]


def kept(stored: str, draft: Draft | None) -> Chats:
    """Return the stored chats, including the answer so far."""
    chats = Chats.from_json(stored)
    return chats.with_turns(draft.turns) if draft else chats


class Page:
    """The parts of the page, and the actions of the user.

    Args:
        client: The client that asks the assistant.
        notice: The text that names the assistant and says whether it is billed.
        starters: Questions to begin with.
    """

    def __init__(self, client: AsyncAssistantClient, *, notice: str, starters: list[str]) -> None:
        self.client = client
        with gr.Blocks(title="Ask the assistant", analytics_enabled=False, delete_cache=(3600, 3600)) as self.blocks:
            # Gradio encrypts what it stores; a fixed secret keeps it readable after a restart of the server.
            key, secret = "pinecone-assistant-chats-1", "not a secret"
            self.stored = gr.BrowserState(Chats().to_json(), storage_key=key, secret=secret)
            self.draft = gr.State(None)  # a Draft while a question is being answered
            gr.Markdown(f"# Ask the assistant\n\n{notice}")
            with gr.Row():
                with gr.Column(scale=3, min_width=320):
                    self.chat = gr.Chatbot(
                        label="Conversation",
                        show_label=False,
                        elem_id="chat",
                        height="max(18rem, 100vh - 21rem)",
                        placeholder="Ask a question below, or choose one.",
                        buttons=["copy"],
                        latex_delimiters=[],
                        allow_tags=False,
                    )
                    with gr.Row() as self.offers:
                        self.starters = [gr.Button(starter, size="sm") for starter in starters]
                    self.question = gr.Textbox(
                        label="Your question",
                        elem_id="question",
                        max_lines=8,
                        max_length=20_000,
                        submit_btn="Ask",
                        autofocus=True,
                    )
                with gr.Column(scale=2, min_width=320):
                    with gr.Accordion("Passages"):
                        self.passages = gr.Markdown(passages_of([]), elem_id="passages")
                    with gr.Accordion("Files", open=False):
                        self.picks = gr.CheckboxGroup([], label="Ask only the files with")
                        self.files = gr.Markdown(elem_id="files")
                        label = "Drop files here to add them to the assistant"
                        self.dropped = gr.File(label=label, elem_id="drop", file_count="multiple", height=140)
                        self.added = gr.Markdown()
                    with gr.Accordion("Chats"):
                        self.new = gr.Button("New chat")
                        self.list = gr.Radio([], label="In this browser")
            self._connect()

    def _connect(self) -> None:
        """Connect each action to its function.

        An answer takes three steps, begin, answer and finish: if one step updates a part twice, the first update may get lost.
        """
        parts = [self.stored, self.chat, self.passages, self.list, self.offers, self.draft, self.question]
        drawn = {"outputs": parts, "api_visibility": "private"}
        fed = {"outputs": [self.files, self.picks], "api_visibility": "private"}
        streamed = {"outputs": [self.chat, self.passages], "api_visibility": "private"}
        self.blocks.load(self.show, self.stored, **drawn)
        self.blocks.load(self.list_files, None, **fed)

        asked = [self.stored, self.picks, self.draft]
        begun = [
            self.question.submit(self.begin, [self.question, *asked], **drawn),
            self.chat.retry(self.begin_again, asked, **drawn),
            *(starter.click(self.begin, [starter, *asked], **drawn) for starter in self.starters),
        ]
        running = [
            each.then(self.answer, self.draft, concurrency_limit=None, show_progress="hidden", **streamed)
            for each in begun
        ]
        for each in running:
            each.then(self.finish, [self.stored, self.draft], **drawn)
        # Every action that leaves an answer, and closing the page, cancels the answer and its request to the assistant.
        # The page is drawn a step later, when no part of the answer can arrive any more.
        for leave, act, *more in (
            (self.question.stop, self.stop),
            (self.new.click, self.open_new),
            (self.chat.clear, self.delete),
            (self.list.input, self.open_chat, self.list),
        ):
            left = leave(self.end, self.draft, cancels=running, api_visibility="private")
            left.then(act, [self.stored, self.draft, *more], **drawn)
        upload = self.dropped.upload(self.add_files, self.dropped, [self.dropped, self.added], api_visibility="private")
        upload.then(self.list_files, None, **fed)

    def draw(self, chats: Chats) -> Drawn:
        """Return the page of these chats, in which nothing is being answered."""
        titles = [(title_of(turns), index) for index, turns in enumerate(chats.chats)]
        return {
            self.stored: chats.to_json(),
            self.chat: chat_of(chats.turns),
            self.passages: passages_of(chats.turns),
            self.list: gr.update(choices=titles, value=chats.open),
            self.offers: gr.update(visible=not chats.turns),
            self.draft: None,
            self.question: gr.update(submit_btn="Ask", stop_btn=False),
        }

    def begin(self, question: str, stored: str, picks: list[str], draft: Draft | None) -> Any:
        """Show a question, and Stop instead of Ask. Does nothing while another one is being answered."""
        if draft or not question.strip():
            return gr.skip()
        chats = Chats.from_json(stored)
        turns = [*chats.turns, Turn(question.strip(), filter_of(picks))]
        return {
            **self.draw(chats.with_turns(turns)),
            self.chat: chat_of(turns, running=True),
            self.draft: Draft(turns),
            self.question: gr.update(value="", submit_btn=False, stop_btn="Stop"),
        }

    def begin_again(self, stored: str, picks: list[str], draft: Draft | None) -> Any:
        """Ask the last question again, with the filter that is picked now."""
        chats = Chats.from_json(stored)
        *before, last = chats.turns
        return self.begin(last.question, chats.with_turns(before).to_json(), picks, draft)

    async def answer(self, draft: Draft | None) -> AsyncGenerator[Any, None]:
        """Stream the answer of a draft."""
        if not draft or draft.is_asked:
            return
        draft.is_asked = True
        turns, turn = draft.turns, draft.turn
        messages = messages_of(turns[:-1], turn.question)
        try:
            async with aclosing(
                self.client.stream_chat(messages, filter=turn.filter, include_highlights=True)
            ) as chunks:
                async for chunk in chunks:
                    if turn.outcome == "stopped":
                        return
                    turn.text += chunk.content
                    turn.cite(chunk.citations)
                    yield chat_of(turns, running=True), passages_of(turns)
            turn.outcome = "complete"
        except AssistantError as error:
            turn.outcome, turn.problem = "failed", f"{words_for_users(error)}. {KEPT}"
        yield chat_of(turns), passages_of(turns)

    def finish(self, stored: str, draft: Draft | None) -> Any:
        """Store the complete answer; an answer that was left is stored by the action that left it."""
        if not draft or draft.turn.outcome not in {"complete", "failed"}:
            return gr.skip()
        return self.draw(kept(stored, draft))

    def end(self, draft: Draft | None) -> None:
        """End the answer."""
        if draft and draft.turn.outcome == "interrupted":
            draft.turn.outcome = "stopped"

    def stop(self, stored: str, draft: Draft | None) -> Drawn:
        """Show the answer so far."""
        return self.draw(kept(stored, draft))

    def open_new(self, stored: str, draft: Draft | None) -> Drawn:
        """Show a new chat."""
        return self.draw(kept(stored, draft).with_new())

    def open_chat(self, stored: str, draft: Draft | None, index: int) -> Drawn:
        """Show an earlier chat."""
        return self.draw(Chats(index, kept(stored, draft).chats))

    def delete(self, stored: str, _: Draft | None) -> Drawn:
        """Delete the open chat and show a new one."""
        return self.draw(Chats.from_json(stored).with_turns([]).with_new())

    def show(self, stored: str) -> Drawn:
        """Show the chat that was open when the page was left."""
        return self.draw(Chats.from_json(stored))

    async def list_files(self) -> tuple[Any, Any]:
        """Return the assistant's files and the choices to filter them by, or the reason why they cannot be listed."""
        try:
            files = [file async for file in self.client.files.list()]
        except AssistantError as error:
            return plain(words_for_users(error)), gr.skip()
        return files_of(files), gr.update(choices=picks_of(files))

    async def add_files(self, paths: list[str]) -> tuple[None, str]:
        """Add files to the assistant; return the result for each."""
        added = [await self.add_file(Path(path)) for path in paths]
        return None, f'<p role="status">{"<br>".join(map(plain, added))}</p>'

    async def add_file(self, path: Path) -> str:
        """Add a file to the assistant, and remove Gradio's copy of it."""
        try:
            await self.client.files.upload(path)
        except AssistantError as error:
            return f"{path.name} was not added: {words_for_users(error)}."
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return f"{path.name} is among the files now."
