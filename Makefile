# Two commands set everything up on a bare machine: `make demo` and `make test`. CONTRIBUTING.md has the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
HCC_HOME ?= hcc_home

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

$(STAMP): requirements.lock pyproject.toml
	@bash deploy/setup.sh $(VENV)
	@touch $(STAMP)

setup: $(STAMP)  ## create .venv from the lock file

demo: setup  ## simulate a trial into ./hcc_home, run everything, write the report
	@$(PY) -m hcc_assets demo --home $(HCC_HOME)
	@$(PY) -m hcc_assets refresh --home $(HCC_HOME)
	@echo "Report: $(abspath $(HCC_HOME))/published/report.html    Web UI: make ui"

test: setup  ## the tests, under ten minutes
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-faults: setup  ## the full fault list and the seeded year
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "faults or slow" --timeout 1800

lint: setup  ## ruff, mypy, import-linter
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

ui: setup  ## serve what `make demo` built
	@$(PY) -m hcc_assets ui --home $(HCC_HOME)

lock: setup  ## renew requirements.lock and, with the same versions, requirements-ray.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --no-strip-extras -o requirements.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --extra ray --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --no-strip-extras -o requirements-ray.lock

benchmark: setup  ## performance claims, into docs/performance.md
	@$(PY) -m benchmarks.performance

benchmark-science: setup  ## accuracy claims, into docs/science.md
	@$(PY) -m benchmarks.science

sbom: setup  ## bill of materials of the lock file, CycloneDX, into build/sbom.json
	@$(PY) deploy/supply_chain.py sbom

scan: setup  ## advisories against the lock file: make scan OSV=all.zip (works offline)
	@$(PY) deploy/supply_chain.py scan $(OSV)

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.PHONY: help setup demo test test-faults lint ui lock benchmark benchmark-science sbom scan clean
