# Two commands matter: `make demo` and `make test`. Both need python3 (3.11 or newer) and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench pictures secrets test-containers clean

help:
	@echo "make demo            the whole system with a synthetic network of 40 sites, in a browser"
	@echo "make test            all tests"
	@echo "make check           lint, types, architecture, contracts, words"
	@echo "make bench           measure, and say what moved (ARGS=--quick for a look)"
	@echo "make secrets         once before docker compose up: writes .env"
	@echo "make test-containers the journey against docker compose, service tests on testcontainers"
	@echo "make clean           stop the local stack, remove data and the virtual environment"

setup: $(READY)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed: install python3 (on Debian: apt-get install python3 python3-venv)."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "The venv module is needed: apt-get install python3-venv."; exit 1; }
	@echo "setup: installing the locked packages into $(VENV) (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@echo "demo: starts PostgreSQL and a broker, opens ten doors, loads 40 synthetic sites (about a minute); Ctrl-C stops it"
	@$(BIN)/samepage demo

test: setup
	@echo "test: all tests, in two processes, each with a PostgreSQL and a broker of its own (about 25 minutes on two cores)"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: setup
	@echo "check: lint, types, architecture, contracts, migrations (about a minute)"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@$(BIN)/samepage contracts check
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_words.py tests/deploy/test_migrations.py

bench: setup
	@echo "bench: everything beside its floor, five times in turn (45 to 60 minutes; about three with ARGS=--quick)"
	@$(BIN)/python -m tests.load.bench $(ARGS)

pictures: setup
	@echo "pictures: takes docs/pictures from the running demo (a few seconds; start it with make demo)"
	@$(BIN)/python -m tests.browser.pictures

secrets:
	@echo "secrets: makes the secrets of docker compose's development network (a moment)"
	@$(PYTHON) -m deploy.secrets

test-containers: setup
	@docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1 || { echo "A Docker engine with Compose is needed for this target: install Docker and start it."; exit 1; }
	@if $(BIN)/python -m tests.containers.engine; then \
	  echo "test-containers: the journey against docker compose, service tests on its PostgreSQL and Kafka (about five minutes)"; \
	  $(BIN)/python -m pytest --stack containers -m "" tests/containers tests/shared tests/services; \
	fi

clean:
	@test ! -x $(BIN)/samepage || $(BIN)/samepage stack down
	@rm -rf var $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
