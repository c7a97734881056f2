# Two commands matter: `make demo` and `make test`. Nothing but Python 3.11 and make is needed beforehand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
KILLS ?= 80
SEED ?=
MINUTES ?= 30
ARGS ?=

.DEFAULT_GOAL := ready
.PHONY: ready demo run test check format bench mutants crash crash-mutants soak lock schemas clean help

ready: $(READY) ## the virtual environment, from the hashed lock file

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(READY) ## the main job, on an embedded server; ARGS=--once ends by itself
	$(BIN)/broker demo $(ARGS)

run: $(READY) ## a hub on this machine: make run ARGS="--directory DIR"
	$(BIN)/broker serve $(ARGS)

test: $(READY) ## everything; what is missing of the system is named
	@scripts/system-packages --check || true
	$(BIN)/python -m pytest $(ARGS)

check: $(READY) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## lays the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## ratios against floors, into build/bench.json
	$(BIN)/python -m benchmarks $(ARGS)

mutants: $(READY) ## each rule and each step negated in turn: the tests must notice
	$(BIN)/python -m tests.mutants $(ARGS)

crash: $(READY) ## kills while alerts are posted: make crash KILLS=5000 SEED=1
	$(BIN)/python -m tests.crash --kills $(KILLS) $(if $(SEED),--seed $(SEED)) $(ARGS)

crash-mutants: $(READY) ## wrong engines, each in a run made for it: the checker must notice
	$(BIN)/python -m tests.crash.mutants $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: $(READY) ## half the measured rate for long: make soak MINUTES=30
	$(BIN)/python -m tests.crash.soak --minutes $(MINUTES) $(ARGS)

schemas: $(READY) ## writes schemas/json anew
	$(BIN)/python -m schemas.generate

lock: $(READY) ## resolves the dependencies anew
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11 --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11 --quiet -o requirements-hub.lock

clean: ## removes what make made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
