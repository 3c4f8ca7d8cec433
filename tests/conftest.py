"""Isolation of all tests: no variables of a real account, and no state shared through the process."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from pinecone_assistant_client.transports import connections


def pytest_configure(config: pytest.Config) -> None:
    """Drop every PINECONE_* variable, so that no test can reach, or bill, a real account; `make live` keeps them."""
    if "live" in str(config.getoption("markexpr")).split() and "not" not in str(config.getoption("markexpr")).split():
        return
    for name in [name for name in os.environ if name.startswith("PINECONE_")]:
        del os.environ[name]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the reasons of all skipped tests on one line."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])
    )
    if reasons:
        terminalreporter.write_line("Skipped: " + "; ".join(f"{number} ({why})" for why, number in reasons.items()))


# A shell starts background commands with Ctrl-C ignored, and children inherit that; some tests send Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _environment_stays_clean() -> Iterator[None]:
    """Fail a test that leaves a PINECONE_* variable set, because that would affect the tests after it."""
    before = {name: value for name, value in os.environ.items() if name.startswith("PINECONE_")}
    yield
    after = {name: value for name, value in os.environ.items() if name.startswith("PINECONE_")}
    assert after == before, "a test left a PINECONE_* variable behind: use monkeypatch.setenv"


_left_open: list[connections.SharedConnections] = []


@pytest.fixture(autouse=True)
def _connections_of_its_own() -> None:
    """Close shared connections. One that an earlier test left open would still use that test's proxy, CA and sockets."""
    _left_open.extend(connections._registry.shared.values())
    connections._registry.shared.clear()
    for shared in [shared for shared in _left_open if not shared.users]:
        _left_open.remove(shared)
        shared.close()
