# CardioScar: `make help` lists what can be made. Written for GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
DEMO_OUTPUT ?= demo-results
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help env demo test test-fast coverage benchmark lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       reconstruct the built-in phantom; results and pictures go to $(DEMO_OUTPUT)/"
	@echo "make test       run all tests"
	@echo "make test-fast  run those that are not slow: two minutes"
	@echo "make coverage   run all tests and tell which lines they reach"
	@echo "make env        build $(VENV) with the command $(BIN)/cardioscar"
	@echo "make benchmark  accuracy and speed against other methods: hours, resumable; makes docs/benchmarks.md"
	@echo "make lint       check the style of the code"
	@echo "make clean      remove $(VENV) and what was made"
	@echo "Another Python: make PYTHON=python3.12 demo"

env: $(VENV)/.installed-core

demo: $(VENV)/.installed-core
	@$(BIN)/cardioscar demo --output $(DEMO_OUTPUT) --overwrite

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not slow"

coverage: $(VENV)/.installed-test
	$(BIN)/python -m pytest --cov --cov-report=term

benchmark: $(VENV)/.installed-benchmark
	$(BIN)/python Testing/Benchmarks/run.py

lint: $(VENV)/.installed-test
	$(BIN)/python -m ruff check .

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*

# Each stamp is one layer of the environment; it is renewed when pyproject.toml changes.
$(VENV)/.installed-core: pyproject.toml Utilities/system_packages.sh
	@PYTHON="$(PYTHON)" sh Utilities/system_packages.sh demo
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed-core
	@PYTHON="$(PYTHON)" sh Utilities/system_packages.sh test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

$(VENV)/.installed-benchmark: $(VENV)/.installed-core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[benchmark]"
	@touch $@
