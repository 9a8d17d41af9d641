# Everything a newcomer types. Each target sets up .venv by itself, once, from requirements.lock.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=
SEED ?= 20261121
unexport PYTHONDONTWRITEBYTECODE  # what was compiled once is kept, or every gateway compiles itself anew

.DEFAULT_GOAL := help
.PHONY: help demo test soak pictures drill check bench serve lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## four gateways on this machine exchange certificates; KEEP=1 leaves them running
	$(BIN)/eco-gateway demo $(if $(KEEP),--keep,) $(ARGS)

test: $(READY)  ## the test suite, in the order of SEED; says at the end what it had to leave out, and why
	$(BIN)/python -m pytest -n auto --dist worksteal --randomly-seed=$(SEED) $(ARGS)

check: $(READY)  ## format, lint, types, import contracts, registry
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/eco-gateway check

bench: $(READY)  ## the project's own benchmark; one JSON object on the last line
	$(BIN)/python -m bench $(ARGS)

soak: $(READY)  ## the long counts, seeded; leaves its report in bench/results/
	$(BIN)/python -m tests.soak $(ARGS)

pictures: $(READY)  ## every page of the console as every role sees it, in var/pictures/; fails where one is not sound
	$(BIN)/python -m tests.pictures $(ARGS)

drill: $(READY)  ## a PostgreSQL cluster whose primary is killed under load; needs Patroni, etcd, HAProxy
	$(BIN)/python -m tests.drill $(ARGS)

serve: $(READY)  ## one node for the home party of ECO_GATEWAY_HOME
	$(BIN)/eco-gateway serve $(ARGS)

lock: $(READY)  ## pin again what pyproject.toml asks for
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --extra dev \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--constraint requirements.lock pyproject.toml -o docker/requirements.lock

clean:  ## remove the virtual environment and every cache; var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Setting up .venv (once; a minute or two)"
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)
