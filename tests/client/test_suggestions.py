"""Suggestions for a name that does not exist."""

from __future__ import annotations

import pytest

from pinecone_assistant_client.adapters import suggestion

KNOWN = ("model", "temperature", "filter", "assistant_name", "similarity_top_k", "k", "host", "additional_kwargs")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "temperature"),
        ("assistant", "assistant_name"),
        ("model_name", "model"),
        ("top_k", "k"),
        ("name", "assistant_name"),
        ("base_url", "host"),
        ("index_name", "assistant_name"),
        ("metadata_filter", "filter"),
    ],
)
def test_a_name_close_to_a_known_one_suggests_it(name: str, meant: str) -> None:
    assert suggestion(name, KNOWN) == f": did you mean {meant!r}?"


def test_the_rest_of_a_longer_name_suggests_it() -> None:
    assert suggestion("top_k", ["similarity_top_k", "filter"]) == ": did you mean 'similarity_top_k'?"
    assert suggestion("k", ["similarity_top_k", "filter"]) == ": did you mean 'similarity_top_k'?"
    assert suggestion("top_k", ["k", "filter"]) == ": did you mean 'k'?"


def test_a_word_that_any_name_may_have_suggests_nothing_else() -> None:
    """The name of an index was once taken for the name of a tool, and keyword arguments of a model for a model."""
    assert suggestion("index_name", ["name", "description", *KNOWN]) == ": did you mean 'assistant_name'?"
    assert suggestion("index_name", ["name", "description"]) == ": use one of description, name"
    for other in ("model_kwargs", "embed_model", "user_name"):
        assert "did you mean" not in suggestion(other, ["name", *KNOWN])
    assert "additional_kwargs" in suggestion("model_kwargs", KNOWN)


def test_of_many_names_only_the_nearest_are_listed() -> None:
    many = [f"option_{number}" for number in range(30)]
    listed = suggestion("opinions", many)
    assert listed.startswith("; names near it: option_")
    assert listed.count("option_") == 5
    assert suggestion("zzz", many) == "; no other name is near it"


@pytest.mark.parametrize("name", ["nope", "", "_", "top_p"])
def test_a_name_like_no_other_gets_them_all_where_they_are_few(name: str) -> None:
    """`stop` shares three letters with `top_p`, and was once suggested for it."""
    assert suggestion(name, ["stop", "model", "filter"]) == ": use one of filter, model, stop"
