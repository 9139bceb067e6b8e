# Everything a person or CI does here. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
unexport PYTHONDONTWRITEBYTECODE
PY := $(VENV)/bin/python
SERVICES := catalog orders billing invoicing notify
PYTEST := $(PY) -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup lock format imports lint types unit check test test-integration e2e chaos chaos-short bench demo up down clean logs migration schemas docs

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | sort | awk -F'|' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## one locked environment in .venv

$(VENV)/.ready: requirements.lock requirements-uv.lock
	@bash infra/setup.sh $(PYTHON) $(VENV)

lock: ## choose versions anew from pyproject.toml and write the locks
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --group local --universal --generate-hashes --upgrade -q \
	  --python-version 3.11 --custom-compile-command "make lock" --no-emit-index-url -o requirements.lock
	grep -E '^uv==' requirements.lock | sed 's/ \\//' | $(VENV)/bin/uv pip compile - --universal --generate-hashes -q \
	  --python-version 3.11 --custom-compile-command "make lock" --no-emit-index-url -o requirements-uv.lock

format: setup ## write the code as the formatter wants it
	$(PY) -m ruff format -q . && $(PY) -m ruff check -q --fix .

lint: setup ## format and lint, changing nothing
	$(PY) -m ruff format --check -q . && $(PY) -m ruff check -q .

imports: setup ## who may import whom (import-linter)
	$(VENV)/bin/lint-imports

types: setup ## mypy, strict
	$(PY) -m mypy

unit: setup ## rules without broker or database
	$(PYTEST) -q -n 2 tests/unit tests/property tests/compatibility tests/repo

check: lint imports types unit ## all that needs no broker and no database

test: check test-integration e2e chaos-short ## every test, on the private local stack; what CI runs

test-integration: setup ## one real thing at a time, two files at a time, each on a stack of its own
	$(PYTEST) -q -n 2 --dist loadfile tests/integration

e2e: setup ## journeys through the public API on the whole platform
	$(PYTEST) -q tests/e2e

chaos: setup ## 200 journeys while everything is killed in turn
	$(PY) -m tests.chaos.run --journeys 200

chaos-short: setup ## 30 journeys likewise
	$(PY) -m tests.chaos.run --journeys 30

bench: setup ## measurements beside their controls; writes var/bench.json
	$(PY) -m tests.bench.run

demo: setup ## the main job on real parts, left running
	$(PY) -m infra.demo $(if $(DATA),--data $(DATA))

up: setup ## start the platform under var/
	$(PY) -m infra.local up

down: ## stop it
	$(PY) -m infra.local down

logs: ## follow its logs
	$(PY) -m infra.local logs -f

clean: ## stop it and throw var/ away
	-$(PY) -m infra.local clean
	rm -rf var

migration: setup ## make migration S=orders M="add condition on receipt"
	$(PY) -m infra.migration $(S) "$(M)"

schemas: setup ## JSON Schemas, AsyncAPI, OpenAPI, generated tables; drift fails CI
	$(PY) -m infra.schemas

docs: setup ## every .md as a page, under var/docs
	$(PY) -m infra.pages
