"""Set filters from the application's context, so that each user's chain reads only that user's files."""

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

        # One chain for all users: the filter is in the config, which reaches every part of a chain.
        chain = prompt | chat.configurable_fields(filter=ConfigurableField(id="filter")) | StrOutputParser()
        for user, user_filter in USERS.items():
            print(f"{user}: {chain.invoke(question, {'configurable': {'filter': user_filter}})}")

        # One chain per user: bind the filter.
        bound = prompt | chat.bind(filter=USERS["bob"]) | StrOutputParser()
        print(f"bob, bound: {bound.invoke(question)}")

        # DON'T: only the first part of a chain gets these options, here the prompt. The filter is silently lost,
        # and everybody's files are used for the answer.
        (prompt | chat | StrOutputParser()).invoke(question, filter=USERS["bob"])
        sent = local.requests[-1].body
        print(f"chain.invoke(..., filter=...) sent a filter: {isinstance(sent, dict) and 'filter' in sent}")


if __name__ == "__main__":
    main()
