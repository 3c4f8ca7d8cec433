"""Messages: how a conversation is folded, and which ones are refused before anything is sent."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client import InvalidRequestError, Message
from pinecone_assistant_client.messages import fold_messages


def turns(*messages: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in messages]


def folded(*messages: tuple[str, str]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in fold_messages(turns(*messages))]


def said(bad: Any, **options: Any) -> str:
    """The error of a list of messages, without the pointer to the docs."""
    with pytest.raises(InvalidRequestError) as caught:
        fold_messages(bad, **options)
    return str(caught.value).removesuffix("; see docs/errors.md#invalidrequesterror")


def test_messages_may_be_values_or_dicts_or_both_and_come_from_any_iterable() -> None:
    mixed: list[Message | dict[str, str]] = [
        Message("user", "a"),
        {"role": "assistant", "content": "b"},
        Message("user", "c"),
    ]
    expected = [Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    assert fold_messages(mixed) == fold_messages(tuple(mixed)) == fold_messages(iter(mixed)) == expected


def test_text_is_sent_as_it_is() -> None:
    content = "  ä\u2028\U0001f332 \n "
    assert folded(("user", content)) == [("user", content)]


def test_system_messages_come_in_order_before_the_first_user_text() -> None:
    assert folded(("system", "S1"), ("developer", "D"), ("user", "U1"), ("assistant", "A"), ("user", "U2")) == [
        ("user", "S1\n\nD\n\nU1"),
        ("assistant", "A"),
        ("user", "U2"),
    ]


def test_system_messages_from_anywhere_go_to_the_first_user_turn() -> None:
    """A system message between two turns of one role does not keep them from being joined."""
    assert folded(("user", "U1"), ("system", "S1"), ("user", "U2"), ("assistant", "A"), ("system", "S2")) == [
        ("user", "S1\n\nS2\n\nU1\n\nU2"),
        ("assistant", "A"),
    ]


def test_an_assistant_turn_before_the_first_user_turn_stays_first() -> None:
    assert folded(("system", "S"), ("assistant", "Hello."), ("user", "U")) == [
        ("assistant", "Hello."),
        ("user", "S\n\nU"),
    ]


def test_turns_of_one_role_in_a_row_become_one() -> None:
    assert folded(("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d"), ("user", "e")) == [
        ("user", "a\n\nb"),
        ("assistant", "c\n\nd"),
        ("user", "e"),
    ]


def test_a_conversation_may_end_with_the_assistant() -> None:
    assert folded(("user", "a"), ("assistant", "b")) == [("user", "a"), ("assistant", "b")]


def test_the_input_is_not_changed() -> None:
    messages: list[Any] = [*turns(("system", "S"), ("user", "a"), ("user", "b")), Message("user", "c")]
    before = copy.deepcopy(messages)
    fold_messages(messages)
    assert messages == before


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_messages_are_refused_where_that_is_asked_for(role: str) -> None:
    assert said(turns(("user", "a"), (role, "S")), system_messages="error") == (
        f'messages[1] is a {role} message and system_messages="error": '
        'the assistant takes none; put the text into a user message or use system_messages="merge"'
    )
    assert len(fold_messages(turns(("user", "a")), system_messages="error")) == 1


@pytest.mark.parametrize(
    "messages",
    [[], turns(("system", "S")), turns(("developer", "S"), ("system", "S")), turns(("assistant", "A")), iter(())],
)
def test_without_a_user_turn_there_is_nothing_to_answer(messages: Any) -> None:
    assert said(messages) == "no user message to answer: add one with role 'user'"


@pytest.mark.parametrize("content", ["", " ", "\n\t ", "\u2003", "\u0085"])
def test_a_blank_question_is_refused_with_its_place(content: str) -> None:
    for messages in (turns(("user", "a"), ("user", content)), turns(("system", "S"), ("user", content))):
        assert said(messages) == "messages[1].content (user) is empty: a question needs text"


@pytest.mark.parametrize("content", ["", " ", "\n\t ", "\u2003", "\u0085", None])
@pytest.mark.parametrize("role", ["assistant", "system", "developer"])
def test_a_blank_turn_of_another_role_is_left_out(role: str, content: Any) -> None:
    """Every later turn was refused because of an answer without text, so the conversation could not go on."""
    for blank in (Message(role, content), {"role": role, "content": content}):
        messages = [{"role": "user", "content": "a"}, blank, {"role": "user", "content": "b"}]
        for system_messages in ("merge", "error"):
            assert fold_messages(messages, system_messages=system_messages) == [Message("user", "a\n\nb")]
        assert said([blank]) == "no user message to answer: add one with role 'user'"


@pytest.mark.parametrize(
    "role", ["tool", "function", "User", "human", "ai", "", " user", None, 7, '"user"', ["user"], {}]
)
def test_an_unknown_role_is_refused_by_name(role: Any) -> None:
    assert said([{"role": role, "content": "a"}]) == (
        f"messages[0].role is {role!r}: use one of user, assistant, system, developer"
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "NoneType"),
        (7, "int"),
        (b"text", "bytes"),
        ([], "list"),
        (["text"], "list"),
        ([{"type": "text", "text": "a"}], "list of text blocks"),
        ([{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}], "list of image_url blocks"),
        ([{"text": "a"}], "list of untyped blocks"),
        ({"type": "text"}, "dict"),
    ],
)
def test_content_that_is_no_text_is_refused_and_named(content: Any, found: str) -> None:
    messages = [Message("user", "a"), {"role": "user", "content": content}]
    assert said(messages) == f"messages[1].content is a {found}: the assistant takes text (str) only"
    assert said([Message("user", content)]) == f"messages[0].content is a {found}: the assistant takes text (str) only"


def test_blocks_of_several_kinds_are_named_by_the_one_that_is_no_text() -> None:
    blocks = [{"type": "text", "text": "what is this?"}, {"type": "image_url"}]
    assert "list of image_url blocks" in said([{"role": "user", "content": blocks}])


@pytest.mark.parametrize("message", [{"content": "a"}, {"role": "user"}, {}])
def test_a_dict_without_role_or_content_is_refused(message: Any) -> None:
    assert said([message]).startswith("messages[0].")


def test_an_unknown_key_is_refused_by_name() -> None:
    assert said([{"role": "user", "content": "a", "name": "Bob"}]) == (
        "messages[0] has the key 'name': only role and content are known"
    )
    assert "the key 7" in said([{"role": "user", "content": "a", 7: "x"}])


@pytest.mark.parametrize("value", ["user", None, 7, ("user", "a"), ["user", "a"]])
def test_what_is_no_message_is_refused_by_type(value: Any) -> None:
    assert said([value]) == (
        f"messages[0] is a {type(value).__name__}: pass Message(role, content) or a dict with these keys"
    )


@pytest.mark.parametrize("value", ["How tall?", b"How tall?", {"role": "user", "content": "a"}])
def test_one_message_in_place_of_a_list_is_refused_with_an_example(value: Any) -> None:
    assert said(value) == (
        f"messages is a {type(value).__name__}: pass a list, such as [{{'role': 'user', 'content': '...'}}]"
    )


@pytest.mark.parametrize("value", [None, 7, Message("user", "a")])
def test_what_cannot_be_iterated_is_refused_by_type_too(value: Any) -> None:
    assert said(value).startswith(f"messages is a {type(value).__name__}: pass a list")


@pytest.mark.parametrize(("content", "at"), [("\ud800", 0), ("ab\udfffc", 2)])
def test_a_lone_surrogate_is_refused_with_its_place(content: str, at: int) -> None:
    assert said([{"role": "user", "content": content}]) == (
        f"messages[0].content has a lone surrogate at character {at}: it is not valid text"
    )


ROLES = st.sampled_from(["user", "assistant", "system", "developer"])
TEXTS = st.text(min_size=1, max_size=6, alphabet="ab \nä")


@given(st.lists(st.tuples(ROLES, TEXTS.filter(lambda text: bool(text.strip()))), max_size=10))
def test_folding_keeps_every_text_and_leaves_alternating_turns(messages: list[tuple[str, str]]) -> None:
    if not any(role == "user" for role, _ in messages):
        said(turns(*messages))
        return
    result = folded(*messages)
    assert {role for role, _ in result} <= {"user", "assistant"}
    assert all(one != other for (one, _), (other, _) in pairwise(result))
    sent, given_ = ("".join(content for _, content in some).replace("\n", "") for some in (result, messages))
    assert sorted(sent) == sorted(given_)
    assert fold_messages([Message(*turn) for turn in result]) == [Message(*turn) for turn in result]
