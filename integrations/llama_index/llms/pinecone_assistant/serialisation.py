"""Pickling, copying and `to_dict` of an LLM: only the options the caller passed are kept, never live connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, PrivateAttr, SerializationInfo, SerializerFunctionWrapHandler, model_serializer
from typing_extensions import Self

from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.adapters import CONNECTION_OPTIONS, Clients, deep_copied

from .options import FIELD_OPTIONS, check_words
from .structured import StructuredPredict

_LIVE = ("http_session", "async_http_session")
_OWNED = ("filter", "guard_filter", "context_options", "additional_kwargs")


def own(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with deep copies of filters and similar dicts: a caller may change its dict for the next tenant."""
    return {name: deep_copied(value, name=name) if name in _OWNED else value for name, value in options.items()}


class TravellingLLM(StructuredPredict):
    """Base class that replaces LlamaIndex's pickling, copying and `to_dict`, which would lose or leak options."""

    _clients: Clients | None = PrivateAttr(default=None)

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self,
        handler: SerializerFunctionWrapHandler,
        info: SerializationInfo,  # noqa: ARG002 - LlamaIndex's signature
    ) -> dict[str, Any]:
        """Return the fields, and the class name that LlamaIndex adds.

        Options that the caller did not pass are left out. Otherwise they would count as passed when the dict is loaded, and
        engines over that LLM would keep the expiring links. A client is replaced by its repr, which the constructor refuses:
        an LLM loaded without `client=` would ask the environment's assistant, perhaps another one, without the client's
        filter. The repr names that filter, because LlamaIndex's ingestion cache takes this dict as its key.
        """
        data: dict[str, Any] = handler(self)
        data["class_name"] = self.class_name()
        left_out = set(FIELD_OPTIONS) - self.model_fields_set
        client = self.__dict__["client"]
        if client is not None:
            left_out.update(CONNECTION_OPTIONS)
            data["client"] = repr(client)
        return {name: value for name, value in data.items() if name not in left_out}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with its own filters and other dicts. Raise for an unknown option and for `guard_filter`."""
        check_words(update or {}, type(self), type(self).model_fields)
        _check_guard_is_left(update or {}, "model_copy")
        return super().model_copy(update=own(update or {}), deep=deep)

    if not TYPE_CHECKING:  # type checkers see pydantic's signature

        def copy(self, *, include=None, exclude=None, update=None, deep=False):
            """Return `model_copy(update=..., deep=...)`. Pydantic's older method would change a guard and share filters."""
            if include is not None or exclude is not None:
                raise InvalidRequestError("copy takes no include= and no exclude=: a copy has all fields; use update=")
            return self.model_copy(update=update, deep=deep)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWNED:
            _check_guard_is_left([name], "an LLM")
            value = deep_copied(value, name=name)
        super().__setattr__(name, value)

    def __copy__(self) -> Self:
        twin = super().__copy__()
        twin.__dict__.update(own({name: self.__dict__[name] for name in _OWNED}))
        return twin

    def _with_guard(self, guard: dict[str, Any]) -> Self:
        twin = self.__copy__()
        twin.__dict__["guard_filter"] = guard
        twin.__pydantic_fields_set__.add("guard_filter")
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # Live connections are left out. A pickle has the API key, and a client in the form in which it pickles itself.
        twin = self.model_copy(update={name: None for name in _LIVE if self.__dict__[name] is not None})
        twin._clients = None
        return super(TravellingLLM, twin).__getstate__()

    def __setstate__(self, state: dict[str, Any]) -> None:
        # LlamaIndex would call __init__ with every field: all would count as passed, and the environment be read again.
        fields = dict(state["__dict__"])
        for name, field in type(self).model_fields.items():
            if name not in fields:  # LlamaIndex leaves out values that cannot be pickled, such as a lambda
                fields[name] = field.get_default(call_default_factory=True)
        BaseModel.__setstate__(self, {**state, "__dict__": fields})

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        live = [value for name in (*_LIVE, "client") if (value := self.__dict__[name]) is not None]
        return super().__deepcopy__({**(memo or {}), **{id(value): value for value in live}})


def _check_guard_is_left(names: Iterable[str], where: str) -> None:
    if "guard_filter" in names:
        raise InvalidRequestError(
            f"{where} cannot change guard_filter: it is an option of the constructor only; narrow with filter="
        )
