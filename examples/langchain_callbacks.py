"""Streaming callbacks: tokens, usage and retries of one call, and the usage of all calls together."""

from __future__ import annotations

from typing import Any

from demo_assistant import QUESTION, local_assistant
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.outputs import LLMResult

from langchain_pinecone_assistant import ChatPineconeAssistant


class Printer(BaseCallbackHandler):
    """Print the events of a call."""

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        """Print each token as it arrives."""
        print(token, end="|", flush=True)

    def on_retry(self, retry_state: Any, **_: Any) -> None:
        """Report that a request failed and is retried."""
        print(f"(attempt {retry_state.attempt_number} failed, trying again)")

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Report the usage of the complete answer."""
        print(f"\nusage: {response.generations[0][0].message.usage_metadata}")  # type: ignore[union-attr]  # a chat generation


def main() -> None:
    with local_assistant() as local:
        # streaming=True: invoke streams internally, so that callbacks receive each token.
        chat = ChatPineconeAssistant(**local.connection, streaming=True, strip_references=True)
        chat.invoke(QUESTION, {"callbacks": [Printer()]})

        local.faults.add(status=503, times=1, retry_after=0)
        quiet = chat.model_copy(update={"streaming": False})
        with get_usage_metadata_callback() as usage:
            for question in (QUESTION, "How far is the Moon?"):
                quiet.invoke(question, {"callbacks": [Printer()]})
        print(f"in all: {usage.usage_metadata}")


if __name__ == "__main__":
    main()
