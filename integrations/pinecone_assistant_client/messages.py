"""Validate a conversation and fold it into the turns that the API takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .errors import InvalidRequestError

SystemMessages = Literal["merge", "error"]
_SYSTEM_ROLES = ("system", "developer")
_ROLES = ("user", "assistant", *_SYSTEM_ROLES)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: `"user"`, `"assistant"`, or `"system"` / `"developer"`, which are folded into the first user turn.
        content: Text. A blank user turn is an error; blank turns of other roles are left out.
    """

    role: str
    content: str


def _to_message(value: Any, index: int) -> Message:
    role: Any
    content: Any
    if isinstance(value, Message):
        role, content = value.role, value.content
    elif isinstance(value, Mapping):
        unknown = sorted(set(value) - {"role", "content"}, key=str)
        if unknown:
            raise InvalidRequestError(f"messages[{index}] has the key {unknown[0]!r}: only role and content are known")
        role, content = value.get("role"), value.get("content")
    else:
        raise InvalidRequestError(
            f"messages[{index}] is a {type(value).__name__}: pass Message(role, content) or a dict with these keys"
        )
    if role not in _ROLES:
        raise InvalidRequestError(f"messages[{index}].role is {role!r}: use one of {', '.join(_ROLES)}")
    if content is None and role != "user":
        content, value = "", None  # a turn in which another model only called tools
    if not isinstance(content, str):
        raise InvalidRequestError(
            f"messages[{index}].content is a {_kind_of(content)}: the assistant takes text (str) only"
        )
    if role == "user" and _is_blank(content):
        raise InvalidRequestError(f"messages[{index}].content (user) is empty: a question needs text")
    try:
        if not content.isascii():
            content.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"messages[{index}].content has a lone surrogate at character {error.start}: it is not valid text"
        ) from error
    return value if isinstance(value, Message) else Message(role, content)


def _is_blank(content: str) -> bool:
    return not content or content.isspace()


def _kind_of(content: Any) -> str:
    """Return the type of content that is not text, or for a list the kind of its first block that is not text."""
    if isinstance(content, list) and content and all(isinstance(block, Mapping) for block in content):
        kinds = [block.get("type", "untyped") for block in content]
        return f"list of {next((kind for kind in kinds if kind != 'text'), 'text')} blocks"
    return type(content).__name__


def fold_messages(
    messages: Iterable[Message | Mapping[str, Any]], *, system_messages: SystemMessages = "merge"
) -> list[Message]:
    """Return the turns to send: roles user and assistant only, never two turns of one role in a row.

    The service knows no system role. System and developer messages are put, in order, before the first user turn's
    text; same-role runs are joined by a blank line. A blank system or assistant turn is left out: the service refuses it, and
    an answer without text would lock its conversation for ever. The input is not changed.

    Args:
        messages: `Message` values or `{"role": ..., "content": ...}` dicts.
        system_messages: `"merge"` folds system messages, `"error"` refuses them.

    Raises:
        InvalidRequestError: No user turn, a blank one, an unknown role or non-text content; names the message.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise InvalidRequestError(
            f"messages is a {type(messages).__name__}: pass a list, such as [{{'role': 'user', 'content': '...'}}]"
        )
    system: list[str] = []
    turns: list[tuple[str, list[str]]] = []
    for index, value in enumerate(messages):
        message = _to_message(value, index)
        if _is_blank(message.content):
            continue
        if message.role in _SYSTEM_ROLES:
            if system_messages == "error":
                raise InvalidRequestError(
                    f'messages[{index}] is a {message.role} message and system_messages="error": '
                    'the assistant takes none; put the text into a user message or use system_messages="merge"'
                )
            system.append(message.content)
        elif turns and turns[-1][0] == message.role:
            turns[-1][1].append(message.content)
        else:
            turns.append((message.role, [message.content]))
    for role, contents in turns:
        if role == "user":
            contents[:0] = system
            return [Message(role, "\n\n".join(contents)) for role, contents in turns]
    raise InvalidRequestError("no user message to answer: add one with role 'user'")
