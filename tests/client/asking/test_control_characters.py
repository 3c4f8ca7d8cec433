"""Control, escape and direction characters of a peer or a file's name reach no message, no log and no terminal."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from pinecone_assistant_client import AssistantError, InternalServerError, InvalidRequestError
from pinecone_assistant_client.errors import reworded
from pinecone_assistant_client.redaction import printable

from ..support.asking import Asking
from ..support.bodies import PARTS, QUESTION, service_error
from ..support.raw_server import CLOSE, Answer, Pause, RawServer, chunk, head, reply

ODD = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\u200b\x00\x7f\x9b31m\u2028\r\nERROR: forged"
RAW = "\x1b[2J\x9b31m\x7f"
ANSWERS: dict[str, Answer] = {
    "an error status": reply(service_error(f"A{ODD}", f"no {ODD}", 503), status=503, headers={"Retry-After": "0"}),
    "an error in words": reply(f"no {ODD}", status=400, content_type="text/plain"),
    "an error in Latin-1": reply(b"no \x1b[2J \x9b31m \xff", status=400, content_type="text/plain"),
    "a redirect": reply(ODD, status=302),
    "an error in an answer": reply(service_error(f"X{ODD}", f"no {ODD}", 200)),
    "no HTTP": [f"{RAW} owned\r\n\r\n".encode("latin-1"), CLOSE],
    "an odd reason": [f"HTTP/1.1 503 {RAW}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"), CLOSE],
    "an odd header": [f"HTTP/1.1 503 No\r\nX-A{RAW}: 1\r\nContent-Length: 0\r\n\r\n".encode("latin-1"), CLOSE],
    "an odd request id": reply("{}", status=503, headers={"X-Request-Id": f"r-1{RAW}", "Server": f"s{RAW}"}),
    "an odd chunk": [
        head(200, {"Transfer-Encoding": "chunked"}),
        chunk(PARTS[1]),
        f"{RAW}\r\n".encode("latin-1"),
        CLOSE,
    ],
    "an odd encoding": reply("{}", headers={"Content-Encoding": "gzip"}),
}


def is_clean(text: str) -> bool:
    return all(character.isprintable() for character in text)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("method", ["chat_completion", "stream_chat_completion"])
def test_what_a_peer_writes_is_printable_in_errors_and_logs(
    ask: Asking, server: RawServer, method: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.otherwise = ANSWERS[name]
    caplog.set_level(logging.WARNING, logger="pinecone_assistant_client")
    asking = ask(max_retries=1)
    with pytest.raises(AssistantError) as caught:
        list(getattr(asking, method)(QUESTION))
    error = caught.value
    shown = [str(error), error.message, error.request_id or "", error.code or "", *map(str, error.args)]
    shown += [str(cause) for cause in (error.__cause__, error.__context__) if cause is not None]
    shown += error.response.headers.values() if error.response else []
    shown += [record.getMessage() for record in caplog.records if record.name == "pinecone_assistant_client"]
    assert [text for text in shown if not is_clean(text)] == []
    assert is_clean("".join(traceback.format_exception_only(error)).rstrip("\n"))


def test_what_a_broken_connection_said_is_printable_in_the_log(
    ask: Asking, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that was whole before its connection broke is delivered, and the reason is logged."""
    whole = b"".join(map(chunk, PARTS[:-1]))
    broken = f"{RAW}\r\n".encode("latin-1")
    server.script([head(200, {"Transfer-Encoding": "chunked"}), whole, Pause(0.05), broken, CLOSE])
    assert len(list(ask().stream_chat_completion(QUESTION))) == len(PARTS) - 2
    [record] = [record for record in caplog.records if record.name == "pinecone_assistant_client"]
    assert "the connection broke after the answer was whole" in record.getMessage()
    assert is_clean(record.getMessage())


@pytest.mark.parametrize("text", ["plain", "ä漢🌲", "", "a b"])
def test_printable_text_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\nb\tc\u2028d\u00a0e", "a b c d e"),
        ("\u202eexe\u2069", "\ufffdexe\ufffd"),
        ("\x00\x7f\x9b\u200b\ue000\ud83d", "\ufffd" * 6),
    ],
)
def test_what_is_not_printable_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_error_is_printable_whoever_words_it() -> None:
    error = InternalServerError(f"no {ODD}", status_code=500, request_id=ODD, code=ODD)
    assert all(map(is_clean, (str(error), error.message, error.request_id or "", error.code or "")))
    assert is_clean(str(reworded(error, f"again {ODD}")))


@pytest.mark.parametrize("name", ["\x1b[2J.md", "a\u202edm.md", "a\r\nb.md"])
def test_a_files_name_is_printable_in_an_error(name: str, tmp_path: Path, ask: Asking) -> None:
    path = tmp_path / name
    client: Any = ask().client
    with pytest.raises(InvalidRequestError) as caught:
        ask_to_upload(ask, client, path)
    assert is_clean(str(caught.value))


def ask_to_upload(ask: Asking, client: Any, path: Path) -> None:
    ask.run(lambda: client.files.upload(path))


def test_the_data_of_an_error_stays_as_it_came(ask: Asking, server: RawServer) -> None:
    """The body is for programs to read; only messages are cleaned for people."""
    body = service_error("X", "a\u200db", 400)
    server.otherwise = reply(body, status=400)
    with pytest.raises(AssistantError) as caught:
        ask().chat_completion(QUESTION)
    assert caught.value.body == body
    assert caught.value.response is not None
    assert caught.value.response.text == json.dumps(body)
