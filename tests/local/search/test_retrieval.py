"""The search: questions and the sentences that answer them."""

from __future__ import annotations

import re

import pytest
import requests

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.text.words import Stems, words_of

from ..conftest import Api
from ..corpus import ANSWERED, UNANSWERABLE


@pytest.mark.parametrize(("question", "words"), ANSWERED)
def test_the_first_sentence_answers(library: Api, question: str, words: str) -> None:
    """The second sentence counts too where the subject is named in the one before: "It is 312 meters long"."""
    first = re.split(r"  \[\d+\]", library.ask(question))[0]
    assert words in first


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_what_is_not_in_the_files_is_declined(library: Api, question: str) -> None:
    assert "could not find" in library.ask(question)


@pytest.mark.parametrize("question", ["", "What is it?", "the of and", "???", "!"])
def test_a_question_without_a_word_to_search_is_declined(library: Api, question: str) -> None:
    if question:
        assert "could not find" in library.ask(question)


@pytest.mark.parametrize(
    "question", ['"', "'", "a OR b", "NEAR(red pine)", "red* AND (pine", "col:pine", "-pine", "red\0pine"]
)
def test_the_syntax_of_the_full_text_index_means_nothing_in_a_question(library: Api, question: str) -> None:
    assert library.completions(question).status_code == 200


def test_one_file_with_one_sentence_is_enough(local: LocalAssistant, api: Api) -> None:
    """In a collection of one passage, every word is in every passage."""
    local.upload_text("pine.md", "The red pine can grow up to 25 meters high.")
    assert "25 meters" in api.ask("What is the maximum height of a red pine?")
    assert "could not find" in api.ask("What is the population of Canada?")
    [snippet] = api.context(query="red pine").json()["snippets"]
    assert 0 < snippet["score"] <= 1


def test_a_follow_up_uses_the_conversation(library: Api) -> None:
    def follow(*questions: str) -> str:
        messages: list[dict[str, str]] = []
        for question in questions:
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": "I see."}]
        return library.ask(messages[:-1])

    assert "400 years" in follow("How tall is a red pine?", "And how long does it live?")
    assert "krill" in follow("Tell me about the blue whale.", "What does it eat?")
    assert "Tomas Brandt" in follow("When was the harbour bridge opened?", "And who designed it?")
    assert "28 days" in follow("How tall is a red pine?", "How many days of holiday does an employee get?")
    assert "could not find" in follow("How tall is a red pine?", "What about a zeppelin?")


@pytest.mark.parametrize(
    "turn",
    [
        "Be brief.\n\n{question}",
        "You are a helpful assistant of the Nordwind company. Cite your sources.\n\nBe polite.\n\n{question}",
        "{question}\n\nPlease answer in one sentence.",
    ],
)
@pytest.mark.parametrize(
    "question", ["How tall does a red pine grow?", "How far can the calls of a blue whale be heard?"]
)
def test_a_folded_system_message_does_not_change_the_answer(library: Api, turn: str, question: str) -> None:
    """Adapters put it before the question, with a blank line between."""
    alone = library.ask(question).partition("\n")[0]
    assert "could not find" not in alone
    assert library.ask(turn.format(question=question)).partition("\n")[0] == alone


def test_a_turn_whose_paragraphs_ask_nothing_is_searched_as_a_whole(library: Api) -> None:
    assert "sandy soil" in library.ask("Tell me about the soil.\n\nI mean the one that red pines prefer.")


def test_a_quoted_phrase_wins(local: LocalAssistant, api: Api) -> None:
    local.upload_text("a.txt", "The error code red seven means that the pump is dry.")
    local.upload_text("b.txt", "The error code seven red means that the valve is stuck.")
    assert api.ask('What does the error code "seven red" mean?').startswith("The error code seven red means")


def test_text_without_spaces_is_found(local: LocalAssistant, api: Api) -> None:
    local.upload_text("matsu.md", "# 赤松\n\n赤松の高さは三十メートルに達する。樹皮は赤い。")
    local.upload_text("kujira.md", "# 鯨\n\n鯨は海に住む動物である。")
    assert api.ask("赤松の高さは?").startswith("赤松の高さは三十メートルに達する  [1]。")


def test_accents_and_endings_do_not_matter(local: LocalAssistant, api: Api) -> None:
    local.upload_text("cafe.txt", "The Café Müller serves cakes every morning.")
    assert "Café" in api.ask("When is a cake served at cafe Muller?")


def test_a_question_in_the_text_is_answered_by_what_follows_it(local: LocalAssistant, api: Api) -> None:
    local.upload_text("faq.md", "How do I cancel my subscription? Open the account page and press the grey button.")
    assert "grey button" in api.ask("How do I cancel my subscription?")


def test_a_replaced_file_answers_with_its_new_text_only(local: LocalAssistant, api: Api) -> None:
    api.upload("pine.md", "The red pine grows 25 meters high.", method="PUT", file_id="p")
    api.upload("pine.md", "The red pine grows 31 meters high.", method="PUT", file_id="p")
    snippets = api.context(query="red pine").json()["snippets"]
    assert [snippet["content"] for snippet in snippets] == ["The red pine grows 31 meters high."]


def test_answers_come_quickly_from_1000_passages() -> None:
    """Far above what it takes (some milliseconds), because the machine may be busy."""
    with LocalAssistant() as local, requests.Session() as session:
        api = Api(local, session=session)
        text = "\n\n".join(f"# Part {n}\n\nPart {n} of the machine is number {n * 7} on the list." for n in range(1000))
        local.upload_text("parts.md", text)
        times = [
            api.completions(f"Which number is part {n} of the machine?").elapsed.total_seconds() for n in range(20)
        ]
        assert sorted(times)[10] < 0.1
        assert "number 3493" in api.ask("Which number on the list is part 499 of the machine?")


def test_stems_are_those_of_the_index() -> None:
    stems = Stems()
    try:
        assert stems.of(["running", "runs", "ponies", "naïve"]) == ["run", "run", "poni", "naiv"]
        assert stems.of(["runs", "running"]) == ["run", "run"]
        assert stems.of([]) == []
    finally:
        stems.close()


def test_words_are_lower_case_and_pairs_where_there_are_no_spaces() -> None:
    assert words_of("Red_pine's 25m 赤松は") == ["red", "pine", "s", "25m", "赤松", "松は"]
