"""Unwrapping a text that is one code block."""

from __future__ import annotations

import pytest

from pinecone_assistant_client.adapters import strip_code_fence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('\n ```JSON \n{"a": 1}```\n', '{"a": 1}'),
        ("```\n1\n2\n```", "1\n2"),
        ('{"a": "```"}', '{"a": "```"}'),
        ("See:\n```json\n1\n```", "See:\n```json\n1\n```"),
        ("", ""),
    ],
)
def test_only_a_text_that_is_all_one_block_is_taken_out_of_it(text: str, expected: str) -> None:
    assert strip_code_fence(text) == expected
