# The verbs of this repository; CI runs the same ones.
PYTHON ?= python3
BIN := .venv/bin
# Without its compiled files every command compiles thousands of modules again before it says a word.
unexport PYTHONDONTWRITEBYTECODE

# The next major version of DuckDB, which the core has to pass on too: a layer over the environment, from uv's cache.
DUCKDB2 := 2.0.1

.PHONY: mutate chat test test-duckdb2 install format lint types contracts budget bench bench-history check

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

test-duckdb2: .venv/.stamp
	OTHER_PYTHON=$(BIN)/python UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv run --no-sync --frozen --with duckdb==$(DUCKDB2) \
		python -m pytest -q $(or $(ARGS),-k 'not fifty_thousand' $(addprefix tests/backend/test_,\
		two_duckdbs.py archive_contract.py duckdb.py migrations.py history.py upkeep.py layout.py))

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

bench-history: .venv/.stamp
	@UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --frozen --quiet --inexact --all-extras --group bench
	$(BIN)/python -m benchmarks.history $(ARGS)

check: lint types contracts budget

# Break the Lua scripts one place at a time: the tests must notice 95 % of it. ARGS=20 tries about 20 places, ARGS=begin.lua those of one.
mutate: .venv/.stamp
	$(BIN)/python -m tests.mutate_lua $(ARGS)
