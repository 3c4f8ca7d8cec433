"""LlamaIndex: stream an answer to the terminal, then list its citations and token usage."""

from __future__ import annotations

from demo_assistant import local_assistant
from llama_index.core.llms import ChatMessage

from llama_index.llms.pinecone_assistant import PineconeAssistant


def main() -> None:
    with local_assistant(token_delay_seconds=0.01) as local:
        llm = PineconeAssistant(**local.connection, strip_references=True)
        responses = llm.stream_chat([ChatMessage("How deep is Lake Baikal?")])
        for response in responses:
            print(response.delta, end="", flush=True)
        print()
        for citation in response.citations:  # the last response has them all
            for reference in citation.references:
                print(f"  [{reference.number}] {reference.file_name}")
        print(f"  {response.raw['usage']['total_tokens']} tokens")


if __name__ == "__main__":
    main()
