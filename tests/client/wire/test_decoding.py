"""Decoding whole answers: every shape that the service is known to write, and bodies that are not answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pinecone_assistant_client.answers import ChatCompletion, Context, Snippet, SnippetImage, Usage
from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import StreamError
from pinecone_assistant_client.wire.decoding import (
    decode_assistant_host,
    decode_chat,
    decode_chat_completion,
    decode_context,
)

ID = "0123456789abcdef0123456789abcdef"
URL = "https://storage.example/pine.pdf?X-Goog-Signature=SIGNED"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Pine.  [1, pp. 1]"}}
COMPLETION = {"id": ID, "model": "gpt-4o-2024-11-20", "choices": [CHOICE], "usage": USAGE}
REFERENCE = {
    "type": "pdf",
    "file": {"id": "f-1", "name": "pine.pdf", "signed_url": URL, "status": "Available", "metadata": None},
    "pages": [1, 2],
    "highlight": {"type": "text", "content": "25 m"},
}
CHAT = {
    "id": ID,
    "model": "gpt-4o-2024-11-20",
    "message": {"role": "assistant", "content": "Pine."},
    "finish_reason": "stop",
    "citations": [{"position": 4, "references": [REFERENCE]}],
    "usage": USAGE,
    "context_snippet_count": 3,
}


def body(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def completion(**changes: Any) -> ChatCompletion:
    """The decoded answer with fields changed; `...` removes one."""
    return decode_chat_completion(body({k: v for k, v in (COMPLETION | changes).items() if v is not ...}))


def chat(**changes: Any) -> ChatCompletion:
    return decode_chat(body({k: v for k, v in (CHAT | changes).items() if v is not ...}))


@pytest.mark.parametrize("wire", [COMPLETION, {"chat_completion": COMPLETION}], ids=["bare", "wrapped"])
def test_an_answer_is_read_bare_and_wrapped(wire: Any) -> None:
    assert decode_chat_completion(body(wire)) == ChatCompletion(
        id=ID,
        model="gpt-4o-2024-11-20",
        content="Pine.  [1, pp. 1]",
        finish_reason="stop",
        usage=Usage(9, 4, 13),
        citations=(Citation(7, 17, (Reference(number=1, pages=(1,)),)),),
    )


def test_white_space_and_a_byte_order_mark_before_an_answer_are_no_matter() -> None:
    assert decode_chat_completion(b"\xef\xbb\xbf \r\n" + body(COMPLETION)).content == "Pine.  [1, pp. 1]"


@pytest.mark.parametrize("missing", [..., None])
@pytest.mark.parametrize("name", ["id", "model", "usage"])
def test_what_an_answer_may_lack_is_none(name: str, missing: Any) -> None:
    answer = completion(**{name: missing})
    assert getattr(answer, name) is None
    assert answer.content == "Pine.  [1, pp. 1]"
    assert getattr(chat(**{name: missing}), name) is None


def test_an_answer_may_lack_all_but_its_choices() -> None:
    raw = b'{"choices": [{"message": {"content": "Yes."}}]}'
    assert decode_chat_completion(raw) == ChatCompletion(id=None, model=None, content="Yes.")


@pytest.mark.parametrize(
    "message", [None, {}, {"role": "assistant"}, {"role": "assistant", "content": None}, {"role": "", "content": ""}]
)
def test_an_answer_without_a_message_or_content_is_empty_text(message: Any) -> None:
    answer = completion(choices=[{"finish_reason": "content_filter", "message": message}])
    assert (answer.content, answer.finish_reason, answer.citations) == ("", "content_filter", ())
    assert completion(choices=[{"finish_reason": "stop"}]).content == ""


@pytest.mark.parametrize("role", ["", None, '"assistant"', "assistant", 7, ["odd"]])
def test_any_role_is_read_because_it_tells_nothing(role: Any) -> None:
    message = {"role": role, "content": "Pine."}
    assert completion(choices=[{"message": message}]).content == "Pine."
    assert chat(message=message).content == "Pine."


@pytest.mark.parametrize("finish", ["null", "", None, ...])
def test_a_finish_reason_of_null_in_a_whole_answer_is_none(finish: Any) -> None:
    choice = {k: v for k, v in {"message": {"content": "Pine."}, "finish_reason": finish}.items() if v is not ...}
    assert completion(choices=[choice]).finish_reason is None
    assert chat(finish_reason=finish).finish_reason is None


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter", "tool_calls", "function_call", "a new one"])
def test_other_finish_reasons_are_kept(finish: str) -> None:
    assert completion(choices=[{"finish_reason": finish, "message": {"content": "x"}}]).finish_reason == finish
    assert chat(finish_reason=finish).finish_reason == finish


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, Usage(0, 0, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4, 13)),
        ({"prompt_tokens": None, "completion_tokens": 4, "total_tokens": None}, Usage(0, 4, 4)),
        ({"total_tokens": 13}, Usage(0, 0, 13)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 4, "cached": 7}, Usage(1, 2, 4)),
    ],
)
def test_usage_may_be_given_in_part(usage: Any, expected: Usage) -> None:
    assert completion(usage=usage).usage == chat(usage=usage).usage == expected


def test_only_the_first_choice_is_read() -> None:
    assert completion(choices=[CHOICE, {"message": {"content": "another"}}]).content == "Pine.  [1, pp. 1]"


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    choice = CHOICE | {"logprobs": None, "message": {"content": "Pine.", "refusal": None, "audio": {}}}
    assert completion(choices=[choice], object="chat.completion", created=1, extra={"a": [1]}).content == "Pine."
    assert chat(content_filter_results={"a": 1}, extra=None).context_snippet_count == 3


def test_text_keeps_every_character_the_service_wrote() -> None:
    text = " a\u2028b\u2029c\u0085 \U0001f332\r\n\t\u0000 "
    assert completion(choices=[{"message": {"content": text}}]).content == text
    assert chat(message={"content": text}).content == text


def test_text_keeps_its_reference_list_and_the_citations_have_its_files() -> None:
    text = f"Pine [1].\n\nReferences:\n1. [pine.pdf]({URL}) \n"
    answer = completion(choices=[{"message": {"content": text}}])
    assert answer.content == text
    assert answer.citations == (Citation(5, 8, (Reference(number=1, file_name="pine.pdf", url=URL),)),)


def test_an_answer_of_the_standard_interface_has_citations_with_files_pages_and_highlight() -> None:
    assert chat() == ChatCompletion(
        id=ID,
        model="gpt-4o-2024-11-20",
        content="Pine.",
        finish_reason="stop",
        usage=Usage(9, 4, 13),
        citations=(
            Citation(
                4,
                4,
                (Reference(pages=(1, 2), file_name="pine.pdf", file_id="f-1", url=URL, highlight="25 m"),),
            ),
        ),
        context_snippet_count=3,
    )


@pytest.mark.parametrize(
    ("citations", "expected"),
    [
        (None, ()),
        (..., ()),
        ([], ()),
        ([{"position": 0}], (Citation(0, 0),)),
        ([{"position": 1, "references": []}], (Citation(1, 1),)),
        ([{"position": 1, "references": [{}]}], (Citation(1, 1, (Reference(),)),)),
        (
            [{"position": 1, "references": [{"file": {"name": "a.txt"}, "pages": None, "highlight": None}]}],
            (Citation(1, 1, (Reference(file_name="a.txt"),)),),
        ),
        (
            [{"position": 1, "references": [{"file": None, "pages": [], "highlight": {"content": None}}]}],
            (Citation(1, 1, (Reference(),)),),
        ),
        ([{"position": 2}, {"position": 1}], (Citation(2, 2), Citation(1, 1))),
    ],
)
def test_citations_of_the_standard_interface_may_lack_nearly_everything(citations: Any, expected: Any) -> None:
    assert chat(citations=citations).citations == expected


def test_markers_in_the_text_of_the_standard_interface_are_no_citations() -> None:
    """Its citations are structured; a `[1]` there is text."""
    assert chat(message={"content": "Pine [1]."}, citations=[]).citations == ()


def test_a_json_answer_of_the_standard_interface_is_text() -> None:
    assert json.loads(chat(message={"role": "assistant", "content": '{"meters": 25}'}).content) == {"meters": 25}


def test_context_gives_snippets_with_text_images_and_references() -> None:
    image = {
        "type": "image",
        "caption": "a tree",
        "image": {"type": "base64", "mime_type": "image/png", "data": "iVBO"},
    }
    wire = {
        "id": ID,
        "usage": USAGE | {"completion_tokens": 0},
        "snippets": [
            {"type": "text", "content": "25 m", "score": 0.9, "reference": REFERENCE},
            {
                "type": "multimodal",
                "score": 1,
                "reference": {"type": "doc_x", "file": {"name": "b.docx"}, "pages": [3]},
                "content": [{"type": "text", "text": "A"}, image, {"type": "text", "text": "B"}, {"type": "new"}],
            },
            {"type": "multimodal", "content": [{"type": "image", "caption": "only", "image": None}]},
            {"type": "text", "content": "", "score": -1.5, "reference": None},
        ],
    }
    first = Reference(pages=(1, 2), file_name="pine.pdf", file_id="f-1", url=URL, highlight="25 m")
    assert decode_context(body(wire)) == Context(
        snippets=(
            Snippet("25 m", 0.9, first),
            Snippet(
                "A\nB",
                1.0,
                Reference(pages=(3,), file_name="b.docx"),
                (SnippetImage("a tree", "image/png", "iVBO"),),
            ),
            Snippet("", 0.0, Reference(), (SnippetImage("only"),)),
            Snippet("", -1.5, Reference()),
        ),
        usage=Usage(9, 0, 13),
        id=ID,
    )


def test_context_may_find_nothing() -> None:
    assert decode_context(b'{"snippets": []}') == Context(())


def test_secrets_and_binary_data_stay_out_of_reprs() -> None:
    wire = {"snippets": [{"content": [{"type": "image", "image": {"data": "iVBO"}}], "reference": REFERENCE}]}
    assert "SIGNED" not in repr(chat()) + repr(decode_context(body(wire)))
    assert "iVBO" not in repr(decode_context(body(wire)))


def test_the_host_of_an_assistant_is_read() -> None:
    wire = {"name": "docs", "status": "Ready", "host": "https://prod-1-data.ke.pinecone.io", "metadata": {}}
    assert decode_assistant_host(body(wire), "docs") == "https://prod-1-data.ke.pinecone.io"


@pytest.mark.parametrize("host", [{}, {"host": None}, {"host": ""}])
def test_an_assistant_without_a_host_raises_with_its_name_and_status(host: Any) -> None:
    with pytest.raises(StreamError, match=r'assistant "docs" has no host yet \(status Initializing\)'):
        decode_assistant_host(body({"status": "Initializing", **host}), "docs")


DECODERS: list[Callable[[bytes], Any]] = [
    decode_chat_completion,
    decode_chat,
    decode_context,
    lambda raw: decode_assistant_host(raw, "docs"),
]
EACH = pytest.mark.parametrize("decode", DECODERS, ids=["completion", "chat", "context", "host"])


@EACH
@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Sign in", b" \n<html>", b"\xef\xbb\xbf<html>"])
def test_a_web_page_gives_its_own_sentence(decode: Callable[[bytes], Any], page: bytes) -> None:
    with pytest.raises(StreamError, match="a web page came instead of an answer: look for a proxy or a wrong host"):
        decode(page)


@EACH
def test_nothing_gives_its_own_sentence(decode: Callable[[bytes], Any]) -> None:
    with pytest.raises(StreamError, match="the answer is empty"):
        decode(b"\n")


@pytest.mark.parametrize("choices", [[], None, ...])
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_answer_without_choices_raises(choices: Any, wrapped: bool) -> None:
    wire = {k: v for k, v in (COMPLETION | {"choices": choices}).items() if v is not ...}
    with pytest.raises(StreamError, match="no choices"):
        decode_chat_completion(body({"chat_completion": wire} if wrapped else wire))


@pytest.mark.parametrize("decode", DECODERS[:3], ids=["completion", "chat", "context"])
@pytest.mark.parametrize(
    ("wire", "code", "said"),
    [
        ({"error": {"code": "INTERNAL", "message": "Oops"}, "status": 500}, "INTERNAL", "INTERNAL: Oops"),
        ({"error": "Oops"}, None, "Oops"),
        ({"error": {"message": "Oops"}} | COMPLETION, None, "Oops"),
        ({"error": {"code": 13, "message": "Oops"}}, "13", "13: Oops"),
        ({"error": {"code": "INTERNAL"}}, "INTERNAL", "inside the answer: INTERNAL; see"),
        ({"error": True}, None, "true"),
        ({"error": {"code": "X", "message": f"no {URL}"}}, "X", "X: no https://storage.example/pine.pdf?[cut]"),
    ],
)
def test_an_error_inside_a_200_raises_with_its_code_and_message(
    decode: Callable[[bytes], Any], wire: Any, code: str | None, said: str
) -> None:
    with pytest.raises(StreamError) as caught:
        decode(body(wire))
    assert "the service reported an error inside the answer: " in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.code == code
    assert caught.value.body["error"]
    assert "SIGNED" not in str(caught.value) + repr(caught.value.body)


@pytest.mark.parametrize("decode", DECODERS[:3], ids=["completion", "chat", "context"])
def test_an_error_of_null_is_none(decode: Callable[[bytes], Any]) -> None:
    assert decode(body(COMPLETION | CHAT | {"snippets": [], "error": None})) is not None


def test_a_signed_url_in_what_cannot_be_read_is_cut_from_the_message() -> None:
    with pytest.raises(StreamError) as caught:
        decode_chat_completion(f"see {URL} for more".encode())
    assert "SIGNED" not in str(caught.value)
    assert "pine.pdf?[cut]" in str(caught.value)
