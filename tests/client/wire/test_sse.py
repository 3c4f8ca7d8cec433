"""Server-sent events out of bytes, in any split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinecone_assistant_client.errors import StreamError
from pinecone_assistant_client.wire.sse import MAX_EVENT_BYTES, ServerSentEvent, SSEDecoder

BOM = b"\xef\xbb\xbf"


def read(*pieces: bytes, max_event_bytes: int = MAX_EVENT_BYTES) -> list[ServerSentEvent]:
    decoder = SSEDecoder(max_event_bytes=max_event_bytes)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.finish()


def read_bytewise(body: bytes) -> list[ServerSentEvent]:
    return read(*(body[at : at + 1] for at in range(len(body))))


def plainly(body: bytes) -> list[ServerSentEvent]:
    """The standard's algorithm over the whole body at once, as an independent opinion."""
    events: list[ServerSentEvent] = []
    data: list[bytes] = []
    name = b""
    lines = body.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in [*lines, b"", b""]:
        field, colon, value = line.partition(b":")
        value = value.removeprefix(b" ") if colon else b""
        if not line:
            if data:
                events.append((b"\n".join(data), name))
            data, name = [], b""
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_lines_end_with_lf_crlf_or_cr(end: bytes) -> None:
    body = end.join([b"data:one", b"", b"event: e", b"data: two", b"", b""])
    assert read(body) == read_bytewise(body) == [(b"one", b""), (b"two", b"e")]


@pytest.mark.parametrize(
    ("line", "data"),
    [(b"data:x", b"x"), (b"data: x", b"x"), (b"data:  x", b" x"), (b"data:x ", b"x "), (b"data:", b""), (b"data", b"")],
)
def test_one_space_after_the_colon_is_no_part_of_the_data(line: bytes, data: bytes) -> None:
    for body in (line + b"\n\n", b"data:first\n\n" + line + b"\n\n"):
        assert read(body)[-1] == (data, b"")
    assert read(b"data:first\n\n", line + b"\n\n") == [(b"first", b""), (data, b"")]


@pytest.mark.parametrize("heartbeat", [b":", b": ping", b":data:x", b": \xff\xfe"])
def test_comments_are_no_events(heartbeat: bytes) -> None:
    body = heartbeat + b"\n\ndata:{\n" + heartbeat + b"\ndata:}\n\n" + heartbeat + b"\n\n"
    assert read(body) == read_bytewise(body) == [(b"{\n}", b"")]


def test_an_event_without_data_is_none_and_its_name_does_not_stay() -> None:
    body = b"event: ping\n\ndata:x\n\nevent:ping\nid:7\nretry:10\n\n"
    assert read(body) == read_bytewise(body) == [(b"x", b"")]
    assert read(b"event: ping\n\n", b"data:x\n\n") == [(b"x", b"")]
    assert read(b"event: ping\n", b"data:x\n\n", b"data:y\n\n") == [(b"x", b"ping"), (b"y", b"")]


def test_other_fields_and_unknown_lines_are_ignored() -> None:
    assert read(b"id: 1\nretry: 5\ndatabase: no\nnonsense\n{}\ndata:x\n\n") == [(b"x", b"")]


def test_a_byte_order_mark_at_the_start_is_dropped_also_in_pieces() -> None:
    body = BOM + b"data:x\n\n"
    assert read(body) == read_bytewise(body) == [(b"x", b"")]
    assert read(BOM[:1], BOM[1:2], BOM[2:] + b"data:x\n\n") == [(b"x", b"")]


def test_a_byte_order_mark_later_is_text() -> None:
    body = b"data:" + BOM + b"x\n\n" + BOM + b"data:y\n\n"
    assert read(body) == read_bytewise(body) == [(BOM + b"x", b"")]


def test_data_lines_of_one_event_are_joined_by_line_feeds() -> None:
    assert read(b"data:a\ndata: b\ndata\ndata:c\n\n") == [(b"a\nb\n\nc", b"")]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c"], ids=ascii)
def test_what_only_other_readers_take_for_a_line_end_is_text(separator: str) -> None:
    """A reader that used `str.splitlines` would cut JSON in two at these."""
    body = f'data:{{"a":"x{separator}y"}}\n\n'.encode()
    wanted = [(body[5:-2], b"")]
    assert read(body) == read_bytewise(body) == read(b":\n\n", body) == wanted


def test_a_character_of_several_bytes_may_be_split_anywhere() -> None:
    body = "data:ä漢\U0001f332\n\n".encode()
    assert read_bytewise(body) == [("ä漢\U0001f332".encode(), b"")]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"], ids=repr)
def test_a_last_event_without_its_blank_line_counts(end: bytes) -> None:
    body = b"data:x\n\nevent:e\ndata:y" + end
    assert read(body) == read_bytewise(body) == [(b"x", b""), (b"y", b"e")]


def test_a_cr_at_the_end_of_a_chunk_and_the_lf_after_it_are_one_line_end() -> None:
    assert read(b"data:a\r", b"\ndata:b\r", b"\n\r", b"\n") == [(b"a\nb", b"")]


def test_a_cr_at_the_end_of_a_chunk_ends_its_line_alone_too() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data:a\r") == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\r") == [(b"a", b"")]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data:b\n\n") == [(b"b", b"")]


def test_events_come_out_as_soon_as_they_are_whole() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data:a\n") == []
    assert decoder.feed(b"\n") == [(b"a", b"")]
    assert decoder.feed(b"data:b\n\ndata:c\n\ndata:") == [(b"b", b""), (b"c", b"")]
    assert decoder.feed(b"d\n\n") == [(b"d", b"")]
    assert decoder.finish() == []


def test_no_bytes_are_no_events() -> None:
    assert read() == read(b"") == read(b"\n\n\r\r\n") == read(BOM) == []


LINES = st.sampled_from(
    [
        b"",
        b"",
        b"data:x",
        b'data: {"a":"\xe2\x80\xa8\xc2\x85\xf0\x9f\x8c\xb2"}',
        b"data",
        b"data:",
        b":",
        b": ping",
        b"event: error",
        b"event:",
        b"id: 1",
        b"nonsense",
        BOM,
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
BODIES = st.builds(
    lambda bom, lines, rest: bom + b"".join(line + end for line, end in lines) + rest,
    st.sampled_from([b"", BOM]),
    st.lists(st.tuples(LINES, ENDS), max_size=14),
    LINES,
)


def pieces_of(body: bytes, cuts: list[int]) -> list[bytes]:
    borders = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in pairwise(borders)]


@given(BODIES, st.lists(st.integers(min_value=0, max_value=400), max_size=20))
@example(b"data:a\r\n\r\ndata:b\r\n\r\n", [7, 9, 10])
@example(BOM + b"data:a\n\n", [1, 2, 3])
def test_events_do_not_depend_on_how_the_bytes_are_split(body: bytes, cuts: list[int]) -> None:
    assert read(body) == read(*pieces_of(body, cuts)) == read_bytewise(body) == plainly(body)


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0, max_value=400), max_size=20))
def test_any_bytes_give_the_same_events_in_any_split(body: bytes, cuts: list[int]) -> None:
    assert read(body) == read(*pieces_of(body, cuts)) == plainly(body)


@given(st.lists(st.sampled_from([b"data:x\n\n", b"data:y\r\n\r\n", b"event:e\ndata:z\n\n", b"\n\n"]), max_size=8))
def test_chunks_that_are_whole_events_give_the_same_as_their_bytes(chunks: list[bytes]) -> None:
    """A chunk that is one whole event is read by a path of its own."""
    assert read(*chunks) == read_bytewise(b"".join(chunks))


# Each has more than 100 bytes in one event, counting lines that are not data.
OVER = {
    "one line": b"data:" + b"x" * 100 + b"\n\n",
    "one line without an end": b"data:" + b"x" * 100,
    "many lines": b"data:0123456789\n" * 7,
    "a line that is not data": b": " + b"x" * 100 + b"\n\n",
    "an unknown field beside data": b"data:" + b"x" * 40 + b"\nnonsense:" + b"x" * 60 + b"\n\n",
}


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("size", [1, 3, 7, 64, 1000])
def test_an_event_over_the_bound_raises_in_any_split_and_after_the_events_before_it(name: str, size: int) -> None:
    body = b"data:first\n\n" + OVER[name]
    decoder = SSEDecoder(max_event_bytes=100)
    events: list[ServerSentEvent] = []

    def read_all() -> None:
        for at in range(0, len(body), size):
            events.extend(decoder.feed(body[at : at + size]))
        events.extend(decoder.finish())

    with pytest.raises(StreamError, match="larger than 100 bytes"):
        read_all()
    assert events == [(b"first", b"")]


@pytest.mark.parametrize("size", [1, 3, 7, 64, 1000])
def test_an_event_of_just_the_bound_is_read_and_the_next_one_counts_anew(size: int) -> None:
    body = (b"data:" + b"x" * 95 + b"\n\n") * 3 + b"data:" + b"y" * 95
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    events = read(*pieces, max_event_bytes=100)
    assert events == [(b"x" * 95, b"")] * 3 + [(b"y" * 95, b"")]


def test_the_bound_is_8_mib_and_reaching_it_in_small_pieces_takes_linear_time() -> None:
    """Joining the pieces of a line again and again would take minutes here."""
    decoder = SSEDecoder()
    decoder.feed(b"data:")
    piece = b"x" * 64
    for _ in range(MAX_EVENT_BYTES // 64 - 1):
        decoder.feed(piece)
    ((data, _),) = decoder.feed(b"\n\n")
    assert len(data) == MAX_EVENT_BYTES - 64
    assert MAX_EVENT_BYTES == 8 * 1024 * 1024
