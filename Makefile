# `make run` gives the whole study from a bare clone; `make test` proves it. Nothing else is needed.

SHELL := /bin/bash
PYTHON ?= python3
VENV := $(CURDIR)/.venv
export PATH := $(VENV)/bin:$(PATH)
# Nothing phones home, and no hub is asked: every model of the embedded default is in the clone.
export DO_NOT_TRACK := 1
export KEDRO_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
# uv installs without bytecode; where none may be written, every process compiles torch and diffusers anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := install
.PHONY: install run test test-all test-long rehearsal bench lint lock clean

install: $(VENV)/installed

# uv where the machine has it, otherwise the venv's own pip.
$(VENV)/installed: requirements.lock pyproject.toml
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

run: install
	kedro run --pipeline=full
	dvc commit --force --quiet
	@echo "Tables and figures: data/08_reporting/mini/"

# One file to a worker, one thread to each: two workers fill two cores.
test: install
	python -m pytest -m "not long" -n 2 --dist loadfile

test-long: install
	python -m pytest -m long

test-all: test test-long

# The paper's true architectures with random weights: an hour of two cores, 20 GB of memory, 25 GB of disk.
rehearsal: install
	python -m pytest -m rehearsal -s

# Ratios measured side by side; with a diffusers checkout: make bench DIFFUSERS=/path/to/diffusers
bench: install
	python -m benchmarks $(if $(DIFFUSERS),--diffusers $(DIFFUSERS))

lint: install
	ruff check .
	ruff format --check .
	lint-imports

# Pins without addresses; run it after changing pyproject.toml.
lock:
	uv pip compile --quiet --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf data/02_intermediate data/03_primary data/04_feature data/06_models data/07_model_output data/08_reporting
