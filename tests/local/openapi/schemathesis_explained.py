"""Findings of schemathesis that are not defects of the local assistant, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """A reason, and the findings that it explains.

    Attributes:
        check: The name of schemathesis' check.
        operation: A pattern for the operation, such as `POST /chat/.*`.
        evidence: A pattern that is searched in the check's message and the answer below it.
        reason: Why the behaviour is correct.
    """

    check: str
    operation: str
    evidence: str
    reason: str

    def explains(self, check: str, operation: str, evidence: str) -> bool:
        """Return whether this reason explains a finding."""
        return (
            check == self.check
            and re.fullmatch(self.operation, operation) is not None
            and re.search(self.evidence, evidence) is not None
        )


_ACCEPTED, _REJECTED = "negative_data_rejection", "positive_data_acceptance"
_STATUS, _SHAPE, _TYPE = "status_code_conformance", "response_schema_conformance", "content_type_conformance"
_REQUIRED = "messages|role|content|name|question|answer|ground_truth_answer"

EXPLAINED = (
    Explanation(
        _ACCEPTED,
        "(POST|PUT|PATCH) .*",
        rf'"(?!({_REQUIRED})")(\w+)": null[^§]*in body - (\w+ -> )?\2: Incorrect type|was \w+, became null',
        "null for an optional field is the same as leaving it out; Pinecone's own 2025 plugin sends such nulls",
    ),
    Explanation(
        _REJECTED,
        "GET .*",
        "Invalid pagination_token",
        "a pagination token is one that an answer gave; others are refused",
    ),
    Explanation(
        _REJECTED,
        "GET /files/.*|POST /chat/.*",
        r'"message":"filter\b',
        "a filter has the documented operators on scalar values (in a list's query: JSON); the descriptions leave that to prose",
    ),
    Explanation(
        _REJECTED,
        "POST /chat/.*",
        "include_binary_content is only available|json_response cannot be used with stream",
        "two options that exclude each other, as Pinecone documents; the descriptions do not say so",
    ),
    Explanation(
        _REJECTED,
        "(POST|PUT) /files/.*",
        "Unsupported file type of|must be a string, number, boolean or list of strings|Metadata key .* must not start",
        "files are .txt, .md, .json, .pdf or .docx with flat metadata, as Pinecone documents; the descriptions do not say so",
    ),
    Explanation(
        _REJECTED,
        "(POST|PUT) /files/.*",
        "Invalid file id: must be|Too many fields",
        "an identifier is made of letters, digits, - and _, as the descriptions say in prose; a form has at most 8 fields",
    ),
    Explanation(
        _REJECTED,
        "PATCH /assistants/.*",
        "No updates provided",
        "an update without a change is refused, as the service does",
    ),
    Explanation(
        _SHAPE,
        "PATCH /assistants/.*",
        "Schema at /properties/(instructions|metadata)|Schema at /components/schemas/UpdateAssistantResponse",
        "the service answers an update with the whole assistant, in which what was never set is null",
    ),
    Explanation(
        _STATUS,
        "GET .*",
        r"Received: 400[^§]*INVALID_ARGUMENT",
        "a wrong query parameter is refused with 400; the descriptions list that for other operations only",
    ),
    Explanation(
        _STATUS,
        "POST /assistants",
        r"Received: 409[^§]*ALREADY_EXISTS",
        "a name that is taken is refused with 409, which the SDKs know; the descriptions do not list it",
    ),
    Explanation(
        _STATUS,
        "POST /evaluation/.*",
        r"Received: 401[^§]*UNAUTHENTICATED",
        "a wrong key is refused with 401 everywhere; the description of the evaluation does not list it",
    ),
    Explanation(
        _TYPE,
        "POST /chat/.*",
        "Received: text/event-stream",
        "streams are asked for with stream=true; the descriptions of 2025 have no text/event-stream for this operation",
    ),
)
