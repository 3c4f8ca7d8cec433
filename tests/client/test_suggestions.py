"""What was meant by a name that does not exist."""

from __future__ import annotations

import pytest

from pinecone_assistant_client import suggestion

KNOWN = ("model", "temperature", "filter", "assistant_name", "similarity_top_k", "k")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "temperature"),
        ("assistant", "assistant_name"),
        ("model_name", "model"),
        ("top_k", "k"),
        ("name", "assistant_name"),
    ],
)
def test_a_name_close_to_a_known_one_suggests_it(name: str, meant: str) -> None:
    assert suggestion(name, KNOWN) == f": did you mean {meant!r}?"


def test_the_rest_of_a_longer_name_suggests_it() -> None:
    assert suggestion("top_k", ["similarity_top_k", "filter"]) == ": did you mean 'similarity_top_k'?"


@pytest.mark.parametrize("name", ["nope", "", "_", "top_p"])
def test_a_name_like_no_other_gets_them_all(name: str) -> None:
    """`stop` shares three letters with `top_p`, and was once suggested for it."""
    assert suggestion(name, ["stop", "model", "filter"]) == ": use one of filter, model, stop"
