# One command each, with python3 and pip only. `make demo` and `make test` need no key and no network beyond the package index.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
# Without --upgrade, which would ask the index each time.
PIP := $(RUN)/python -m pip install
# A virtual environment holds absolute paths: in a moved, renamed or copied clone it is made again. The first line of its pip says where it was made.
MADE_IN := $(shell sed -n '1s|^\#!\(.*/$(VENV)/bin\)/python[0-9.]*$$|\1|p' $(VENV)/bin/pip 2>/dev/null)
ifneq ($(MADE_IN),)
MOVED := $(shell [ "$(MADE_IN)" -ef $(VENV)/bin ] || { echo "$(VENV) was made in $(MADE_IN): it is made again here." >&2; rm -rf $(VENV); })
endif
# No test and no demo may reach a real account by accident: every PINECONE_* variable is dropped first.
OFFLINE := unset $${!PINECONE_@};

.PHONY: help demo demo-live test check lint docs pythons audit live typescript dist ray openapi chat streamlit clean bench faults soak

help:
	@echo "make demo   both frameworks answer, streamed and cited, from a local assistant (no key)"
	@echo "make chat   a chat in the browser with a local assistant (no key; LIVE=1 asks yours, which is billed)"
	@echo "make test   run the tests (no key)"
	@echo "make check  lint, types, import contracts, the docs site, an audit and tests, on other Pythons too, as CI does"
	@echo "make docs   build the docs site into site/"
	@echo "make demo-live              lists the files of your real assistant; with QUESTION=\"...\" both frameworks ask it (billed)"
	@echo "make live                   the live tests against your real assistant (billed)"

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.10 or newer, or name yours: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is older than 3.10: install Python 3.10 or newer, or run: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) -m venv failed. On Debian or Ubuntu install it with: apt install python3-venv (elsewhere: a full Python from python.org), then run make again."; exit 1; }

$(VENV)/.all: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing the package with its extras into $(VENV), once: about 370 MB, a minute or two on a fast network."
	@echo "If the network fails, run make again."
	@$(PIP) 'pip>=25.1' --quiet
	@$(PIP) --editable '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing the package and its development tools into $(VENV) (once, 1.2 GB) ..."
	@$(PIP) 'pip>=25.1' --quiet
	@$(RUN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $(VENV)/.all $@

demo: $(VENV)/.all
	@$(OFFLINE) $(RUN)/python examples/quickstart_langchain.py
	@echo
	@$(OFFLINE) $(RUN)/python examples/quickstart_llama_index.py
	@echo
	@echo "Next:"
	@echo "  1. Ask your own files: $(RUN)/pinecone-assistant serve FOLDER"
	@echo "  2. Use it in your program: the first two programs in README.md, run with $(RUN)/python"
	@echo "  3. Ask your own assistant: set PINECONE_API_KEY and PINECONE_ASSISTANT_NAME, then make demo-live (lists its files, costs nothing)"

# Uploads nothing. Without QUESTION="..." it asks nothing either: it lists the files and says how to ask.
demo-live: export QUESTION ?=
demo-live: $(VENV)/.all
	@$(RUN)/python examples/quickstart_langchain.py --live "$$QUESTION"
	@[ -z "$$QUESTION" ] || $(RUN)/python examples/quickstart_llama_index.py --live "$$QUESTION"

.venv-others/web/.ready: pyproject.toml
	@echo "Installing Gradio and Streamlit into .venv-others/web (once, 650 MB) ..."
	@$(PYTHON) -m venv .venv-others/web
	@.venv-others/web/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@.venv-others/web/bin/python -m pip install --quiet --editable '.[local]' --group web
	@touch $@

# With LIVE=1 it asks your own assistant, which is billed.
chat: .venv-others/web/.ready
	@.venv-others/web/bin/python examples/web_chat/server.py $(if $(LIVE),--live)

# On this machine only, and Streamlit reports to nobody.
streamlit: .venv-others/web/.ready
	@.venv-others/web/bin/streamlit run --server.address 127.0.0.1 --server.headless true --browser.gatherUsageStats false examples/streamlit_chat.py $(if $(LIVE),-- --live)

# Three processes on two cores: the tests wait for sockets and child processes more than they compute.
test: $(VENV)/.dev .venv-others/web/.ready
	@$(OFFLINE) $(RUN)/python -m pytest -n 3 --dist worksteal --durations=20

lint: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy integrations tests examples
	$(RUN)/lint-imports

# From the root, because docs/changelog.md takes in CHANGELOG.md from here. The variable silences a notice about mkdocs 2, nothing else.
docs: $(VENV)/.dev
	@NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --strict -f docs/mkdocs/mkdocs.yml

# The quick starts and the client's and adapters' tests on other supported Pythons found here, the oldest with the lowest versions allowed.
pythons: $(VENV)/.dev
	@$(OFFLINE) $(RUN)/python tests/other_pythons.py

# The fault table, and a soak of 30 minutes; neither is part of check.
faults: $(VENV)/.dev
	@$(OFFLINE) $(RUN)/python -m tests.faults

soak: $(VENV)/.dev
	@$(OFFLINE) $(RUN)/python -m tests.faults.soak --minutes 30

# Known vulnerabilities of what users install; fails for a finding, says plainly where the index has no data.
audit: $(VENV)/.dev
	@$(RUN)/python tests/release/audit.py

.venv-others/openapi/.ready: pyproject.toml
	@echo "Installing schemathesis and the local assistant into .venv-others/openapi (once) ..."
	@$(PYTHON) -m venv .venv-others/openapi
	@.venv-others/openapi/bin/python -m pip install --quiet --editable '.[local]' 'schemathesis>=4.32,<5' 'jsonschema>=4.20' 'pyyaml>=6'
	@touch $@

# schemathesis against the local assistant, three minutes; the descriptions are Pinecone's and lie beside the project, or in OPENAPI=folder.
openapi: .venv-others/openapi/.ready
	@$(OFFLINE) .venv-others/openapi/bin/python -m tests.local.openapi.schemathesis_run $(OPENAPI)

.venv-others/ray/.ready: pyproject.toml
	@echo "Installing Ray Data into .venv-others/ray (once, 740 MB) ..."
	@$(PYTHON) -m venv .venv-others/ray
	@.venv-others/ray/bin/python -m pip install --quiet --editable '.[langchain,local]' 'ray[data]>=2.40' pytest
	@touch $@

# examples/ray_batch.py on a real, local Ray with two workers; Ray has no wheel for some Pythons.
ray:
	@if $(MAKE) --no-print-directory .venv-others/ray/.ready; then \
		unset $${!PINECONE_@}; RAY_USAGE_STATS_ENABLED=0 .venv-others/ray/bin/python -m pytest -c tests/ray/child.ini tests/ray/check_ray.py -q; \
	else $(PYTHON) -c 'import sys; print(f"Ray has no wheel for Python {sys.version.split()[0]} on this machine: its example was not run.")'; fi

# As the tests, with more rounds of `kill -9` against the local assistant's store.
check: export DURABILITY_ROUNDS = 50
check: lint docs audit test pythons

live: $(VENV)/.dev
	$(RUN)/python -m pytest -m live --force-enable-socket tests

$(VENV)/.bench: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing what draws the plots into $(VENV) (once) ..."
	@$(PIP) 'pip>=25.1' --quiet
	@$(RUN)/python -m pip install --quiet --editable '.[all]' --group bench
	@touch $(VENV)/.all $(VENV)/.dev $@

# About fifteen minutes: prints the tables and writes docs/benchmarks.md with its plots.
bench: $(VENV)/.bench
	@$(OFFLINE) $(RUN)/python -m tests.benchmarks
	@$(OFFLINE) $(RUN)/python -m tests.benchmarks.bulk

# Builds and checks a release in dist/, tries the wheel with each extra and runs docs/ after each of its install lines, in clean environments; uploads nothing.
dist: $(VENV)/.dev
	@$(OFFLINE) $(RUN)/python -m tests.release.dist

# Pinecone's TypeScript SDK, two majors, as clients of the local assistant; needs npm's registry once.
typescript: $(VENV)/.dev
	@$(OFFLINE) $(RUN)/python -m tests.typescript

clean:
	rm -rf $(VENV) .venv-others .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist site
