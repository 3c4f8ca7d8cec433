"""LlamaIndex: stream an answer, list its citations, and let a metadata filter decide which file answers."""

from __future__ import annotations

from demo_assistant import demo, print_citations
from llama_index.core.llms import ChatMessage

from llama_index.llms.pinecone_assistant import PineconeAssistant


def main() -> None:
    with demo() as shown:  # for your own assistant, the connection is {}
        # strip_references removes the list of expiring links that the service appends to its answers.
        llm = PineconeAssistant(**shown.connection, strip_references=True)
        print(f"\nLlamaIndex: {shown.question}")
        for metadata_filter in shown.filters:
            print(f"\nfilter={metadata_filter}")
            for response in llm.stream_chat([ChatMessage(role="user", content=shown.question)], filter=metadata_filter):
                print(response.delta, end="", flush=True)
            print()
            print_citations(response.additional_kwargs["citations"])


if __name__ == "__main__":
    main()
