"""Use the retriever with another chat model: the assistant finds the passages, your model writes the answer."""

from __future__ import annotations

from collections.abc import Sequence

from demo_assistant import QUESTION, local_assistant
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from langchain_pinecone_assistant import PineconeAssistantRetriever


def passages(documents: Sequence[Document]) -> str:
    for document in documents:
        metadata = document.metadata
        print(f"  {metadata['score']:.2f}  {metadata['file_name']}: {document.page_content[:60]!r}...")
    return "\n\n".join(document.page_content for document in documents)


def main() -> None:
    with local_assistant() as local:
        retriever = PineconeAssistantRetriever(**local.connection, k=3, filter={"topic": "trees"})
        writer = FakeListChatModel(responses=["(here your own model answers from these passages)"])
        prompt = ChatPromptTemplate.from_template("Answer from these passages:\n{passages}\n\nQuestion: {question}")
        chain = (
            {"passages": retriever | passages, "question": RunnablePassthrough()} | prompt | writer | StrOutputParser()
        )
        print(QUESTION)
        print(chain.invoke(QUESTION))


if __name__ == "__main__":
    main()
