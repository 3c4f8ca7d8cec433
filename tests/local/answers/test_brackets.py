"""Brackets of the files' own text, "[4]", are quoted unchanged and never become citations of the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from pinecone_assistant_client import AssistantClient, AsyncAssistantClient, ChatCompletion
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.answers.generated import FoundPassage

from ..conftest import Api
from ..documents.made_files import docx, paragraph, pdf

SENTENCE = "The pump is described in chapter [1] of the book and in array a[2] and [3, p. 7]."
QUESTION = "Where is the pump described?"
FILES = {
    "pump.txt": SENTENCE.encode(),
    "pump.md": SENTENCE.encode(),
    "pump.json": json.dumps({"note": SENTENCE}).encode(),
    "pump.docx": docx(paragraph(SENTENCE)),
    "pump.pdf": pdf([SENTENCE]),
}


def _client(local: LocalAssistant) -> AssistantClient:
    return AssistantClient(local.name, host=local.host, api_key=local.api_key)


def _cited(answer: ChatCompletion) -> list[tuple[int | None, str | None]]:
    return [(one.number, one.file_name) for citation in answer.citations for one in citation.references]


@pytest.mark.parametrize("name", FILES)
def test_the_client_finds_the_citation_and_not_the_brackets_of_the_file(
    local: LocalAssistant, api: Api, name: str
) -> None:
    assert api.upload(name, FILES[name]).json()["status"] == "Completed"
    message = [{"role": "user", "content": QUESTION}]
    with _client(local) as client:
        whole = client.chat_completion(message)
        streamed = "".join(chunk.content for chunk in client.stream_chat_completion(message))
        standard = client.chat(message)
    assert SENTENCE[:-1] in whole.content
    assert _cited(whole) == [(4, name)]
    assert SENTENCE[:-1] in streamed
    assert SENTENCE in standard.content
    assert _cited(standard) == [(None, name)]


async def test_the_async_client_finds_the_same(local: LocalAssistant) -> None:
    local.upload_text("pump.md", SENTENCE)
    message = [{"role": "user", "content": QUESTION}]
    async with AsyncAssistantClient(local.name, host=local.host, api_key=local.api_key) as client:
        assert _cited(await client.chat_completion(message)) == [(4, "pump.md")]
        chunks = [chunk async for chunk in client.stream_chat_completion(message)]
    assert SENTENCE[:-1] in "".join(chunk.content for chunk in chunks)


def test_files_are_numbered_around_the_brackets_of_all_that_is_quoted(local: LocalAssistant, api: Api) -> None:
    local.upload_text("a.txt", "The red pump weighs 5 kilograms [2].")
    local.upload_text("b.txt", "The red pump weighs exactly 5 kilograms when it is empty [1, 4-6].")
    text = api.ask("How many kilograms does the red pump weigh?")
    assert text.startswith("The red pump weighs 5 kilograms [2]  [3].")
    assert "[1, 4-6]  [5]." in text or "[1, 4-6]  [7]." in text


@pytest.mark.parametrize(
    ("sentence", "quoted"),
    [
        ("The red pine[3] can grow up to 25 meters high.[4][5, 6]", "25 meters high.[4][5, 6]  [1]"),
        ("The red pine can grow up to 25 meters high [4].", "25 meters high [4]  [1]."),
        ("The red pine can grow up to 25 meters high. [4]", "25 meters high. [4]  [1]"),
    ],
)
def test_the_citation_stands_behind_the_notes_of_a_sentence(
    local: LocalAssistant, api: Api, sentence: str, quoted: str
) -> None:
    local.upload_text("pine.txt", f"It is an evergreen.\n\n{sentence} It is an evergreen.")
    assert quoted in api.ask("How high is a red pine?").partition("\n")[0]


def test_a_model_that_quotes_a_passage_quotes_its_brackets() -> None:
    def generate(question: str, passages: Sequence[FoundPassage]) -> list[str]:
        text = passages[0].text
        return ["So it says: ", text[:31], text[31:], " [1] And this is new [1]."]

    with LocalAssistant(generate=generate) as local, _client(local) as client:
        local.upload_text("pump.md", SENTENCE)
        local.upload_text("other.md", "The pump is described elsewhere.")
        answer = client.chat_completion([{"role": "user", "content": QUESTION}])
    assert f"So it says: {SENTENCE}  [4] And this is new  [4]." in answer.content
    assert _cited(answer) == [(4, "pump.md"), (4, "pump.md")]


def test_an_answer_as_json_keeps_the_brackets(local: LocalAssistant, api: Api) -> None:
    local.upload_text("pump.md", SENTENCE)
    body = api.chat(QUESTION, json_response=True).json()
    assert json.loads(body["message"]["content"])["answer"] == SENTENCE
