"""What an answer with status 200 means, judged by its body, plain and streamed."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from pinecone_assistant_client import (
    AssistantError,
    ChatCompletion,
    Citation,
    IncompleteStreamError,
    Reference,
    StreamError,
    Usage,
)

from .asking import Asking
from .raw_server import CLOSE, HOLD, RESET, Framing, RawServer, Step, chunk, head, reply, streamed
from .wire import (
    ANSWER_ID,
    CHAT_EVENTS,
    FILE,
    PARTS,
    QUESTION,
    TEXT,
    USAGE,
    chat_answer,
    chat_event,
    completion,
    event,
    part,
    parts,
)


def joined(chunks: Any) -> str:
    return "".join(chunk.content for chunk in chunks)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_answer_is_read_bare_and_wrapped(ask: Asking, server: RawServer, wrapped: bool) -> None:
    body = completion()
    server.script(reply({"chat_completion": body} if wrapped else body))
    assert ask().chat_completion(QUESTION) == ChatCompletion(
        id=ANSWER_ID,
        model="gpt-4o-2024-11-20",
        content=TEXT,
        finish_reason="stop",
        usage=Usage(10, 5, 15),
        citations=(Citation(35, 45, (Reference(number=1, pages=(1,)),)),),
    )
    assert TEXT[35:45] == "[1, pp. 1]"


@pytest.mark.parametrize("role", ["", None, '"assistant"', "assistant", ...])
def test_the_role_of_an_answer_does_not_matter(ask: Asking, server: RawServer, role: Any) -> None:
    message = {"content": "Yes."} | ({} if role is ... else {"role": role})
    server.script(
        reply(completion(choices=[{"message": message, "finish_reason": "stop"}])),
        streamed([event({"choices": [{"delta": message}]}), part(finish="stop")]),
    )
    asker = ask()
    assert asker.chat_completion(QUESTION).content == "Yes."
    assert joined(asker.stream_chat_completion(QUESTION)) == "Yes."


def test_usage_id_model_and_finish_reason_may_be_missing_in_a_whole_answer(ask: Asking, server: RawServer) -> None:
    server.script(reply({"choices": [{"message": {"content": "Yes."}}]}))
    assert ask().chat_completion(QUESTION) == ChatCompletion(id=None, model=None, content="Yes.")


@pytest.mark.parametrize("reason", ["null", None, ""])
def test_a_finish_reason_of_null_in_a_whole_answer_is_none(ask: Asking, server: RawServer, reason: str | None) -> None:
    server.script(reply(completion(choices=[{"message": {"content": "Yes."}, "finish_reason": reason}])))
    assert ask().chat_completion(QUESTION).finish_reason is None


def test_a_message_without_content_is_an_empty_answer(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(None)), reply(completion(choices=[{"finish_reason": "content_filter"}])))
    asker = ask()
    assert asker.chat_completion(QUESTION).content == ""
    assert asker.chat_completion(QUESTION).finish_reason == "content_filter"


def test_usage_without_a_total_is_summed(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(usage={"prompt_tokens": 3, "completion_tokens": 4})))
    assert ask().chat_completion(QUESTION).usage == Usage(3, 4, 7)


def test_unknown_fields_are_ignored(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion(system_fingerprint="x", created=1, usage={**USAGE, "details": {"cached": 1}})))
    assert ask().chat_completion(QUESTION).content == TEXT


def test_a_stream_gives_texts_then_finish_with_citations_then_usage(ask: Asking, server: RawServer) -> None:
    server.script(streamed(PARTS))
    chunks = list(ask().stream_chat_completion(QUESTION))
    assert joined(chunks) == TEXT
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, None, "stop", None]
    assert chunks[-2].citations == (Citation(35, 45, (Reference(number=1, pages=(1,)),)),)
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(10, 5, 15)]
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}


def test_different_ids_in_one_stream_become_the_first_one(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("A", id="first"), part("B", id="second"), part(finish="stop", id=None)]))
    assert {chunk.id for chunk in ask().stream_chat_completion(QUESTION)} == {"first"}


def test_empty_choices_in_a_stream_are_no_text(ask: Asking, server: RawServer) -> None:
    server.script(streamed([event({"choices": []}), part("Yes."), event({"choices": []}), part(finish="stop")]))
    assert joined(ask().stream_chat_completion(QUESTION)) == "Yes."


def test_a_first_chunk_with_role_and_content_counts(ask: Asking, server: RawServer) -> None:
    first = event({"id": "x", "choices": [{"delta": {"role": "assistant", "content": "Yes"}, "finish_reason": None}]})
    server.script(streamed([first, part("."), part(finish="stop")]))
    assert joined(ask().stream_chat_completion(QUESTION)) == "Yes."


def test_the_finish_reason_null_is_not_the_end_of_a_stream(ask: Asking, server: RawServer) -> None:
    server.script(
        streamed([part("Yes", finish="null"), part(".", finish="length")]),
        streamed([part("Yes", finish="null")]),
    )
    asker = ask()
    chunks = list(asker.stream_chat_completion(QUESTION))
    assert joined(chunks) == "Yes."
    assert [chunk.finish_reason for chunk in chunks] == [None, "length"]
    with pytest.raises(IncompleteStreamError):
        list(asker.stream_chat_completion(QUESTION))


def test_usage_on_the_finish_chunk_counts(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("Yes."), part(finish="stop", usage=USAGE)]))
    assert list(ask().stream_chat_completion(QUESTION))[-1].usage == Usage(10, 5, 15)


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
def test_a_stream_without_a_finish_reason_raises_with_the_text_so_far(
    ask: Asking, server: RawServer, framing: Framing
) -> None:
    server.script(streamed(PARTS[:3], framing=framing))
    stream = ask().stream_chat_completion(QUESTION)
    assert [next(stream).content, next(stream).content] == ["A red pine ", "grows up to "]
    with pytest.raises(IncompleteStreamError, match="cut after 23 characters") as caught:
        next(stream)
    assert caught.value.text == "A red pine grows up to "
    assert "may have been billed" in str(caught.value)


def test_a_done_event_ends_the_stream_and_is_no_finish_reason(ask: Asking, server: RawServer) -> None:
    server.script(
        streamed([*PARTS, b"data: [DONE]\n\n", b"data: not looked at\n\n"]),
        streamed([part("Yes"), b"data: [DONE]\n\n"]),
    )
    asker = ask()
    assert joined(asker.stream_chat_completion(QUESTION)) == TEXT
    with pytest.raises(IncompleteStreamError):
        list(asker.stream_chat_completion(QUESTION))


def test_a_done_event_ends_the_reading_though_the_server_keeps_the_connection(ask: Asking, server: RawServer) -> None:
    server.script(streamed([*PARTS, b"data: [DONE]\n\n", HOLD]))
    assert joined(ask().stream_chat_completion(QUESTION)) == TEXT
    assert server.sees_a_disconnect()


SERVICE_ERROR = {"error": {"code": "RESOURCE_EXHAUSTED", "message": "Tokens are used up."}}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (event(SERVICE_ERROR), ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED: Tokens are used up")),
        (event({"error": "model overloaded"}), (None, "model overloaded")),
        (event({"error": {"message": "no code"}, "choices": []}), (None, "no code")),
        (b'event: error\ndata: {"code": "INTERNAL", "message": "broke"}\n\n', ("INTERNAL", "INTERNAL: broke")),
        (b"event: error\ndata: broke in words\n\n", (None, "broke in words")),
    ],
    ids=["object", "text", "no code", "named event", "named event with text"],
)
@pytest.mark.parametrize("method", ["stream_chat_completion", "stream_chat"])
def test_an_error_event_raises_with_the_service_code_and_message(
    ask: Asking, server: RawServer, method: str, failure: bytes, expected: tuple[str | None, str]
) -> None:
    server.script(streamed([(PARTS if method == "stream_chat_completion" else CHAT_EVENTS)[1] + failure, HOLD]))
    stream = getattr(ask(), method)(QUESTION)
    first = next(stream).content
    assert first  # what came before the error in the same bytes is delivered
    with pytest.raises(StreamError) as caught:
        next(stream)
    assert not isinstance(caught.value, IncompleteStreamError)
    assert caught.value.code == expected[0]
    assert expected[1] in str(caught.value)
    assert caught.value.text == first
    assert server.sees_a_disconnect()


def test_an_event_of_type_error_on_the_standard_interface_raises(ask: Asking, server: RawServer) -> None:
    server.script(streamed([event({"type": "error", "code": "INTERNAL", "message": "broke"})]))
    with pytest.raises(StreamError, match="INTERNAL: broke"):
        list(ask().stream_chat(QUESTION))


def test_an_error_event_after_the_finish_still_raises(ask: Asking, server: RawServer) -> None:
    server.script(streamed([part("Yes."), part(finish="stop"), event(SERVICE_ERROR)]))
    with pytest.raises(StreamError, match="Tokens are used up"):
        list(ask().stream_chat_completion(QUESTION))


@pytest.mark.parametrize("method", ["chat_completion", "chat", "context"])
def test_an_error_in_a_whole_answer_raises(ask: Asking, server: RawServer, method: str) -> None:
    server.script(reply(SERVICE_ERROR))
    argument: Any = "pine" if method == "context" else QUESTION
    with pytest.raises(StreamError, match="RESOURCE_EXHAUSTED: Tokens are used up") as caught:
        getattr(ask(), method)(argument)
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert caught.value.body == SERVICE_ERROR


@pytest.mark.parametrize("content_type", ["application/json", "text/html", "application/octet-stream", ""])
def test_events_under_a_wrong_content_type_are_read(ask: Asking, server: RawServer, content_type: str) -> None:
    server.script(streamed(PARTS, content_type=content_type))
    assert joined(ask().stream_chat_completion(QUESTION)) == TEXT


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_json_answer_to_a_streamed_request_is_one_chunk(ask: Asking, server: RawServer, wrapped: bool) -> None:
    body = json.dumps({"chat_completion": completion()} if wrapped else completion(), indent=1).encode()
    server.script(streamed([b"\n \xef\xbb\xbf"[:2], body[:7], body[7:]], content_type="text/event-stream"))
    (only,) = ask().stream_chat_completion(QUESTION)
    assert (only.content, only.finish_reason, only.usage) == (TEXT, "stop", Usage(10, 5, 15))
    assert only.citations[0].references[0].pages == (1,)


def test_a_whole_json_answer_of_the_standard_interface_to_a_streamed_request_is_one_chunk(
    ask: Asking, server: RawServer
) -> None:
    server.script(reply(chat_answer()))
    (only,) = ask().stream_chat(QUESTION)
    assert only.content == "A red pine grows up to 25 meters."
    assert only.context_snippet_count == 3


def test_a_whole_json_answer_to_a_streamed_request_keeps_text_that_was_held_for_stop_or_stripping(
    ask: Asking, server: RawServer
) -> None:
    """It may have no finish_reason, at which held text comes out in a stream."""
    server.script(reply({"choices": [{"message": {"content": "It is EN"}}]}))
    chunks = ask().stream_answer(QUESTION, stop="END", strip_references=True)
    assert joined(chunks) == "It is EN"


BAD_BODIES = {
    "a web page": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "nothing": b"",
    "white space": b" \n \n",
    "words": b"upstream timed out",
    "a list": b"[1, 2]",
    "a number": b"17",
    "a string": b'"yes"',
    "null": b"null",
    "an object of something else": b'{"hello": "world"}',
    "half an object": b'{"choices": [{"message": {"content": "Yes',
    "invalid UTF-8 in JSON": b'{"choices": [{"message": {"content": "\xff\xfe"}}]}',
    "an event of something else": b'data: {"hello": "world"}\n\n',
    "an event that is no JSON": b"data: <html>\n\n",
    "an event with invalid UTF-8": b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n',
    "an event with a wrong type": b'data: {"choices": 7}\n\n',
    "only comments": b": heartbeat\n\n: heartbeat\n\n",
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize(
    "method", ["chat_completion", "stream_chat_completion", "chat", "stream_chat", "answer", "stream_answer"]
)
def test_any_other_body_with_status_200_raises(ask: Asking, server: RawServer, name: str, method: str) -> None:
    server.script(reply(BAD_BODIES[name], content_type="text/plain"))
    asker = ask()
    with pytest.raises(StreamError) as caught:
        list(getattr(asker, method)(QUESTION))
    if name == "a web page":
        assert "proxy" in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", BAD_BODIES)
def test_any_other_body_of_context_raises(ask: Asking, server: RawServer, name: str) -> None:
    server.script(reply(BAD_BODIES[name]))
    with pytest.raises(StreamError):
        ask().context("pine")


def _read_until_error(stream: Any) -> tuple[str, AssistantError | None]:
    seen = ""
    try:
        for step in stream:
            seen += step.content
    except AssistantError as error:
        return seen, error
    return seen, None


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=repr)
def test_a_stream_cut_after_every_byte_is_whole_or_a_typed_error(
    ask: Asking, server: RawServer, framing: Framing, ending: Step
) -> None:
    """Whole means: the finish_reason came. The text so far is always a beginning of the whole text."""
    finish = event({"choices": [{"finish_reason": "stop"}]})
    body = b"".join(event({"choices": [{"delta": {"content": text}}]}) for text in ("Tä ", "g."))
    finish_at = len(body) + len(finish.rstrip())
    body += finish + event({"choices": [], "usage": USAGE})
    asker = ask(max_retries=0)
    whole = 0
    for size in range(0, len(body) + 1, 1 if framing == "close" and ending is CLOSE else 7):
        piece = chunk(body[:size]) if framing == "chunked" else body[:size]
        headers = {
            "chunked": {"Transfer-Encoding": "chunked"},
            "length": {"Content-Length": str(len(body) + 9)},
            "close": {},
        }
        server.script([head(200, headers[framing]), piece if size else b"", ending])
        seen, error = _read_until_error(asker.stream_chat_completion(QUESTION))
        if error is None:
            whole += 1
            assert seen == "Tä g."
            assert size >= finish_at
        else:
            assert "Tä g.".startswith(seen)
            # A body that breaks has no last event without its blank line.
            assert size < finish_at + 2 or ending is RESET
        if error is not None and ending is CLOSE:
            assert isinstance(error, IncompleteStreamError)
            assert error.text == seen
    assert whole or ending is RESET
    assert len(server.requests) == server.connections


def test_a_connection_that_breaks_after_the_finish_is_told_and_no_error(
    ask: Asking, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([head(200, {"Content-Length": "9999"}), part("Yes."), part(finish="stop"), CLOSE])
    with caplog.at_level(logging.WARNING, "pinecone_assistant_client"):
        assert joined(ask().stream_chat_completion(QUESTION)) == "Yes."
    assert "after the answer was whole" in caplog.text


def test_a_whole_answer_cut_in_its_body_raises(ask: Asking, server: RawServer) -> None:
    body = json.dumps(completion()).encode()
    server.script([head(200, {"Content-Length": str(len(body))}), body[:40], CLOSE], [head(200), body[:40], CLOSE])
    asker = ask()
    with pytest.raises(IncompleteStreamError, match="cut its answer"):
        asker.chat_completion(QUESTION)
    with pytest.raises(StreamError):
        asker.chat_completion(QUESTION)
    assert len(server.requests) == 2


def test_the_standard_interface_gives_text_citations_usage_and_count(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer()))
    answer = ask().chat(QUESTION, include_highlights=True, context_options={"top_k": 3})
    assert answer.content == "A red pine grows up to 25 meters."
    assert answer.context_snippet_count == 3
    (citation,) = answer.citations
    assert citation.start == citation.end == 33
    (reference,) = citation.references
    assert reference == Reference(
        number=None,
        pages=(1,),
        file_name="red_pine.pdf",
        file_id="file-1",
        url="https://storage.example/red_pine.pdf?sig=SECRETSIG",
        highlight="25 m",
    )
    assert "SECRETSIG" not in repr(answer)
    assert server.requests[0].target == "/assistant/chat/docs"
    assert server.requests[0].json() == {
        "messages": QUESTION,
        "stream": False,
        "include_highlights": True,
        "context_options": {"top_k": 3},
    }


def test_a_stream_of_the_standard_interface_gives_text_citations_and_usage(ask: Asking, server: RawServer) -> None:
    server.script(streamed([b": heartbeat\n\n", *CHAT_EVENTS[:2], b":\n\n", *CHAT_EVENTS[2:]]))
    chunks = list(ask().stream_chat(QUESTION))
    assert joined(chunks) == "A red pine grows up to 25 meters."
    assert [citation.start for chunk in chunks for citation in chunk.citations] == [33]
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", Usage(10, 5, 15))
    assert {chunk.id for chunk in chunks} == {ANSWER_ID}


def test_a_stream_of_the_standard_interface_may_have_null_usage_and_unknown_events(
    ask: Asking, server: RawServer
) -> None:
    end = chat_event("message_end", finish_reason="stop", usage=None)
    server.script(streamed([CHAT_EVENTS[1], chat_event("content_filter", results={}), end]))
    chunks = list(ask().stream_chat(QUESTION))
    assert joined(chunks) == "A red pine grows "
    assert chunks[-1].usage is None


def test_a_stream_of_the_standard_interface_without_its_end_raises(ask: Asking, server: RawServer) -> None:
    server.script(streamed(CHAT_EVENTS[:-1]))
    with pytest.raises(IncompleteStreamError) as caught:
        list(ask().stream_chat(QUESTION))
    assert caught.value.text == "A red pine grows up to 25 meters."


@pytest.mark.parametrize("bad", [{"type": "citation"}, {"no": "type"}, {"type": "citation", "citation": {}}])
def test_a_broken_event_of_the_standard_interface_raises(ask: Asking, server: RawServer, bad: Any) -> None:
    server.script(streamed([event(bad)]))
    with pytest.raises(StreamError):
        list(ask().stream_chat(QUESTION))


def test_a_json_answer_is_asked_for_on_the_standard_interface(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer('{"meters": 25}')), reply(chat_answer('{"meters": 25}')))
    asker = ask()
    assert json.loads(asker.chat(QUESTION, json_response=True).content) == {"meters": 25}
    assert json.loads(asker.answer(QUESTION, json_response=True).content) == {"meters": 25}
    assert [request.target for request in server.requests] == ["/assistant/chat/docs"] * 2
    assert server.requests[1].json()["json_response"] is True


def test_context_gives_snippets_with_text_images_and_references(ask: Asking, server: RawServer) -> None:
    image = {"type": "base64", "mime_type": "image/png", "data": "iVBO"}
    body = {
        "id": "ctx",
        "snippets": [
            {
                "type": "text",
                "content": "25 meters",
                "score": 0.9,
                "reference": {"type": "pdf", "file": FILE, "pages": [1, 2]},
            },
            {
                "type": "multimodal",
                "content": [
                    {"type": "text", "text": "A"},
                    {"type": "image", "caption": "a tree", "image": image},
                    {"type": "text", "text": "B"},
                ],
                "score": 0.5,
                "reference": {"type": "pdf", "file": {"name": "b.pdf"}},
            },
            {"type": "multimodal", "content": [{"type": "image", "caption": "bare", "image": None}], "score": 0.1},
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7},
    }
    server.script(reply(body))
    context = ask().context("pine", top_k=3, snippet_size=512, multimodal=True, include_binary_content=False)
    first, second, third = context.snippets
    assert (first.content, first.score, first.reference.pages) == ("25 meters", 0.9, (1, 2))
    assert (second.content, second.images[0].caption, second.images[0].data) == ("A\nB", "a tree", "iVBO")
    assert (third.content, third.images[0].mime_type) == ("", None)
    assert context.usage == Usage(7, 0, 7)
    assert "iVBO" not in repr(context)
    assert "SECRETSIG" not in repr(context)
    assert server.requests[0].target == "/assistant/chat/docs/context"
    assert server.requests[0].json() == {
        "query": "pine",
        "top_k": 3,
        "snippet_size": 512,
        "multimodal": True,
        "include_binary_content": False,
    }


def test_what_is_not_set_is_not_sent(ask: Asking, server: RawServer) -> None:
    server.script(reply(completion()), streamed(PARTS))
    asker = ask()
    asker.chat_completion(QUESTION)
    list(asker.stream_chat_completion(QUESTION))
    assert [request.json() for request in server.requests] == [
        {"messages": QUESTION, "stream": False},
        {"messages": QUESTION, "stream": True},
    ]


def test_options_of_the_call_win_over_the_defaults_and_none_clears_them(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(completion())
    asker = ask(model="gpt-4o", temperature=0.5, filter={"genre": "comedy"})
    asker.chat_completion(QUESTION)
    asker.chat_completion(QUESTION, model="o4-mini", temperature=0, filter={"genre": "drama"})
    asker.chat_completion(QUESTION, model=None, temperature=None, filter=None)
    first, second, third = [request.json() for request in server.requests]
    assert (first["model"], first["temperature"], first["filter"]) == ("gpt-4o", 0.5, {"genre": "comedy"})
    assert (second["model"], second["temperature"], second["filter"]) == ("o4-mini", 0, {"genre": "drama"})
    assert third.keys() == {"messages", "stream"}


def test_with_options_gives_a_view_with_other_defaults(ask: Asking, server: RawServer) -> None:
    server.otherwise = reply(completion())
    asker = ask(model="gpt-4o")
    view = ask.over(asker.client.with_options(model="o4-mini", filter={"a": 1}))
    view.chat_completion(QUESTION)
    asker.chat_completion(QUESTION)
    assert [request.json().get("model") for request in server.requests] == ["o4-mini", "gpt-4o"]
    assert server.connections == 1
    with pytest.raises(ValueError, match="nonsense"):
        asker.client.with_options(nonsense=1)


def test_answer_uses_the_interface_of_the_client(ask: Asking, server: RawServer) -> None:
    server.script(reply(chat_answer()), streamed(CHAT_EVENTS), reply(completion()))
    asker = ask(interface="standard", include_highlights=True)
    asker.answer(QUESTION)
    list(asker.stream_answer(QUESTION))
    asker.chat_completion(QUESTION)  # its endpoint has no highlights: the default does not reach it
    assert [request.target.removeprefix("/assistant/chat/docs") for request in server.requests] == [
        "",
        "",
        "/chat/completions",
    ]
    assert "include_highlights" not in server.requests[2].json()


def test_stop_and_strip_references_shape_plain_and_streamed_answers_alike(ask: Asking, server: RawServer) -> None:
    text = "One [1]. STOP Two [1].\n\nReferences:\n1. [a.txt](https://storage.example/a?sig=SECRETSIG) \n"
    server.script(
        reply(completion(text)),
        streamed(parts(*text)),
        reply(completion(text)),
        streamed(parts(*text)),
    )
    asker = ask()
    for options, expected in (
        ({"strip_references": True}, "One [1]. STOP Two [1]."),
        ({"stop": ["STOP", "x"]}, "One [1]. "),
    ):
        whole = asker.answer(QUESTION, **options)
        chunks = list(asker.stream_answer(QUESTION, **options))
        assert whole.content == joined(chunks) == expected
        assert whole.finish_reason == "stop"
        assert whole.usage == next(chunk.usage for chunk in chunks if chunk.usage)
        citations = [citation for chunk in chunks for citation in chunk.citations]
        assert list(whole.citations) == citations
        assert [citation.references[0].file_name for citation in citations] == ["a.txt"] * expected.count("[1]")
