"""What users should know once, and not at every call."""

from __future__ import annotations

import logging

logger = logging.getLogger("langchain_pinecone_assistant")

_NOTICES = {
    "max_tokens": "max_tokens is accepted for compatibility and has no effect: the service has no such limit",
    "strict": "strict has no effect: the assistant is steered towards the schema and its answer is checked here, "
    "but the service enforces no schema",
    "function_calling": "method='function_calling' falls back to 'json_schema': an assistant calls no functions",
}
_given: set[str] = set()


def notice(option: str) -> None:
    """Log what an option does not do, once per process."""
    if option not in _given:
        _given.add(option)
        logger.warning(_NOTICES[option])
