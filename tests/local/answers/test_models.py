"""Answers written by models: LangChain's, LlamaIndex's, and a scripted server of OpenAI's chat API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback

from pinecone_assistant_cli.__main__ import main
from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.answers.extracted import DECLINE
from pinecone_assistant_local.answers.openai_api import OpenAIServer

from ..conftest import Api, events_of, text_of

FACT = "The red pine can grow up to 25 meters high."
QUESTION = "How high is a red pine?"
CHATTER = [
    {"role": "user", "content": "What is a red pine?"},
    {"role": "assistant", "content": "A red pine is a tree."},
    {"role": "user", "content": "How high is it?"},
]


class LangChainModel(BaseChatModel):
    """A chat model that yields its pieces and records its prompts."""

    pieces: list[str]
    sent: list[list[tuple[str, str]]]
    as_blocks: bool = False

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *arguments: Any, **options: Any) -> ChatResult:
        raise AssertionError("it streams")

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self.sent.append([(message.type, str(message.content)) for message in messages])
        for piece in self.pieces:
            content: Any = [{"type": "text", "text": piece}, {"type": "reasoning"}] if self.as_blocks else piece
            yield ChatGenerationChunk(message=AIMessageChunk(content=content))


class WholeModel(BaseChatModel):
    """A chat model that cannot stream."""

    text: str

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *arguments: Any, **options: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=self.text))])


class LlamaIndexModel(CustomLLM):
    """An LLM that yields its pieces and records its prompts."""

    pieces: list[str]
    sent: list[str]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise AssertionError("it streams")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        self.sent.append(prompt)

        def responses() -> CompletionResponseGen:
            text = ""
            for piece in self.pieces:
                text += piece
                yield CompletionResponse(text=text, delta=piece)

        return responses()


class WholeLlamaIndexModel(LlamaIndexModel):
    """An LLM that cannot stream."""

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="".join(self.pieces))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        raise NotImplementedError


class OpenAIStub(ThreadingHTTPServer):
    """A scripted server of OpenAI's chat API."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pieces: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.refusal: bytes = b""
        self.reply: Callable[[BaseHTTPRequestHandler, OpenAIStub], None] = _stream_chunked
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OpenAIStub

    def do_POST(self) -> None:
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        assert self.path == "/v1/chat/completions"
        if self.server.status == 200:
            self.server.reply(self, self.server)
            return
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.refusal)))
        self.send_header("location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.refusal)

    def log_message(self, *_: object) -> None:
        pass


def _events(pieces: Sequence[str]) -> list[bytes]:
    first = {"choices": [{"delta": {"role": "assistant", "content": ""}, "index": 0}]}
    thought = {"choices": [{"delta": {"reasoning": "Hm.", "content": None}, "index": 0}]}
    texts = [{"choices": [{"delta": {"content": piece}, "index": 0, "finish_reason": None}]} for piece in pieces]
    last: dict[str, Any] = {"choices": [{"delta": {}, "index": 0, "finish_reason": "stop"}]}
    usage: dict[str, Any] = {"choices": [], "usage": {"total_tokens": 5}}
    encoded = [json.dumps(event, ensure_ascii=False).encode() for event in (first, thought, *texts, last, usage)]
    return [b": ping\n\n", *(b"data: %s\n\n" % event for event in encoded), b"data: [DONE]\n\n"]


def _stream_chunked(handler: BaseHTTPRequestHandler, server: OpenAIStub) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for event in _events(server.pieces):
        for part in (event[:7], event[7:]):  # an event, and a character of it, may come in two chunks
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def _stream_until_closed(handler: BaseHTTPRequestHandler, server: OpenAIStub) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream; charset=utf-8")
    handler.send_header("connection", "close")
    handler.end_headers()
    for event in _events(server.pieces):
        handler.wfile.write(event.replace(b"data: ", b"data:").replace(b"\n", b"\r\n"))
        handler.wfile.flush()


def _whole(handler: BaseHTTPRequestHandler, server: OpenAIStub) -> None:
    message = {"role": "assistant", "content": "".join(server.pieces)}
    content = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def stub() -> Iterator[OpenAIStub]:
    with OpenAIStub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def asking(generate: Any) -> Iterator[Api]:
    with LocalAssistant(generate=generate, references=False) as local, requests.Session() as session:
        local.upload_text("pine.md", f"# Trees\n\n{FACT}")
        local.upload_text("whale.md", "Blue whales reach a length of 30 meters.")
        yield Api(local, session=session)


KINDS = ["langchain", "langchain blocks", "llama_index", "server", "server until closed", "server whole"]


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, stub: OpenAIStub) -> Callable[[list[str]], Any]:
    """Make a model of each kind that yields these pieces."""

    def make(pieces: list[str]) -> Any:
        kind = request.param
        if kind.startswith("langchain"):
            return LangChainModel(pieces=pieces, sent=[], as_blocks=kind.endswith("blocks"))
        if kind == "llama_index":
            return LlamaIndexModel(pieces=pieces, sent=[])
        stub.pieces = pieces
        replies = {"server": _stream_chunked, "server until closed": _stream_until_closed, "server whole": _whole}
        stub.reply = replies[kind]
        return OpenAIServer(stub.url, "llama3.2")

    return make


def _sent(made: Any, stub: OpenAIStub) -> str:
    """The last prompt of a model, as one text."""
    if isinstance(made, OpenAIServer):
        return "\n".join(message["content"] for message in stub.bodies[-1]["messages"])
    last = made.sent[-1]
    return last if isinstance(last, str) else "\n".join(text for _, text in last)


def test_a_model_writes_the_answer_and_its_marks_are_citations(
    model: Callable[[list[str]], Any], stub: OpenAIStub
) -> None:
    made = model(["Bis zu ", "25 Meter, h\u00f6her", " nicht [", "1]."])
    expected = "Bis zu 25 Meter, h\u00f6her nicht  [1]."
    with asking(made) as api:
        assert api.ask(QUESTION) == expected
        assert text_of(events_of(api.completions(QUESTION, stream=True))) == expected
        for stream in (False, True):
            response = api.chat(QUESTION, stream=stream)
            if stream:
                events = events_of(response)
                citations = [event["citation"] for event in events if event["type"] == "citation"]
                text = "".join(event["delta"]["content"] for event in events if event["type"] == "content_chunk")
            else:
                body = response.json()
                assert body["model"] == "gpt-4o@local-generate"
                citations, text = body["citations"], body["message"]["content"]
            assert text == expected.replace("  [1]", "")
            [citation] = citations
            assert citation["position"] == len(text) - 1
            assert [one["file"]["name"] for one in citation["references"]] == ["pine.md"]
    sent = _sent(made, stub)
    assert f"[1] (pine.md: Trees)\n{FACT}" in sent
    assert sent.count(QUESTION) == 1
    assert DECLINE in sent


def test_a_model_that_declines_cites_nothing(model: Callable[[list[str]], Any]) -> None:
    with asking(model(["I could not find an answer", DECLINE.removeprefix("I could not find an answer")])) as api:
        assert api.ask(QUESTION) == DECLINE
        assert api.chat(QUESTION).json()["citations"] == []
        ends = [event for event in events_of(api.chat(QUESTION, stream=True)) if event["type"] == "citation"]
        assert ends == []


def test_a_model_gets_the_conversation(model: Callable[[list[str]], Any], stub: OpenAIStub) -> None:
    made = model(["25 meters [1]."])
    with asking(made) as api:
        assert api.ask(CHATTER) == "25 meters  [1]."
    sent = _sent(made, stub)
    places = [sent.index(turn["content"]) for turn in CHATTER]
    assert places == sorted(places)
    if isinstance(made, OpenAIServer):
        roles = [message["role"] for message in stub.bodies[-1]["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        assert (stub.bodies[-1]["model"], stub.bodies[-1]["stream"]) == ("llama3.2", True)


def test_a_model_is_not_asked_when_nothing_was_found(model: Callable[[list[str]], Any]) -> None:
    with asking(model(["Made up [1]."])) as api:
        assert api.ask(QUESTION, filter={"topic": "none"}) == DECLINE


@pytest.mark.parametrize(
    "whole", [WholeModel(text="25 meters [1]."), WholeLlamaIndexModel(pieces=["25 meters [1]."], sent=[])]
)
def test_a_model_that_cannot_stream_answers_too(whole: Any) -> None:
    with asking(whole) as api:
        assert api.ask(QUESTION) == "25 meters  [1]."


@pytest.mark.parametrize("generate", [5, "http://127.0.0.1:11434/v1", object(), {"a": 1}])
def test_what_is_no_model_is_refused_at_once(generate: Any) -> None:
    with pytest.raises(TypeError, match="a LangChain chat model or a LlamaIndex LLM"):
        LocalAssistant(generate=generate)


@pytest.mark.parametrize(
    ("status", "refusal", "expected", "said"),
    [
        (
            404,
            b'{"error": {"message": "model \'llama3.2\' not found"}}',
            400,
            "answered 404: model 'llama3.2' not found",
        ),
        (400, b'{"error": "too long"}', 400, "answered 400: too long"),
        (401, b'{"message": "no secret-key"}', 400, "answered 401: no [key]"),
        (307, b"", 400, "answered 307: nothing"),
        (429, b"slow\n down", 503, "answered 429: slow down"),
        (500, b"\xff<html>", 503, "answered 500: \ufffd<html>"),
    ],
)
def test_a_refusal_of_the_server_is_told_without_its_key(
    stub: OpenAIStub, status: int, refusal: bytes, expected: int, said: str
) -> None:
    stub.status, stub.refusal = status, refusal
    with asking(OpenAIServer(stub.url, "llama3.2", "secret-key")) as api:
        response = api.completions(QUESTION)
        assert response.status_code == expected
        assert response.json()["error"]["message"] == f"The model 'llama3.2' at {stub.url} {said}"
        [*_, event] = events_of(api.completions(QUESTION, stream=True))
        assert event["error"]["message"].endswith(said)
    assert stub.headers[-1]["authorization"] == "Bearer secret-key"
    assert "secret-key" not in repr(OpenAIServer(stub.url, "llama3.2", "secret-key"))


def test_a_server_that_is_not_there_is_told() -> None:
    with asking(OpenAIServer("http://127.0.0.1:9/v1", "llama3.2")) as api:
        response = api.completions(QUESTION)
    assert response.status_code == 503
    assert "at http://127.0.0.1:9/v1 cannot be reached" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "event", [b"data: no json\n\n", b"data: []\n\n", b'data: {"choices": [5]}\n\n', b'data: {"choices": 5}\n\n',
              b'data: {"error": {"message": "out of memory"}}\n\n', b'data: {"choices": [{"delta": {"content": 5}}]}\n\n']
)  # fmt: skip
def test_an_event_that_is_none_is_an_error_and_not_an_end(stub: OpenAIStub, event: bytes) -> None:
    def reply(handler: BaseHTTPRequestHandler, _: OpenAIStub) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(_events(["Up to "])[3] + event)

    stub.reply = reply
    with asking(OpenAIServer(stub.url, "llama3.2")) as api:
        assert api.completions(QUESTION).status_code == 503
        [*_, last] = events_of(api.chat(QUESTION, stream=True))
        assert last["error"]["code"] == "UNAVAILABLE"


def _reply_with(
    content: bytes, kind: str = "text/event-stream"
) -> Callable[[BaseHTTPRequestHandler, OpenAIStub], None]:
    def reply(handler: BaseHTTPRequestHandler, _: OpenAIStub) -> None:
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(content)

    return reply


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"".join(_events(["Up to "])[:4]), "broke off before the end of its answer"),
        (b'event: error\ndata: {"message": "out of memory"}\n\n', "broke off before the end of its answer"),
        (b"", "broke off before the end of its answer"),
        (b"data: [DONE]\n\n", "gave an empty answer"),
        (b"".join(_events([])), "gave an empty answer"),
        (b"".join(_events(["  "])), "gave an empty answer"),
    ],
)
def test_an_answer_that_is_cut_or_empty_is_an_error(stub: OpenAIStub, content: bytes, said: str) -> None:
    stub.reply = _reply_with(content)
    with asking(OpenAIServer(stub.url, "llama3.2")) as api:
        response = api.completions(QUESTION)
        assert response.status_code == 503
        assert response.json()["error"]["message"].endswith(said)
        [*_, last] = events_of(api.chat(QUESTION, stream=True))
        assert last["error"]["message"].endswith(said)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"".join(_events(["Yes."])[:-2]), "text/event-stream"),  # a reason to end, and no [DONE]
        (b"".join([*_events(["Yes."])[:4], b"data: [DONE]\n\n"]), "text/event-stream"),  # the reverse
        (b"".join(_events(["Yes."])), "Text/Event-Stream;charset=UTF-8"),
        (b'{"choices": [{"message": {"content": null, "refusal": "Yes."}}]}', "application/json"),
        (b'{"choices": [{"message": {"content": "Yes."}}]}', "application/json"),
    ],
)
def test_each_form_of_a_whole_answer_is_read(stub: OpenAIStub, content: bytes, kind: str) -> None:
    stub.reply = _reply_with(content, kind)
    assert "".join(OpenAIServer(stub.url, "m").stream_chat([("user", "?")])) == "Yes."


@pytest.mark.parametrize(
    "silent",
    [
        LangChainModel(pieces=["", " "], sent=[]),
        LlamaIndexModel(pieces=[""], sent=[]),
        lambda _question, _passages: "",
    ],
)
def test_an_answer_without_words_cites_nothing(silent: Any) -> None:
    with asking(silent) as api:
        body = api.chat(QUESTION).json()
    assert (body["message"]["content"].strip(), body["citations"]) == ("", [])


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    stub: OpenAIStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    stub.pieces = ["Yes [1]."]
    assert "".join(OpenAIServer(stub.url, "m").stream_chat([("user", "?")])) == "Yes [1]."


@pytest.mark.parametrize(
    "arguments",
    [
        ["--llm-url", "http://127.0.0.1:1/v1"],
        ["--llm-model", "llama3.2"],
        ["--llm-url", "127.0.0.1:11434", "--llm-model", "llama3.2"],
        ["--llm-url", "file:///etc/passwd", "--llm-model", "llama3.2"],
        ["--llm-url", "http://me:secret@127.0.0.1/v1", "--llm-model", "llama3.2"],
        ["--llm-url", "http://127.0.0.1/v1", "--llm-model", " "],
    ],
)
def test_serve_refuses_a_model_that_cannot_be(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(tmp_path), *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "llm" in line or "model" in line
    assert "secret" not in line


def test_serve_answers_with_the_model_of_a_server(tmp_path: Path, stub: OpenAIStub) -> None:
    (tmp_path / "pine.md").write_text(FACT)
    stub.pieces = ["About ", "25 meters [1]."]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINECONE_")}
    command = [sys.executable, "-m", "pinecone_assistant_cli", "serve", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--llm-url", stub.url, "--llm-model", "llama3.2"],
        env=environment | {"LLM_API_KEY": "key-of-the-model"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        exported = [re.fullmatch(r"export (\w+)=(.*)\n", process.stdout.readline()) for _ in range(6)]
        given = {one[1]: one[2] for one in exported if one}
        response = requests.post(
            f"{given['PINECONE_ASSISTANT_HOST']}/assistant/chat/{given['PINECONE_ASSISTANT_NAME']}",
            json={"messages": [{"role": "user", "content": QUESTION}]},
            headers={"Api-Key": given["PINECONE_API_KEY"]},
            timeout=20,
        )
        assert response.json()["message"]["content"] == "About 25 meters."
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert stub.headers[-1]["authorization"] == "Bearer key-of-the-model"
    assert "key-of-the-model" not in errors
