"""The error tree: its classes, their pointers to the docs, and their attributes after copying and pickling."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import pinecone_assistant_client
from pinecone_assistant_client import errors
from pinecone_assistant_client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AssistantError,
    AuthenticationError,
    BadRequestError,
    ErrorResponse,
    IncompleteStreamError,
    InternalServerError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamError,
)

from .support.error_answers import answered

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AssistantError) and value.__module__ == errors.__name__
]


def make(cls: type[AssistantError], message: str = "it broke", **attributes: Any) -> AssistantError:
    needed: dict[str, Any] = {"status_code": 418} if issubclass(cls, APIStatusError) else {}
    return cls(message, **needed, **attributes)


def test_every_class_has_one_root_and_the_openai_names_are_exported() -> None:
    assert len(CLASSES) == 15
    for cls in CLASSES:
        assert getattr(pinecone_assistant_client, cls.__name__) is cls


@pytest.mark.parametrize(
    ("cls", "parent"),
    [
        (InvalidRequestError, ValueError),
        (APITimeoutError, APIConnectionError),
        (BadRequestError, APIStatusError),
        (AuthenticationError, APIStatusError),
        (PermissionDeniedError, APIStatusError),
        (NotFoundError, APIStatusError),
        (RateLimitError, APIStatusError),
        (InternalServerError, APIStatusError),
        (IncompleteStreamError, StreamError),
    ],
)
def test_a_class_can_be_caught_as_its_parent(cls: type[AssistantError], parent: type[Exception]) -> None:
    with pytest.raises(parent):
        raise make(cls)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("message", ["it broke", "it broke.", "it broke. ", "it broke..."])
def test_every_message_ends_in_the_place_that_explains_it(cls: type[AssistantError], message: str) -> None:
    error = make(cls, message)
    assert str(error) == error.message == f"it broke; see docs/errors.md#{cls.__name__.lower()}"
    assert error.args == (error.message,)
    assert f"\n## {cls.__name__}\n" in DOCS.read_text()


def test_a_subclass_of_an_adapter_points_to_the_class_it_stands_for() -> None:
    class ModelRateLimitError(RateLimitError): ...

    assert str(make(ModelRateLimitError)).endswith("; see docs/errors.md#ratelimiterror")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_pickles_and_copies_with_all_its_attributes(cls: type[AssistantError], clone: Any) -> None:
    more: dict[str, Any] = {
        "code": "INTERNAL",
        "body": {"error": ["x"]},
        "request_id": "r-1",
        "response": ErrorResponse(418, {"date": "today"}, "text"),
    }
    if issubclass(cls, APIStatusError):
        more["retry_after"] = 2.5
    if issubclass(cls, APIConnectionError):
        more["may_have_been_processed"] = True
    if cls is IncompleteStreamError:
        more["text"] = "half"
    error = make(cls, **more)
    if isinstance(error, (APITimeoutError, StreamError)):
        error.text = "half"
    same = clone(error)
    assert type(same) is cls
    assert (str(same), same.args, vars(same)) == (str(error), error.args, vars(error))
    assert {name: getattr(same, name) for name in more} == more


def test_attributes_are_none_where_there_is_nothing_to_tell() -> None:
    error = AssistantError("x")
    assert (error.code, error.body, error.request_id, error.response) == (None, None, None, None)
    assert (error.is_retryable, error.may_have_been_processed) == (False, False)
    assert answered(500).retry_after is None
    assert IncompleteStreamError("x").text == ""


def test_only_what_cannot_bill_twice_is_retryable() -> None:
    assert {cls for cls in CLASSES if make(cls).is_retryable} == {
        APIConnectionError,
        APITimeoutError,
        RateLimitError,
        InternalServerError,
    }
    for cls in (APIConnectionError, APITimeoutError):
        assert not cls("x", may_have_been_processed=True).is_retryable
        assert cls("x", may_have_been_processed=True).may_have_been_processed


def test_no_error_page_heading_is_without_its_class() -> None:
    headings = re.findall(r"^## (\w+)$", DOCS.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(cls.__name__ for cls in CLASSES)
