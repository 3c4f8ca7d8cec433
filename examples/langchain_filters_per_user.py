"""Filters from application context: each user's chain reads that user's files only, and how a filter gets lost."""

from __future__ import annotations

from demo_assistant import QUESTION, local_assistant
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField

from langchain_pinecone_assistant import ChatPineconeAssistant

USERS = {"ada": {"resource": "encyclopedia"}, "bob": {"resource": "nursery"}}


def main() -> None:
    with local_assistant() as local:
        chat = ChatPineconeAssistant(**local.connection, strip_references=True)
        prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
        question = {"question": QUESTION}

        # One chain for all users; the filter comes with the config, which reaches every part of a chain.
        chain = prompt | chat.configurable_fields(filter=ConfigurableField(id="filter")) | StrOutputParser()
        for user, user_filter in USERS.items():
            print(f"{user}: {chain.invoke(question, {'configurable': {'filter': user_filter}})}")

        # A chain made for one user can have it bound.
        bound = prompt | chat.bind(filter=USERS["bob"]) | StrOutputParser()
        print(f"bob, bound: {bound.invoke(question)}")

        # DON'T: only the first part of a chain gets these options, here the prompt. The filter is lost without a word,
        # and everybody's files answer.
        (prompt | chat | StrOutputParser()).invoke(question, filter=USERS["bob"])
        sent = local.requests[-1].body
        print(f"chain.invoke(..., filter=...) sent a filter: {isinstance(sent, dict) and 'filter' in sent}")


if __name__ == "__main__":
    main()
