# `make demo` and `make test` set up all that they need: a virtual environment in .venv, the packages in it, and for
# the tests an Apache Kafka in .cache. Nothing is installed outside of this folder.

PYTHON ?= python3
# Where compiled modules are not kept, each of the hundreds of processes of the tests compiles the connector again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test compiled shifted chaos bench check fix coverage docs messages deploy completions fuzz audit clean

help: ## what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(READY) ## the virtual environment with the connector and the tools of its tests

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "expected Python 3.11 or newer, not $$($(PYTHON) --version): name one with make PYTHON=..."; exit 1; }
	@echo "creating $(VENV) and installing the connector in it (once, about a minute)"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "the venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@# Most modules are never imported, and compiling all of them takes a third of the time; the others are when they are.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt \
	  --editable '.[dev]'
	@touch $@

demo: $(READY) ## a shop's clickstream through the real connector: embedded broker, local endpoint, 15 seconds
	@$(BIN)/putevents demo

WORKERS ?= auto
test: $(READY) ## every test but the chaos suite, on real Apache Kafka where one can be had; WORKERS=1 for one after another
	@$(BIN)/python -m pytest -n $(WORKERS) -m 'not chaos'

COMPILED := .cache/compiled
OVER ?= core loop contract wire dlq trials exporting
compiled: $(READY) ## the tests of the engine over the connector compiled to C, as image and wheel have it; needs a C compiler
	@$(BIN)/python -m tools.compiled $(COMPILED)
	@cd $(COMPILED) && PYTHONPATH=$$PWD $(abspath $(BIN))/python -m connector version | grep -x 'core compiled'
	@cd $(COMPILED) && PYTHONPATH=$$PWD $(abspath $(BIN))/python -m pytest -q -n $(WORKERS) $(OVER:%=tests/%)

SHIFTS := +400 -30
RINGS := core config loop status local security cli/test_commands.py
shifted: $(READY) ## the tests that need no broker, with the clock 400 days ahead and 30 behind
	@$(BIN)/python -m tests.clock $(SHIFTS) -- -q -n 2 -m 'not hypothesis' $(RINGS:%=tests/%)

chaos: $(READY) ## the chaos suite in full size, an hour or so; CHAOS_SIZE=0.1 for less, CHAOS_SEED=n to repeat
	@CHAOS_SIZE=$${CHAOS_SIZE:-1} $(BIN)/python -m pytest tests/chaos

bench: $(VENV)/.bench ## every figure of docs/performance.md, side by side, of the compiled core, in half an hour; BENCH=--quick for four minutes
	@$(BIN)/python -m tools.compiled $(COMPILED)
	@cd $(COMPILED) && PYTHONPATH=$$PWD $(abspath $(BIN))/python -m bench all $(BENCH)
	@cp $(COMPILED)/bench/results/*.json bench/results/

$(VENV)/.bench: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	@touch $@

check: $(READY) ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

fix: $(READY) ## what ruff can mend and format by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

coverage: $(READY) ## which lines no test reaches; all of core/ must be
	ALL_CASES=1 $(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --show-missing
	$(BIN)/coverage report --include='connector/core/*' --fail-under=100

docs: $(READY) ## docs/reference/ and the dashboard, from the code
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.dashboard

messages: $(READY) ## tests/config/messages/: what `putevents validate` prints about each broken file; read the difference
	@$(BIN)/python -m tests.config.golden

deploy: docs ## copies in deploy/ and the table of docs/kubernetes.md, from what they are made of
	@$(BIN)/python -m tools.copies

completions: $(READY) ## connector/cli/completions/: what shells know of the commands, from their parsers
	@$(BIN)/python -m tools.completions

FUZZ := .cache/fuzz-venv
$(FUZZ)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --only-binary atheris --editable '.[formats]' 'atheris>=3'
	@touch $@

fuzz: $(FUZZ)/.ready ## look for inputs that do harm, by coverage; FUZZ_SECONDS=60 and FUZZ_RUNS bound each of five targets
	@$(FUZZ)/bin/python -m tests.fuzz records
	@$(FUZZ)/bin/python -m tests.fuzz configurations
	@$(FUZZ)/bin/python -m tests.fuzz avro
	@$(FUZZ)/bin/python -m tests.fuzz formats
	@$(FUZZ)/bin/python -m tests.fuzz protobuf

AUDIT := .cache/audit-venv
$(AUDIT)/.ready:
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9'
	@touch $@

audit: $(AUDIT)/.ready ## known vulnerabilities of the pinned dependencies; fails where no data can be had
	@$(AUDIT)/bin/python .ci/audit.py $(AUDIT)/bin/pip-audit

clean: ## remove all that make has created
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
