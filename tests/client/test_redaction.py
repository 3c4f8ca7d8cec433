"""Keys and the queries of links are cut out of everything that an error keeps; excerpts are short."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_client.redaction import excerpt, without_secrets

from .support.error_answers import KEY, URL, answered


def test_keys_and_signed_urls_reach_nothing_that_is_kept() -> None:
    body = {"error": {"code": "X", "message": f"key {KEY} and {URL}, twice {URL}"}, "echo": [KEY, {"u": URL}]}
    error = answered(
        400, body, secrets=(KEY, "", "INJECTED"), server=f"proxy {KEY} INJECTED {URL}", x_request_id=f"r-{KEY}"
    )
    kept = str(error) + repr(error) + repr(vars(error)) + pickle.dumps(error).decode("latin-1")
    for secret in (KEY, "SIGNED", "INJECTED"):
        assert secret not in kept
    assert "https://storage.googleapis.com/b/pine.pdf?[cut]" in str(error)
    assert "[secret]" in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/x?sig=1 now", "see https://a.example/x?[cut] now"),
        ("[f](https://a.example/x?sig=1)", "[f](https://a.example/x?[cut])"),
        ('"http://a.example/?a=1&b=%20"', '"http://a.example/?[cut]"'),
        ("HTTPS://A.EXAMPLE/x?SIG=1", "HTTPS://A.EXAMPLE/x?[cut]"),
        ("https://a.example/x", "https://a.example/x"),
        ("is it? https://a.example/x is", "is it? https://a.example/x is"),
        ("no link?sig=1", "no link?sig=1"),
        # The name of a file may have 1,024 bytes, and each is three characters in a URL.
        (f"https://a.example/{'%E6%9D%BE' * 1000}?sig=1", f"https://a.example/{'%E6%9D%BE' * 1000}?[cut]"),
        ("", ""),
    ],
)
def test_the_query_of_every_link_is_cut(text: str, expected: str) -> None:
    assert without_secrets(text) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_never_survives_whatever_stands_around_it(before: str, after: str) -> None:
    assert KEY not in without_secrets(before + KEY + after, KEY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key local refused", "key [secret] refused"),
        ("'local'", "'[secret]'"),
        ("the key is local.", "the key is [secret]."),
        ("localhost, local.json, notes.local and local-1", "localhost, local.json, notes.local and local-1"),
    ],
)
def test_a_short_key_is_cut_as_a_word_by_itself(text: str, expected: str) -> None:
    assert without_secrets(text, "local") == expected


def test_an_excerpt_is_one_line_of_bounded_length() -> None:
    assert excerpt(" a \n\t b ") == "a b"
    assert excerpt("x" * 301) == "x" * 300 + "..."
    assert excerpt("x" * 300) == "x" * 300
