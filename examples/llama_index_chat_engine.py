"""LlamaIndex: a conversation with memory; each turn is one call and has its sources."""

from __future__ import annotations

from demo_assistant import local_assistant

from llama_index.indices.managed.pinecone_assistant import PineconeAssistantChatEngine

TURNS = ("What is the maximum height of a giant sequoia?", "How old are the oldest giant sequoias?")


def main() -> None:
    with local_assistant() as local:
        engine = PineconeAssistantChatEngine(**local.connection)
        for turn in TURNS:
            print(f"\nYou: {turn}\nAssistant: ", end="")
            response = engine.stream_chat(turn)
            for text in response.response_gen:
                print(text, end="", flush=True)
            print()
            for node in response.source_nodes:  # filled at the end of the text
                print(f"  {node.metadata['file_name']}: {node.text}")
        print(f"\nThe engine remembers {len(engine.chat_history)} messages.")


if __name__ == "__main__":
    main()
