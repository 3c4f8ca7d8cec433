"""`ask` and `context`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pinecone_assistant_local import LocalAssistant

from .conftest import QUESTION, Command


@pytest.mark.parametrize(
    ("missing", "said"),
    [("PINECONE_API_KEY", "set PINECONE_API_KEY"), ("PINECONE_ASSISTANT_NAME", "pass --assistant NAME")],
)
def test_what_is_missing_is_said_in_the_words_of_the_command(
    pines: LocalAssistant, command: Command, missing: str, said: str
) -> None:
    del command.environ[missing]
    done = command("ask", QUESTION)
    assert done.code == 2
    assert said in done.err
    assert "api_key=" not in done.err
    assert "assistant_name=" not in done.err


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused_and_asks_no_other_assistant(
    pines: LocalAssistant, command: Command, name: str
) -> None:
    """`--assistant "$NOT_SET"` asked the assistant of the environment."""
    sent = len(pines.requests)
    done = command("ask", QUESTION, "--assistant", name)
    assert (done.code, "--assistant is empty" in done.err) == (2, True)
    assert len(pines.requests) == sent


def test_an_answer_is_followed_by_its_sources(pines: LocalAssistant, command: Command) -> None:
    done = command("ask", QUESTION)
    assert done.code == 0
    assert "43.8 meters" in done.out
    assert done.lines[-1] == "[1] red_pine.md"


def test_json_is_one_object_with_citations_and_no_link(pines: LocalAssistant, command: Command) -> None:
    (answer,) = command("ask", QUESTION, "--json").objects
    assert "43.8 meters" in answer["answer"]
    assert answer["citations"][0]["references"][0]["file_name"] == "red_pine.md"
    assert answer["usage"]["total_tokens"] > 0
    assert "http" not in str(answer)


def test_a_filter_decides_which_files_answer(pines: LocalAssistant, command: Command) -> None:
    done = command("ask", QUESTION, "--filter", '{"resource": "nursery"}')
    assert (done.code, "43.8 meters" in done.out) == (0, False)
    assert "nursery" in str(pines.requests[-1].body)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "QUESTION"),
        (["ask", "?", "--filter", "{"], "--filter takes JSON"),
        (["ask", "?", "--filter", "[1]"], "--filter takes a JSON object"),
        (["ask", "?", "--filter", '{"year": {"$near": 1}}'], "filter.year"),
        (["ask", "  "], "is empty"),
        (["context", "?", "--top-k", "99"], "--top-k"),
        (["asked", "?"], "No such command"),
    ],
)
def test_wrong_use_is_2_and_sends_no_question(
    pines: LocalAssistant, command: Command, arguments: list[str], said: str
) -> None:
    asked = len(pines.requests)
    done = command(*arguments)
    assert done.code == 2
    assert said in done.err
    assert len(pines.requests) == asked


def test_a_missing_key_is_2_and_says_what_to_set(command: Command) -> None:
    done = command("ask", "?", PINECONE_API_KEY="")
    assert done.code == 2
    assert "PINECONE_API_KEY" in done.err


def test_a_refused_key_is_1_and_is_not_shown(pines: LocalAssistant, command: Command) -> None:
    done = command("ask", "?", PINECONE_API_KEY="another-secret-key")
    assert done.code == 1
    assert "401" in done.err
    assert "another-secret-key" not in done.out + done.err


def test_an_unknown_assistant_is_1(pines: LocalAssistant, command: Command) -> None:
    done = command("ask", "?", "--assistant", "dcos")
    assert done.code == 1
    assert '"dcos" not found' in done.err


def test_context_is_one_passage_a_line(pines: LocalAssistant, command: Command) -> None:
    done = command("context", "height of a red pine", "--top-k", "2")
    assert (done.code, len(done.lines)) == (0, 2)
    score, file, pages, text = done.lines[0].split("\t")
    assert (float(score) > 0, file, pages) == (True, "red_pine.md", "")
    assert "pine" in text


def test_what_looks_like_markup_is_shown(local: LocalAssistant, command: Command) -> None:
    local.upload_text("markup.md", "The closing tag of the paragraph is [/red] and its list is [red].")
    local.reply("Use [red]this[/red] and [/x].")
    assert command("ask", "Which tag?").lines[0] == "Use [red]this[/red] and [/x]."


def test_control_characters_of_an_answer_do_not_reach_the_terminal(pines: LocalAssistant, command: Command) -> None:
    pines.reply("before\x1b[2Jafter \u202eevil")
    done = command("ask", "Which tag?")
    assert done.lines[0] == "before\ufffd[2Jafter \ufffdevil"


def test_the_answer_survives_a_closed_pipe(pines: LocalAssistant, command: Command) -> None:
    program = f"{sys.executable} -m pinecone_assistant_cli context pine --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", program], env=command.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
