# The same words everywhere: make install, check, test, demo, up, bench, clean. `make help` lists them all.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
COMPOSE := docker compose
define generators
$(BIN)/python -m tcplab.wire.schema $(1)
$(BIN)/python -m tcplab.observe.catalogue $(1)
$(BIN)/python -m tcplab.cli.diagram docs/states.md $(1)
$(BIN)/python -m tcplab.cli.picture docs/ladder.svg $(1)
$(BIN)/python -m grafana.boards $(1)
$(BIN)/python -m services.common.readme $(1)
$(BIN)/python -m tests.packetdrill.table $(1)
$(BIN)/python -m tests.rfc docs/rfc-coverage.md $(1)
endef
MISSPELT = $(filter-out $(shell grep -o 'TCPLAB_[A-Z0-9_]*' docker-compose.yml),$(filter TCPLAB_%,$(.VARIABLES)))

.DEFAULT_GOAL := help
.PHONY: help install check generate format test coverage mutants mutation fuzz conformance fuzz-atheris test-stack replay demo explore up down bench lock clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- installation: each stamp says what was installed from which lock, so that a second make is instant ------------

$(VENV)/.base: scripts/make-venv
	scripts/make-venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.base requirements.txt requirements-build.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.mutation: $(VENV)/.dev requirements-mutation.txt
	$(PIP) install --require-hashes -r requirements-mutation.txt
	@touch $@

install: $(VENV)/.runtime ## make .venv, with the tcplab command in it
	@echo "installed: $(BIN)/tcplab"

lock: $(VENV)/.dev ## resolve the dependencies anew and write them down with their hashes
	$(LOCK) --upgrade --group pyproject.toml:build --output-file requirements-build.txt
	$(LOCK) --upgrade --output-file requirements.txt pyproject.toml
	$(LOCK) --upgrade --constraint requirements.txt --constraint requirements-build.txt \
	  --extra dev --group pyproject.toml:build --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --upgrade --constraint requirements-dev.txt --extra mutation --output-file requirements-mutation.txt \
	  pyproject.toml

# --- proof ---------------------------------------------------------------------------------------------------------

check: $(VENV)/.dev ## ruff, mypy --strict, import-linter, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tcplab.runtime.definitions --check
	$(call generators,--check)

generate: $(VENV)/.dev ## write the generated files anew
	$(BIN)/python -m tcplab.runtime.definitions > rabbitmq/definitions.json.new
	mv rabbitmq/definitions.json.new rabbitmq/definitions.json
	$(call generators)

format: $(VENV)/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(VENV)/.dev ## unit, law, simulation, property and broker tests
	$(BIN)/pytest -n auto --ignore tests/stack

coverage: $(VENV)/.dev ## what no test of the engine reaches (docs/coverage-of-tcp.md); fails under 98 % of its branches
	@mkdir -p out
	$(BIN)/coverage run -m pytest -q -n auto tests/tcp tests/packetdrill
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

mutants: $(VENV)/.dev ## break the engine in many places, and see a test of each RFC clause fail
	$(BIN)/python -m tests.rfc.killing

mutation: $(VENV)/.mutation ## change the engine everywhere: 95 % of the changes must fail a test (some 20 minutes)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.mutation

fuzz: $(VENV)/.dev ## the plays of make test, from fresh seeds and many more of them (some 10 minutes)
	$(BIN)/pytest -n auto --hypothesis-profile=fuzz tests/tcp/test_fuzz.py

conformance: $(VENV)/.dev ## the statistics of the network's impairments, from fresh seeds, or from SEEDS=1,2,3 again
	@seeds="$(or $(SEEDS),$(shell $(BIN)/python -c 'import random; print(*(random.getrandbits(32) for _ in range(10)), sep=",")'))"; \
	echo "play it again with: make conformance SEEDS=$$seeds"; \
	CONFORMANCE_SEEDS=$$seeds $(BIN)/pytest -n auto tests/netem/test_conformance_*.py

fuzz-atheris: $(VENV)/.dev ## octets that break the engine, guided by coverage: SECONDS=…, 180 unless told; needs atheris
	@$(BIN)/python -m tests.fuzz $(SECONDS)

test-stack: $(VENV)/.dev ## the real containers; needs a Docker engine with Compose
	$(BIN)/pytest tests/stack

replay: $(VENV)/.runtime ## play a random run again, with its ladder and verdict: SEED=…, and OUTAGES=1 where told so
	$(if $(SEED),,$(error say which run, as in: make replay SEED=12345))
	@$(BIN)/tcplab replay $(SEED) $(if $(OUTAGES),--outages)

# --- the lab -------------------------------------------------------------------------------------------------------

demo: $(VENV)/.runtime ## a connection's life and death, in the terminal, in virtual time
	@$(BIN)/tcplab demo

explore: $(VENV)/.runtime ## everything that may happen to two TCPs within bounds
	@$(BIN)/tcplab explore

bench: $(VENV)/.dev ## the lab's speed beside raw pika's and a bare heapq's, and how exactly it keeps time
	$(BIN)/python -m bench

up: ## build and start the whole lab, or SERVICES="… …" of it; print where to look
	$(if $(MISSPELT),$(error no part of the lab knows $(MISSPELT); the variables are listed in services/*/README.md))
	REVISION=$$(git describe --always --dirty 2>/dev/null) $(COMPOSE) up --build --detach --wait $(SERVICES)
	@scripts/addresses

down: ## stop the lab and remove what it stored
	$(COMPOSE) down --volumes --remove-orphans
	@echo "stopped, and its data removed; 'make up' starts it anew"

clean: ## remove what was installed and generated
	rm -rf $(VENV) build dist out mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
