"""A paid answer is delivered: fields of an unexpected type become None with one warning, and the text stays."""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pinecone_assistant_client.answers import ChatCompletion, Context, Snippet, Usage
from pinecone_assistant_client.citations import Citation, Reference
from pinecone_assistant_client.errors import IncompleteStreamError, StreamError
from pinecone_assistant_client.feeding.decoding import decode_evaluation
from pinecone_assistant_client.wire.decoding import (
    decode_assistant_host,
    decode_chat,
    decode_chat_completion,
    decode_context,
)
from pinecone_assistant_client.wire.streams import ChatCompletionStreamDecoder, ChatStreamDecoder

from ..support.asking import text_of
from ..support.bodies import CHAT_EVENTS, CITATION, FILE, PARTS, TEXT, chat_answer, completion
from ..support.stream_bodies import Decoder, failure_of, read, standard

OTHERS = {
    "a number": 1,
    "a fraction": 1.5,
    "a whole fraction": 4.0,
    "text": "text",
    "no text": "",
    "true": True,
    "false": False,
    "a list": [],
    "a list of lists": [[]],
    "an object": {"x": 1},
    "NaN": float("nan"),
    "infinity": float("inf"),
}
Path = tuple[str | int, ...]
SNIPPET: dict[str, Any] = {"type": "text", "content": "Pine.", "score": 0.5, "reference": {"file": FILE, "pages": [1]}}
IMAGE = {"type": "image", "caption": "a tree", "image": {"type": "base64", "mime_type": "image/png", "data": "iVBO"}}
BLOCKS = {"content": [{"type": "text", "text": "Pine."}, IMAGE]}
CONTEXT = {"id": "1", "usage": {"prompt_tokens": 1}, "snippets": [SNIPPET, BLOCKS]}


def events(raw: list[bytes]) -> list[Any]:
    return [json.loads(one[5:]) for one in raw]


def sent(values: list[Any]) -> list[bytes]:
    return [b"data:" + json.dumps(value).encode() + b"\n\n" for value in values]


def read_stream(decoder: Decoder) -> Callable[[Any], str]:
    return lambda values: text_of(read(decoder(), sent(values)))


def read_whole(decode: Callable[[bytes], ChatCompletion]) -> Callable[[Any], str]:
    return lambda value: decode(json.dumps(value).encode()).content


def read_context(value: Any) -> str:
    return " ".join(snippet.content for snippet in decode_context(json.dumps(value).encode()).snippets)


ANSWERS: dict[str, tuple[Any, Callable[[Any], str], str]] = {
    "whole": (completion(), read_whole(decode_chat_completion), TEXT),
    "wrapped": ({"chat_completion": completion()}, read_whole(decode_chat_completion), TEXT),
    "whole, standard": (chat_answer(TEXT), read_whole(decode_chat), TEXT),
    "stream": (events(PARTS), read_stream(ChatCompletionStreamDecoder), TEXT),
    "wrapped stream": (
        [{"chat_completion": event} for event in events(PARTS)],
        read_stream(ChatCompletionStreamDecoder),
        TEXT,
    ),
    "stream, standard": (events(CHAT_EVENTS), read_stream(ChatStreamDecoder), "A red pine grows up to 25 meters."),
    "context": (CONTEXT, read_context, "Pine. Pine."),
}
READ = {
    *("id", "model", "usage", "prompt_tokens", "completion_tokens", "total_tokens", "finish_reason"),
    *(
        "citations",
        "citation",
        "position",
        "references",
        "reference",
        "file",
        "name",
        "signed_url",
        "pages",
        "highlight",
    ),
    *("score", "image", "caption", "mime_type", "data", "context_snippet_count"),
}


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """The paths of the fields that are read in an answer, except those that its text needs."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in children:
        here = (*at, name)
        if name in READ and not (name == "data" and "image" not in at):
            yield here
        yield from paths(part, here)


def changed(value: Any, path: Path, new: Any) -> Any:
    value = copy.deepcopy(value)
    part = value
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = new
    return value


def is_described(name: str | int, new: Any) -> bool:
    """Whether a value has the type that the API describes for a field."""
    is_number = type(new) in (int, float) and math.isfinite(new)
    if name in ("usage", "file", "highlight", "reference", "citation", "image"):
        return isinstance(new, dict)
    if name in ("references", "pages", "citations"):
        return isinstance(new, list) and not new
    if name == "score":
        return is_number
    if name in ("position", "context_snippet_count", "prompt_tokens", "completion_tokens", "total_tokens"):
        return type(new) is int
    return isinstance(new, str)


CASES = [(name, path) for name, (answer, _, _) in ANSWERS.items() for path in paths(answer)]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name}: {'.'.join(map(str, path))}" for name, path in CASES])
def test_a_field_of_any_other_type_costs_one_warning_and_no_text(
    name: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer, read_text, text = ANSWERS[name]
    for kind, new in OTHERS.items():
        if path[-1] == "finish_reason" and new == "":
            continue  # says that the answer goes on
        caplog.clear()
        assert read_text(changed(answer, path, new)) == text, kind
        warnings = warnings_of(caplog)
        if is_described(path[-1], new):
            assert len(warnings) <= 1, kind
        else:
            assert len(warnings) == 1, kind
            assert "the answer is kept without fields that are not as the API describes them: " in warnings[0]
            assert str(path[-1]) in warnings[0] or isinstance(new, float)


def test_the_cases_are_all_there_are() -> None:
    assert len(CASES) > 80
    assert {path[-1] for _, path in CASES} == READ


@pytest.mark.parametrize("new", [None, 1, 1.0, "0.5", True, [], {}, float("nan")])
def test_a_score_that_is_not_a_number_is_none(new: Any, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(changed(CONTEXT, ("snippets", 0, "score"), new)).encode()
    is_number = type(new) in (int, float) and math.isfinite(new)
    assert decode_context(body).snippets[0].score == (new if is_number else None)
    assert len(warnings_of(caplog)) == (0 if is_number else 1)


def test_one_count_that_cannot_be_read_makes_the_usage_none() -> None:
    """Zero in its place would be a wrong count of billed tokens."""
    body = completion(usage={"prompt_tokens": 10, "completion_tokens": 5.0, "total_tokens": 15})
    assert decode_chat_completion(json.dumps(body).encode()).usage is None
    stream = [*events(PARTS)[:-1], {"choices": [], "usage": {"prompt_tokens": 1.0}}]
    assert [chunk.usage for chunk in read(ChatCompletionStreamDecoder(), sent(stream)) if chunk.usage] == []


@pytest.mark.parametrize("position", [4.0, None, "4", True, [], {}, ...])
def test_a_citation_without_a_position_stands_at_the_end_of_the_text(
    position: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sources belong to the answer that was paid for."""
    citation = {name: value for name, value in (CITATION | {"position": position}).items() if value is not ...}
    answer = decode_chat(json.dumps(chat_answer("Pine.", citations=[citation])).encode())
    assert [(c.start, c.end, c.references[0].file_name) for c in answer.citations] == [(5, 5, "red_pine.pdf")]
    assert len(warnings_of(caplog)) == 1
    caplog.clear()
    stream = [*events(CHAT_EVENTS)[:2], {"type": "citation", "citation": citation}, *events(CHAT_EVENTS)[2:]]
    chunks = read(ChatStreamDecoder(), sent(stream))
    assert [chunk.citations[0].start for chunk in chunks if chunk.citations] == [len("A red pine grows "), 33]
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize("fields", [{}, {"citation": None}, {"citation": "text"}, {"citation": []}])
def test_a_citation_event_without_a_citation_costs_a_warning(
    fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    chunks = read(ChatStreamDecoder(), [*CHAT_EVENTS[:3], standard("citation", **fields), *CHAT_EVENTS[3:]])
    assert text_of(chunks) == "A red pine grows up to 25 meters."
    assert len(warnings_of(caplog)) == 1


def test_what_fits_of_a_list_of_objects_is_kept() -> None:
    answer = decode_chat(json.dumps(chat_answer("Pine.", citations=[7, None, CITATION, "x"])).encode())
    assert [citation.start for citation in answer.citations] == [33]
    references: list[Any] = [None, {"pages": [1, "x"], "file": {"name": "a.md"}, "highlight": "25 m"}, []]
    answer = decode_chat(json.dumps(chat_answer("P", citations=[{"position": 1, "references": references}])).encode())
    assert answer.citations == (Citation(1, 1, (Reference(file_name="a.md"),)),)


@pytest.mark.parametrize("error", ["", {}, False, None, 0, [], float("nan")], ids=repr)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_empty_error_is_none(name: str, error: Any, caplog: pytest.LogCaptureFixture) -> None:
    answer, read_text, text = ANSWERS[name]
    for one in answer if isinstance(answer, list) else [answer]:
        (one["chat_completion"] if "wrapped" in name else one)["error"] = error
    try:
        assert read_text(answer) == text
    finally:
        for one in answer if isinstance(answer, list) else [answer]:
            del (one["chat_completion"] if "wrapped" in name else one)["error"]
    assert len(warnings_of(caplog)) == (0 if error is None else 1)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_numbers_that_json_does_not_have_are_no_matter_where_nobody_reads_them(number: str) -> None:
    for name, (answer, _, text) in ANSWERS.items():
        unknown = json.dumps(answer).replace('"id"', f'"logprobs": [{{"p": {number}}}], "id"')
        if not isinstance(answer, list):
            assert number in unknown
        parse = {
            "whole": decode_chat_completion,
            "wrapped": decode_chat_completion,
            "whole, standard": decode_chat,
        }.get(name)
        if parse is not None:
            assert parse(unknown.encode()).content == text
        elif name == "context":
            assert decode_context(unknown.encode()).id == "1"
        else:
            raw = [
                b"data:" + json.dumps(one).replace('"id"', f'"p": {number}, "id"').encode() + b"\n\n" for one in answer
            ]
            decoder = ChatStreamDecoder if "standard" in name else ChatCompletionStreamDecoder
            assert text_of(read(decoder(), raw)) == text


@pytest.mark.parametrize("finish", [False, True, 0, 7, {}, [], ["stop"], {"type": "stop"}, float("nan")], ids=repr)
def test_a_finish_reason_of_another_type_is_none_and_the_stream_is_whole(
    finish: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream = changed(events(PARTS), (len(PARTS) - 2, "choices", 0, "finish_reason"), finish)
    for values in (stream, stream[:-1]):
        caplog.clear()
        chunks = read(ChatCompletionStreamDecoder(), sent(values))
        assert text_of(chunks) == TEXT
        assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == []
        assert [citation.start for chunk in chunks for citation in chunk.citations] == [35]
        assert len(warnings_of(caplog)) == 1
    body = completion(choices=[{"message": {"content": TEXT}, "finish_reason": finish}])
    assert decode_chat_completion(json.dumps(body).encode()).finish_reason is None
    chunks = read(
        ChatStreamDecoder(), sent([*events(CHAT_EVENTS)[:-1], {"type": "message_end", "finish_reason": finish}])
    )
    assert text_of(chunks) == "A red pine grows up to 25 meters."


@pytest.mark.parametrize("cut", range(1, len(PARTS) - 1))
def test_a_stream_that_says_false_in_place_of_null_is_still_a_cut_one_where_it_is_cut(cut: int) -> None:
    stream = events(PARTS)[:cut]
    for one in stream:
        one["choices"][0]["finish_reason"] = False
    error, shown = failure_of(ChatCompletionStreamDecoder(), *sent(stream))
    assert isinstance(error, IncompleteStreamError)
    assert error.text == shown


@pytest.mark.parametrize("new", [1, 1.5, True, [], ["text"], {"text": "x"}, float("nan")], ids=repr)
def test_text_of_another_type_is_refused_and_never_left_out(new: Any) -> None:
    """Without its text there is no answer to deliver."""
    with pytest.raises(StreamError, match=r"cannot be read \(choices\[\]\.message\.content is"):
        decode_chat_completion(json.dumps(completion(new, usage=1.0)).encode())
    with pytest.raises(StreamError, match=r"cannot be read \(message\.content is"):
        decode_chat(json.dumps(chat_answer(new, usage=1.0)).encode())
    with pytest.raises(StreamError, match="cannot be read"):
        decode_context(json.dumps({"snippets": [{"content": new if new != [] else [1]}]}).encode())
    _, shown = failure_of(
        ChatCompletionStreamDecoder(), *PARTS[:2], *sent([{"choices": [{"delta": {"content": new}}]}])
    )
    assert shown == "A red pine "
    _, shown = failure_of(ChatStreamDecoder(), *CHAT_EVENTS[:2], standard("content_chunk", delta={"content": new}))
    assert shown == "A red pine grows "


def test_a_host_of_an_assistant_is_read_whatever_its_status_is() -> None:
    assert decode_assistant_host(b'{"host": "https://a.example", "status": 7}', "docs") == "https://a.example"


@pytest.mark.parametrize("other", [None, 7, "x", {"message": 7}, {}])
def test_choices_after_the_first_are_not_read_whatever_they_are(other: Any) -> None:
    choices = [completion()["choices"][0], other]
    assert decode_chat_completion(json.dumps(completion(choices=choices)).encode()).content == TEXT
    stream = changed(events(PARTS), (1, "choices"), [events(PARTS)[1]["choices"][0], other])
    assert text_of(read(ChatCompletionStreamDecoder(), sent(stream))) == TEXT


def test_a_block_of_a_snippet_with_text_of_another_type_leaves_the_others() -> None:
    snippets = [{"content": [{"type": "table", "text": {"rows": []}}, {"type": "text", "text": "A"}]}, {"content": "B"}]
    found = decode_context(json.dumps({"snippets": snippets}).encode())
    assert found == Context((Snippet("A", 0.0, Reference()), Snippet("B", 0.0, Reference())))


def test_what_fits_is_read_as_ever_where_something_else_does_not(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(completion(id=7)).encode()
    answer = decode_chat_completion(body)
    assert (answer.id, answer.model, answer.usage) == (None, "gpt-4o-2024-11-20", Usage(10, 5, 15))
    assert warnings_of(caplog) == ["the answer is kept without fields that are not as the API describes them: id"]


@pytest.mark.parametrize("new", [7, None, True, "text", [], {}], ids=repr)
@pytest.mark.parametrize("name", ["usage", "reasoning", "error"])
def test_an_evaluation_is_paid_for_too(name: str, new: Any, caplog: pytest.LogCaptureFixture) -> None:
    metrics = {"correctness": 1, "completeness": 0.5, "alignment": 0.75}
    body = json.dumps({"metrics": metrics, name: None if name == "error" else new}).encode()
    assert decode_evaluation(body).alignment == 0.75
    is_described = new is None or name == "error" or new == {}
    assert len(warnings_of(caplog)) == (0 if is_described else 1)
    with pytest.raises(StreamError, match=r"metrics\.alignment is text"):
        decode_evaluation(json.dumps({"metrics": metrics | {"alignment": "0.75"}}).encode())


def test_what_fits_of_an_evaluations_facts_is_kept() -> None:
    facts = [{"fact": {"content": "A"}, "entailment": "entailed"}, {"fact": 7}, {"fact": {}, "entailment": 7}]
    body = {"metrics": dict.fromkeys(("correctness", "completeness", "alignment"), 1.0)}
    found = decode_evaluation(json.dumps(body | {"reasoning": {"evaluated_facts": facts}}).encode())
    assert found.facts == (("A", "entailed"), ("", ""))


def test_a_warning_holds_no_value_of_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    decode_chat_completion(json.dumps(completion(id={"secret": "pcsk_x"}, usage="pcsk_y")).encode())
    assert "pcsk" not in caplog.text
