"""LlamaIndex: fill a pydantic model from the assistant's files."""

from __future__ import annotations

from demo_assistant import local_assistant
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, Field

from llama_index.llms.pinecone_assistant import PineconeAssistant


class Lake(BaseModel):
    """A lake."""

    name: str
    maximum_depth_meters: float = Field(description="The maximum depth in meters.")


def main() -> None:
    with local_assistant() as local:
        llm = PineconeAssistant(**local.connection)
        prompt = PromptTemplate("What is the maximum depth of {lake}?")
        # Options of the call go into llm_kwargs; all other keyword arguments are the prompt's variables.
        lake = llm.structured_predict(Lake, prompt, llm_kwargs={"filter": {"topic": "places"}}, lake="Lake Baikal")
        print(lake.model_dump_json())


if __name__ == "__main__":
    main()
