# CardioScar: `make help` lists what can be made. Written for GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
DEMO_OUTPUT ?= demo-results
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help env demo test benchmark lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       reconstruct the built-in phantom; results and pictures go to $(DEMO_OUTPUT)/"
	@echo "make test       run all tests"
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

benchmark: $(VENV)/.installed-benchmark
	$(BIN)/cardioscar benchmark published

lint: $(VENV)/.installed-test
	$(BIN)/python -m ruff check .

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

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
