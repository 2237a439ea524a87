# Concours: everything from a fresh clone, with Python 3.11+ and make.
#
#   make run            serve the platform     (PORT=8000 INSTANCE=instance ARGS="--no-demo")
#   make test           the tests              (ARGS="tests/voting -x")
#   make check          lint, format, types, import order, templates
#   make test-browser   the journey in Chromium
#   make drills         kill things while it runs; drills-short: the quick ones
#   make bench          the benchmarks
#   make replay         play the model case against a running platform (SCALE=0.02 URL=http://127.0.0.1:8000)

PYTHON ?= python3
PORT ?= 8000
SCALE ?= 0.02
URL ?= http://127.0.0.1:$(PORT)
ARGS ?=

# More test processes than cores: a third of their time they wait for servers.
TESTERS ?= $(shell $(PYTHON) -c 'import os; print(max(2, (os.cpu_count() or 1) * 3 // 2))')

UV_VERSION := 0.13.9
VENV := .venv
TOOLS := .tools
BIN := $(VENV)/bin

export PYTHON PORT UV_VERSION
ifdef INSTANCE
export INSTANCE
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench drills drills-short test-browser replay setup setup-dev clean

help:
	@sed -n 's/^#   //p' Makefile

# What `make run` needs, and no more; what the tests need besides. The stamps hold as long as the lock does not change.
$(VENV)/.ready: uv.lock pyproject.toml .ci/setup
	@sh .ci/setup run

$(VENV)/.ready-dev: uv.lock pyproject.toml .ci/setup
	@sh .ci/setup dev

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

run: $(VENV)/.ready
	@exec $(BIN)/concours serve $(ARGS)

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n $(TESTERS) --dist worksteal $(ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint pkg --lint --quiet

test-browser: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m browser -n auto --dist loadgroup tests/browser $(ARGS)

drills: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m drill $(ARGS)

drills-short: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m "drill and not long" $(ARGS)

bench: $(VENV)/.ready-dev
	$(BIN)/python -m bench $(ARGS)

replay: $(VENV)/.ready
	$(BIN)/concours replay --scale $(SCALE) --url $(URL) $(ARGS)

clean:
	rm -rf $(VENV) $(TOOLS) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
