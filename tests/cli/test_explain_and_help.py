"""`explain`, `--help`, `--version`, completion, and a machine without the extra."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from .conftest import Command

COMMANDS = [
    ["sync"],
    ["ask"],
    ["chat"],
    ["context"],
    ["batch"],
    ["evaluate"],
    ["serve"],
    ["explain"],
    *(["files", name] for name in ("list", "show", "upload", "delete")),
    *(["assistants", name] for name in ("list", "create", "show", "update", "delete")),
]


@pytest.fixture(scope="module")
def command() -> Command:
    """The command without an assistant."""
    return Command({})


@pytest.mark.parametrize("name", [["files"], ["assistants"], *COMMANDS], ids=" ".join)
def test_help_shows_an_example_in_80_columns(name: list[str]) -> None:
    from pinecone_assistant_cli.app import app  # noqa: PLC0415 - the extra `cli`

    done = CliRunner().invoke(app, [*name, "--help"], terminal_width=80, prog_name="pinecone-assistant")
    assert done.exit_code == 0
    usage, _, example = done.output.partition("Example")
    assert f"pinecone-assistant {' '.join(name)} [OPTIONS]" in usage
    assert f"pinecone-assistant {' '.join(name)}" in example
    assert max(map(len, done.output.splitlines())) <= 80


@pytest.mark.parametrize("name", [[], ["files"], ["assistants"], *COMMANDS], ids=" ".join)
def test_help_is_plain_text(name: list[str]) -> None:
    """A backspace that keeps lines apart in a docstring went to the terminal where no blank line was before it."""
    from pinecone_assistant_cli.app import app  # noqa: PLC0415 - the extra `cli`

    output = CliRunner().invoke(app, [*name, "--help"], terminal_width=80, prog_name="pinecone-assistant").output
    assert output.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", [["files"], ["assistants"], *COMMANDS], ids=" ".join)
def test_the_examples_of_the_help_are_commands_of_this_command_line(name: list[str]) -> None:
    from pinecone_assistant_cli.app import app  # noqa: PLC0415 - the extra `cli`

    help_ = CliRunner().invoke(app, [*name, "--help"], terminal_width=80, prog_name="pinecone-assistant").output
    examples = [line for line in help_.partition("Example")[2].splitlines() if "pinecone-assistant" in line]
    assert examples
    for example in examples:
        command: Any = typer.main.get_command(app)
        words = shlex.split(example)[1:]
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        with command.make_context(command.name, words, resilient_parsing=False):
            pass


@pytest.mark.parametrize("slug", ["notfounderror", "NotFoundError", "docs/errors.md#notfounderror"])
def test_explain_prints_the_section(command: Command, slug: str) -> None:
    done = command("explain", slug)
    assert done.code == 0
    assert done.lines[0] == "## NotFoundError"


def test_explain_without_a_slug_lists_them(command: Command) -> None:
    done = command("explain")
    assert (done.code, "ratelimiterror" in done.lines) == (0, True)


def test_an_unknown_slug_is_2_and_lists_them(command: Command) -> None:
    done = command("explain", "nonsense")
    assert (done.code, "ratelimiterror" in done.err) == (2, True)


def test_every_error_message_ends_in_a_slug_that_is_explained(command: Command) -> None:
    import pinecone_assistant_client as client  # noqa: PLC0415
    from pinecone_assistant_cli.explain import sections  # noqa: PLC0415

    known = sections()
    for name in client.__all__:
        kind = getattr(client, name)
        if isinstance(kind, type) and issubclass(kind, client.AssistantError):
            assert name.lower() in known or any(parent.__name__.lower() in known for parent in kind.__mro__), name


def test_without_the_extra_explain_works_and_the_rest_says_what_to_install(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['typer'] = None; from pinecone_assistant_cli.__main__ import main; "
    for arguments, code in ((["explain", "notfounderror"], 0), (["ask", "?"], 2), ([], 2)):
        program = f"{hidden} sys.argv = ['pinecone-assistant', *{arguments!r}]; sys.exit(main())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert ("[cli]" in done.stderr) == bool(code)


def test_the_version_is_shown(command: Command) -> None:
    assert command("--version").out.startswith("pinecone-assistant 0.")


def test_shell_completion_knows_the_subcommands(command: Command) -> None:
    done = command(_PINECONE_ASSISTANT_COMPLETE="complete_bash", COMP_WORDS="pinecone-assistant as", COMP_CWORD="1")
    assert "assistants" in done.out
    assert "ask" in done.out
