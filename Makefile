# `make run` gives the whole study from a bare clone; `make test` proves it. Nothing else is needed.

SHELL := /bin/bash
PYTHON ?= python3
# Relative, since make splits names at spaces and the project's folder may have one.
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Nothing phones home, and no hub is asked: every model of the embedded default is in the clone.
export DO_NOT_TRACK := 1
export KEDRO_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export ORT_DISABLE_TELEMETRY := 1
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
# uv installs without bytecode; where none may be written, every process compiles torch and diffusers anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := install
.PHONY: help install run test test-long test-all coverage rehearsal bench mutants format check lint docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## the environment in .venv, with uv where the machine has it; plain `make` does this

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) .ci/can_install.py
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(VENV)/bin/python -r requirements.lock && \
	  uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable .; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock && \
	  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $@

run: install ## the whole study of the embedded default, on all cores, recorded by DVC; what is up to date stays as it is
	kedro repro

# One file to a worker, one thread to each: two workers fill two cores. tests/conftest.py puts long files first.
TWO_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

test: install ## all tests but the long ones
	python -m pytest -m "not long" $(TWO_WORKERS)

test-long: install ## the long tests
	python -m pytest -m long $(TWO_WORKERS)

test-all: test test-long ## both

coverage: install ## `make test`, and which lines no test of it reaches
	python -m pytest -m "not long" $(TWO_WORKERS) --cov

rehearsal: install ## conf/paper at 256 px on random weights, fetched from this machine: an hour, 20 GB of memory, 35 GB of disk
	python -m pytest -m rehearsal -s

bench: install ## speed and memory side by side; DIFFUSERS=/path/to/diffusers adds its own trainer
	python -m benchmarks $(if $(DIFFUSERS),--diffusers $(DIFFUSERS))

mutants: install ## whether the tests notice 200 small errors put into the code: up to 45 minutes
	python -m benchmarks.mutants

format: install ## the code's layout and what ruff can fix
	ruff check --fix .
	ruff format .

check: install ## style, layout, imports, types, and dvc.yaml against the pipelines
	ruff check .
	ruff format --check .
	lint-imports
	basedpyright
	kedro dvc check

lint: check ## the same

docs: install ## the book in site/, offline; a broken link is an error
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

lock: ## pins without addresses, for every machine; run it after changing pyproject.toml
	uv pip compile --quiet --universal --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o requirements.lock

clean: ## removes everything that a run made
	rm -rf data/02_intermediate data/03_primary data/04_feature data/06_models data/07_model_output
	git clean -qfdX data/08_reporting 2>/dev/null || rm -rf data/08_reporting # what git keeps is the record
