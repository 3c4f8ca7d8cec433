"""A batch with a progress bar, over a model that falls back to a second assistant when the first fails."""

from __future__ import annotations

from demo_assistant import local_assistant
from langchain_core.exceptions import ModelAPIError, ModelConnectionError, ModelRateLimitError
from rich.progress import track

from langchain_pinecone_assistant import ChatPineconeAssistant

QUESTIONS = [
    "What is the maximum height of a red pine?",
    "How far is the Moon from the Earth?",
    "How deep is Lake Baikal?",
    "What do honey bees eat?",
]


def main() -> None:
    with local_assistant() as local:
        second = ChatPineconeAssistant(**local.connection, strip_references=True)
        # Nothing listens at this address. The question never arrived, so asking the fallback cannot bill twice.
        first = second.model_copy(update={"host": "http://127.0.0.1:9", "max_retries": 0})
        chat = first.with_fallbacks(
            [second], exceptions_to_handle=(ModelConnectionError, ModelRateLimitError, ModelAPIError)
        )
        answers: dict[int, str] = {}
        done = chat.batch_as_completed(QUESTIONS, {"max_concurrency": 2})
        for index, answer in track(done, total=len(QUESTIONS), description="Asking"):
            answers[index] = str(answer.text)
        for index, question in enumerate(QUESTIONS):
            print(f"{question}\n  {answers[index]}")


if __name__ == "__main__":
    main()
