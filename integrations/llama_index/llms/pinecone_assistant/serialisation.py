"""What of an LLM travels in pickles, deep copies and dicts: what was given, and nothing that is live."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, PrivateAttr, SerializationInfo, SerializerFunctionWrapHandler, model_serializer
from typing_extensions import Self

from pinecone_assistant_client.adapters import CONNECTION_OPTIONS, Clients

from .options import FIELD_OPTIONS
from .structured import StructuredPredict

_LIVE = ("http_session", "async_http_session")


class TravellingLLM(StructuredPredict):
    """What LlamaIndex's components do in pickles and dicts, without its harm to this one."""

    _clients: Clients | None = PrivateAttr(default=None)

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self,
        handler: SerializerFunctionWrapHandler,
        info: SerializationInfo,  # noqa: ARG002 - LlamaIndex's signature
    ) -> dict[str, Any]:
        """The fields, and the class's name as LlamaIndex adds it.

        Options that were not given stay out, or they would pass for given when the dict comes back, and engines over that
        LLM would no longer drop the links. A client does not travel: its name stands for it, which no constructor takes,
        because what the environment names may be another assistant, without the client's filter.
        """
        data: dict[str, Any] = handler(self)
        data["class_name"] = self.class_name()
        left_out = set(FIELD_OPTIONS) - self.model_fields_set
        client = self.__dict__["client"]
        if client is not None:
            left_out.update(CONNECTION_OPTIONS)
            data["client"] = repr(client)
        return {name: value for name, value in data.items() if name not in left_out}

    def __getstate__(self) -> dict[str, Any]:
        # What is live does not travel; a pickle holds the API key, and a client as the client pickles itself.
        twin = self.model_copy(update={name: None for name in _LIVE if self.__dict__[name] is not None})
        twin._clients = None
        return super(TravellingLLM, twin).__getstate__()

    def __setstate__(self, state: dict[str, Any]) -> None:
        # LlamaIndex would call __init__ with every field: all would pass for given, and the environment be read again.
        fields = dict(state["__dict__"])
        for name, field in type(self).model_fields.items():
            if name not in fields:  # LlamaIndex leaves out what cannot be pickled, such as a lambda
                fields[name] = field.get_default(call_default_factory=True)
        BaseModel.__setstate__(self, {**state, "__dict__": fields})

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        live = [value for name in (*_LIVE, "client") if (value := self.__dict__[name]) is not None]
        return super().__deepcopy__({**(memo or {}), **{id(value): value for value in live}})
