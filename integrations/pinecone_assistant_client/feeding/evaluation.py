"""Evaluation: how well an answer agrees with a ground truth. A procedure for `client.evaluate`."""

from __future__ import annotations

from ..options import NotGiven
from ..settings import Timeout
from .decoding import decode_evaluation
from .effects import Send, Steps
from .requests import build_evaluation
from .values import Evaluation


def evaluate(question: str, answer: str, ground_truth_answer: str, timeout: Timeout | NotGiven) -> Steps[Evaluation]:
    """Ask the assistant's own data host; Pinecone's SDKs ask the US host for assistants of every region."""
    reply = yield Send(build_evaluation(question, answer, ground_truth_answer), timeout=timeout)
    return decode_evaluation(reply.body)
