"""A chain with a history: the second question only makes sense after the first."""

from __future__ import annotations

from demo_assistant import local_assistant
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

from langchain_pinecone_assistant import ChatPineconeAssistant

QUESTIONS = ["What is the maximum height of a red pine?", "And how old is the oldest known one?"]


def main() -> None:
    with local_assistant() as local:
        chat = ChatPineconeAssistant(**local.connection, strip_references=True)
        prompt = ChatPromptTemplate.from_messages(
            [("system", "Answer in one sentence."), MessagesPlaceholder("history"), ("user", "{question}")]
        )
        # Bind options to a model inside a chain: those of the chain's own invoke do not reach it.
        chain = prompt | chat.bind(filter={"resource": "encyclopedia"})
        history: list[BaseMessage] = []
        for question in QUESTIONS:
            print(f"You: {question}\nAssistant: ", end="")
            answer = ""
            for chunk in chain.stream({"history": history, "question": question}):
                print(chunk.text, end="", flush=True)
                answer += chunk.text
            print()
            history += [HumanMessage(question), AIMessage(answer)]


if __name__ == "__main__":
    main()
