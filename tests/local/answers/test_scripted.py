"""Scripted replies and the `generate` hook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import requests

from pinecone_assistant_local import FoundPassage, LocalAssistant

from ..conftest import Api, events_of, text_of
from ..documents.made_files import pdf

FACT = "The red pine can grow up to 25 meters high."


def test_a_reply_is_given_word_for_word_and_needs_no_files(local: LocalAssistant, api: Api) -> None:
    text = "Odd  spacing, [1] markers\n\nand *markup*"
    local.reply(text)
    assert api.ask("?!") == text
    assert text_of(events_of(api.completions("?!", stream=True))) == text
    assert api.chat("?!").json()["message"]["content"] == text


def test_replies_are_given_in_order_and_as_often_as_asked(local: LocalAssistant, api: Api) -> None:
    local.upload_text("pine.md", FACT)
    local.reply("One.", times=1)
    local.reply("Two.", times=2)
    answers = [api.ask("How high is a red pine?") for _ in range(4)]
    assert answers[:3] == ["One.", "Two.", "Two."]
    assert "25 meters" in answers[3]


def test_an_endless_reply_gives_way_to_the_next(local: LocalAssistant, api: Api) -> None:
    local.reply("One.")
    assert [api.ask("?!"), api.ask("?!")] == ["One.", "One."]
    local.reply("Two.")
    assert api.ask("?!") == "Two."


def test_a_file_name_is_a_citation_before_the_final_full_stop(local: LocalAssistant, api: Api) -> None:
    file = local.upload_text("pine.md", FACT)
    local.reply("It is tall.", citations=["pine.md"])
    assert api.ask("?!").startswith("It is tall  [1].\n\nReferences:\n1. [pine.md](http://")
    [citation] = api.chat("?!").json()["citations"]
    assert citation["position"] == len("It is tall")
    assert citation["references"][0]["file"]["id"] == file.id


def test_a_citation_can_have_pages_a_position_and_a_highlight(local: LocalAssistant, api: Api) -> None:
    local.reply(
        "First. Second.",
        citations=[
            {"file": "a.pdf", "pages": [1, 3, 4], "position": 5},
            {"file": "b.pdf", "pages": [2], "position": 13, "highlight": "two"},
            {"file": "a.pdf", "position": 13},
        ],
    )
    assert api.ask("?!").startswith("First  [1, pp. 1, 3-4]. Second  [2, pp. 2; 1].\n\nReferences:\n1. [a.pdf]")
    first, second = api.chat("?!", include_highlights=True).json()["citations"]
    assert (first["position"], first["references"][0]["pages"]) == (5, [1, 3, 4])
    assert [reference["file"]["name"] for reference in second["references"]] == ["b.pdf", "a.pdf"]
    assert second["references"][0]["highlight"] == {"type": "text", "content": "two"}
    assert first["references"][0]["file"]["id"] == second["references"][1]["file"]["id"]


@pytest.mark.parametrize(
    "citation",
    [
        {"name": "a.pdf"},
        {"file": 5},
        {"file": "a", "page": 1},
        {"file": "a", "pages": 1},
        {"file": "a", "position": -1},
    ],
)
def test_a_citation_that_makes_no_sense_is_refused(local: LocalAssistant, citation: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"citation|pages|position"):
        local.reply("x", citations=[citation])


def test_an_unknown_assistant_gets_no_reply(local: LocalAssistant, api: Api) -> None:
    local.reply("Yes.", times=1)
    assert api.call("POST", "/chat/nobody", json={"messages": [{"role": "user", "content": "?"}]}).status_code == 404
    assert api.completions("").status_code == 400
    assert api.ask("?!") == "Yes."


def test_the_hook_writes_the_answer_from_the_passages() -> None:
    seen: list[tuple[str, Sequence[FoundPassage]]] = []

    def write(question: str, passages: Sequence[FoundPassage]) -> str:
        seen.append((question, passages))
        return "About 25 meters [1]."

    with LocalAssistant(generate=write) as local, requests.Session() as session:
        api = Api(local, session=session)
        local.upload_text("pine.md", f"# Red pine\n\n{FACT}")
        assert api.ask("How high is a red pine?").startswith("About 25 meters  [1].\n\nReferences:\n1. [pine.md]")
        body = api.chat("How high is a red pine?", include_highlights=True).json()
        assert body["model"] == "gpt-4o@local-generate"
        assert body["message"]["content"] == "About 25 meters."
        assert body["citations"][0]["position"] == len("About 25 meters")
        question, [passage] = seen[0]
        assert question == "How high is a red pine?"
        assert (passage.number, passage.text, passage.heading, passage.file_name) == (1, FACT, "Red pine", "pine.md")
        assert 0 < passage.score <= 1


def test_the_hook_may_write_in_parts_and_split_its_markers() -> None:
    def write(_question: str, _passages: Sequence[FoundPassage]) -> Iterator[str]:
        yield from ["About ", "25 meters", " [", "1", "]", ", it says in [brackets] and", " [9] and [", "1", ",2]."]

    with LocalAssistant(generate=write, references=False) as local, requests.Session() as session:
        api = Api(local, session=session)
        local.upload_text("pine.md", FACT)
        expected = "About 25 meters  [1], it says in [brackets] and [9] and  [1]."
        assert api.ask("How high is a red pine?") == expected
        assert text_of(events_of(api.completions("How high is a red pine?", stream=True))) == expected


def test_pages_of_one_file_are_one_reference() -> None:
    """The service's citations have several pages, `pages: [56, 57, 58]`."""
    pages = [[f"The red pine has fact number {number}."] for number in range(1, 4)]
    with LocalAssistant(generate=lambda _q, _p: "Three facts [1, 2, 3].", references=False) as local:
        api = Api(local)
        api.upload("pine.pdf", pdf(*pages))
        assert api.ask("Which facts has the red pine?") == "Three facts  [1, pp. 1-3]."
        [citation] = api.chat("Which facts has the red pine?").json()["citations"]
        [reference] = citation["references"]
        assert (reference["file"]["name"], reference["pages"]) == ("pine.pdf", [1, 2, 3])
        api.session.close()


def test_what_the_hook_leaves_uncited_is_cited_at_the_end() -> None:
    with LocalAssistant(generate=lambda _q, _p: "25 meters.") as local, requests.Session() as session:
        local.upload_text("pine.md", FACT)
        body = Api(local, session=session).chat("How high is a red pine?").json()
        assert [citation["position"] for citation in body["citations"]] == [len("25 meters.")]


def test_the_hook_is_not_asked_when_nothing_was_found() -> None:
    with LocalAssistant(generate=lambda _q, _p: "made up") as local, requests.Session() as session:
        local.upload_text("pine.md", FACT)
        assert "could not find" in Api(local, session=session).ask("What is a zeppelin?")


def test_a_hook_that_fails_is_500_and_an_error_event(caplog: pytest.LogCaptureFixture) -> None:
    def write(_question: str, _passages: Sequence[FoundPassage]) -> Iterator[str]:
        yield "Some "
        raise RuntimeError("the model is out")

    with LocalAssistant(generate=write) as local, requests.Session() as session:
        api = Api(local, session=session)
        local.upload_text("pine.md", FACT)
        assert api.completions("How high is a red pine?").status_code == 500
        events = events_of(api.completions("How high is a red pine?", stream=True))
        assert events[-1] == {"error": {"code": "INTERNAL", "message": "The generate hook failed: RuntimeError."}}
        assert "the model is out" in caplog.text
