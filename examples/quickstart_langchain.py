"""LangChain: stream an answer, list its citations, and let a metadata filter decide which file answers."""

from __future__ import annotations

from demo_assistant import demo, print_citations
from langchain_core.messages import AIMessageChunk

from langchain_pinecone_assistant import ChatPineconeAssistant


def main() -> None:
    with demo() as shown:  # for your own assistant, the connection is {}
        # strip_references removes the list of expiring links that the service appends to its answers.
        chat = ChatPineconeAssistant(**shown.connection, strip_references=True)
        print(f"\nLangChain: {shown.question}")
        for metadata_filter in shown.filters:
            print(f"\nfilter={metadata_filter}")
            answer = AIMessageChunk(content="")
            for chunk in chat.stream(shown.question, filter=metadata_filter):
                print(chunk.text, end="", flush=True)
                answer += chunk
            print()
            print_citations(answer.additional_kwargs["citations"])


if __name__ == "__main__":
    main()
