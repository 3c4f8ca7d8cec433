"""A chat in Streamlit: a streamed answer, with the cited passages in an expander.

`make streamlit` asks a local assistant that has read `examples/data`, and `make streamlit LIVE=1` your own. Without make:
`streamlit run --server.address 127.0.0.1 --browser.gatherUsageStats false examples/streamlit_chat.py`, then `-- --live`.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing

import streamlit as st
from demo_assistant import QUESTION, connect

from pinecone_assistant_client import AssistantClient, AssistantError, ChatCompletionChunk

LIVE = "--live" in sys.argv[1:]


@st.cache_resource
def assistant() -> AssistantClient:
    """Connect once for all users, because Streamlit runs this file again for every question."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(AssistantClient(**stack.enter_context(connect(live=LIVE))))


def text_of(chunks: Iterable[ChatCompletionChunk], passages: list[str]) -> Iterator[str]:
    """Yield the text of an answer as it arrives, and collect the passages that it cites."""
    for chunk in chunks:
        yield chunk.content
        references = (reference for citation in chunk.citations for reference in citation.references)
        passages += [f"{one.file_name}: {one.highlight or '(the passage was not named)'}" for one in references]


def show(passages: list[str]) -> None:
    with st.expander(f"Passages ({len(passages)})"):
        for passage in passages:
            st.text(passage)  # st.text, so that it is never rendered as Markdown


st.title("Ask the assistant")
st.caption("Your assistant: every question is billed." if LIVE else "A local assistant: nothing leaves this machine.")
turns = st.session_state.setdefault("turns", [])
for turn in turns:
    st.chat_message(turn["role"]).markdown(turn["content"])
    if turn.get("passages"):
        show(turn["passages"])

if question := st.chat_input(QUESTION):
    st.chat_message("user").markdown(question)
    asked = [
        *({"role": turn["role"], "content": turn["content"]} for turn in turns),
        {"role": "user", "content": question},
    ]
    passages: list[str] = []
    try:
        # Streamlit's Stop, or closing the page, also ends the request to the assistant.
        with closing(assistant().stream_chat(asked, include_highlights=True)) as chunks:
            answer = st.chat_message("assistant").write_stream(text_of(chunks, passages))
    except (AssistantError, SystemExit) as error:  # without a key, the examples' `connect` exits
        happened = str(error).partition("; see ")[0]
        st.error(f"{happened}. This question is not remembered: ask it again.")
    else:
        show(passages)
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer, "passages": passages}]
