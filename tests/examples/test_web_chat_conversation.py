"""The web chat's conversations as data: positions of citations, messages sent, text shown. Without browser and Gradio."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

import pytest
from markdown_it import MarkdownIt

from pinecone_assistant_client import APIConnectionError, AssistantFile, Citation, Reference

sys.path.append(str(Path(__file__).parents[2] / "examples"))
from web_chat.conversation import (
    _CODE,
    Chats,
    Passage,
    Turn,
    answer_of,
    chat_of,
    filter_of,
    messages_of,
    passages_of,
    picks_of,
    plain,
    title_of,
    words_for_users,
    words_of_filter,
)


def complete(question: str, text: str, *passages: Passage) -> Turn:
    return Turn(question, None, text, list(passages), "complete")


def test_citations_are_placed_by_code_point_and_numbered_by_source() -> None:
    """The service counts code points; emoji and unordered citations show a difference from UTF-16 units."""
    turn = Turn("?", text="\U0001f332\U0001f332 Tall. \U0001f41d Small.")
    turn.cite([Citation(16, 16, (Reference(file_name="a.pdf", pages=(2,)),))])
    turn.cite([Citation(7, 7, (Reference(file_name="a.pdf", pages=(2,)), Reference(file_name="b.pdf", pages=(3, 4))))])
    assert re.sub(r"\(.*?\)", "", answer_of(3, turn)) == (
        "\U0001f332\U0001f332 Tall [\\[1\\]] [\\[2\\]]. \U0001f41d Small [\\[1\\]]."
    )
    links = ["passage-3-2", "passage-3-3", "passage-3-1"]
    assert re.findall(r"\(#(\S+) ", answer_of(3, turn)) == links
    assert '(#passage-3-3 "b&#46;pdf&#44; pages 3&#44; 4")' in answer_of(3, turn)


@pytest.mark.parametrize(
    "text",
    [
        "See\n```\nx = 1\n```\nso.",
        "```\nx\n```\n```py\ny\n```",
        "See\n\n~~~py\nx = 1",
        "````\n```\nx\n```\n````\nSo.",
        "See `x = 1` so, and ``y ` 2``.",
        "A lone ` is no code.",
    ],
)
def test_a_citation_inside_code_is_a_link_before_it(text: str) -> None:
    """Inside code a link would appear as Markdown source; the code itself is unchanged."""
    markdown = MarkdownIt("commonmark")
    code = re.compile(r"<code.*?</code>", re.DOTALL)
    inside = {position for match in _CODE.finditer(text) for position in range(match.start() + 1, match.end())}
    for position in sorted(inside) or range(len(text) + 1):
        shown = markdown.render(answer_of(1, Turn("?", text=text, passages=[Passage(position, "a.md", "")])))
        assert shown.count('<a href="#passage-1-1"') == 1
        assert code.findall(shown) == code.findall(markdown.render(text))
        assert "<a" not in "".join(code.findall(shown))


def test_a_position_past_the_text_so_far_is_at_its_end() -> None:
    assert answer_of(1, Turn("?", text="Tall", passages=[Passage(40, "a", "")])) == 'Tall [\\[1\\]](#passage-1-1 "a")'


def test_only_complete_answers_with_text_are_sent_along() -> None:
    outcomes: list[Literal["interrupted", "stopped", "failed"]] = ["interrupted", "stopped", "failed"]
    turns = [Turn(outcome, text="half", outcome=outcome) for outcome in outcomes]
    turns += [complete("empty", " "), complete("How?", "So.")]
    assert messages_of(turns, "And?") == [
        {"role": "user", "content": "How?"},
        {"role": "assistant", "content": "So."},
        {"role": "user", "content": "And?"},
    ]


def test_an_answer_says_its_filter_and_why_it_ended_early() -> None:
    turns = [
        Turn("1", {"topic": {"$in": ["trees", "a*b"]}, "year": {"$in": [2024]}}, "Half", outcome="stopped"),
        Turn("2", text="Half", outcome="failed", problem="No [server](x)."),
        Turn("3"),
    ]
    one, two, three = (message["content"] for message in chat_of(turns) if message["role"] == "assistant")
    assert one.startswith(
        "*Only files with topic&#58; trees or a&#42;b&#44; and year&#58; 2024*\n\nHalf\n\n**Stopped&#46;"
    )
    assert two == "Half\n\n**No &#91;server&#93;&#40;x&#41;&#46;**"
    assert "interrupted" in three
    assert chat_of(turns, running=True)[-1]["content"] == "…"


def test_passages_are_the_newest_first_and_cannot_be_markup() -> None:
    turns = [
        complete("One?", "", Passage(0, "a.md", "<b>&\n\n# x")),
        complete("None?", ""),
        complete("<Two>?", "", Passage(0, "b", "y")),
    ]
    shown = passages_of(turns)
    assert shown.index('id="passage-3-1"') < shown.index('id="passage-1-1"')
    assert "passage-2" not in shown
    assert "&#60;b&#62;&#38;&#10;&#10;&#35; x" in shown
    assert "&#60;Two&#62;&#63;" in shown
    assert "Choose a number" in passages_of([])


def test_every_character_with_a_meaning_becomes_an_entity() -> None:
    assert plain("a_b") == "a&#95;b"
    assert set(plain("!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~\n\u2028")) <= set("&#;0123456789")
    assert plain("Höhe 3 名前") == "Höhe 3 名前"


def test_the_filter_is_any_of_a_keys_values_and_all_of_the_keys() -> None:
    files = [
        AssistantFile("1", "a", metadata={"topic": ["trees", "moss"], "year": 2024, "none": None}),
        AssistantFile("2", "b", metadata={"topic": "trees", "is_new": True}),
        AssistantFile("3", "c"),
    ]
    picks = dict(picks_of(files))
    assert list(picks) == ["is_new: True", "topic: moss", "topic: trees", "year: 2024"]
    chosen = filter_of(picks[words] for words in ("topic: moss", "year: 2024", "topic: trees"))
    assert chosen == {"topic": {"$in": ["moss", "trees"]}, "year": {"$in": [2024]}}
    assert words_of_filter(chosen) == "topic: moss or trees, and year: 2024"
    assert filter_of([]) is None


def test_chats_survive_the_browser_and_the_oldest_goes() -> None:
    turn = complete("How tall?", "Tall.", Passage(4, "a.md", "It is tall."))
    chats = Chats().with_turns([turn]).with_new()
    assert Chats.from_json(chats.to_json()) == chats == Chats(0, ([], [turn]))
    assert chats.with_new() == chats, "an empty conversation is not kept twice"
    for number in range(30):
        chats = chats.with_turns([complete(str(number), "")]).with_new()
    assert [title_of(turns) for turns in chats.chats[:3]] == ["New chat", "29", "28"]
    assert len(chats.chats) == 20


def test_users_read_what_happened_and_not_where_developers_read_on() -> None:
    assert (
        words_for_users(APIConnectionError("cannot connect to http://x: check the host"))
        == "cannot connect to http://x: check the host"
    )
