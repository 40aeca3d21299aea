# CardioScar: `make help` lists what can be made. Written for GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
DEMO_OUTPUT ?= demo-results
VENV := .venv
# Tests run side by side, each in one thread of linear algebra, on as many processes.
JOBS ?= 2
BIN := $(VENV)/bin

.PHONY: help env demo test test-fast coverage docs benchmark lint hooks clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       reconstruct the built-in phantom; results and pictures go to $(DEMO_OUTPUT)/"
	@echo "make test       run all tests"
	@echo "make test-fast  run those that are not slow"
	@echo "make coverage   run all tests and tell which lines they reach"
	@echo "make docs       build the documentation, to be read at build/site/index.html"
	@echo "make env        build $(VENV) with the command $(BIN)/cardioscar"
	@echo "make benchmark  accuracy and speed against other methods: hours, resumable; makes docs/measurements/benchmarks.md"
	@echo "make lint       check style, format, types, the order of imports and spelling"
	@echo "make hooks      check style, format and spelling at every commit"
	@echo "make clean      remove $(VENV) and what was made"
	@echo "Another Python: make PYTHON=python3.12 demo"

env: $(VENV)/.installed-core

demo: $(VENV)/.installed-core
	@$(BIN)/cardioscar demo --output $(DEMO_OUTPUT) --overwrite

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not slow"

coverage: $(VENV)/.installed-test
	$(BIN)/python -m pytest --cov --cov-report=term

# Every warning is an error: a broken link or picture, a page in no table of contents, a docstring that cannot be read.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/site

benchmark: $(VENV)/.installed-benchmark
	$(BIN)/cardioscar benchmark published

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

hooks: $(VENV)/.installed-lint
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT) build docs/reference/python dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis .coverage .coverage.*

# Each stamp is one layer of the environment; it is renewed when pyproject.toml changes.
$(VENV)/.installed-core: pyproject.toml Utilities/system_packages.sh
	@PYTHON="$(PYTHON)" sh Utilities/system_packages.sh demo
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed-core
	@PYTHON="$(PYTHON)" sh Utilities/system_packages.sh test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,docs]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@

# The type checker reads the types of what the tests install.
$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,docs,lint]"
	@touch $@

$(VENV)/.installed-benchmark: $(VENV)/.installed-core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[benchmark]"
	@touch $@
