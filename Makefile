# The verbs of this repository; CI runs the same ones.
PYTHON ?= python3
BIN := .venv/bin
# Without its compiled files every command compiles thousands of modules again before it says a word.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: mutate chat test install format lint types contracts budget bench check

# One stamp per lock file: the environment is made once and follows uv.lock.
.venv/.stamp: uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --frozen --quiet --inexact --all-extras --compile-bytecode
	@touch $@

install: .venv/.stamp

chat: .venv/.stamp
	@$(BIN)/agent-memory chat $(ARGS)

test: .venv/.stamp
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/faults
	$(BIN)/python -m pytest tests/faults -W default::ResourceWarning  # alone: they are timed by the machine, and drop connections
endif

format: .venv/.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: .venv/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: .venv/.stamp
	$(BIN)/pyright

contracts: .venv/.stamp
	$(BIN)/lint-imports

budget: .venv/.stamp
	$(BIN)/loq

bench: .venv/.stamp
	$(BIN)/python -m benchmarks.turn $(ARGS)

check: lint types contracts budget

# Break the Lua scripts one place at a time: the tests must notice 95 % of it. ARGS=20 tries about 20 places.
mutate: .venv/.stamp
	$(BIN)/python -m tests.mutate_lua $(ARGS)
