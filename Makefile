# Every target sets itself up: on a machine with Python >= 3.11, pip and make, `make demo` and `make test` just run.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
EXTRAS ?= all
PYTEST_ARGS ?=
TORCH_VERSION := $(shell sed -n 's/^torch==//p' constraints.txt)
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One thread a test process: two xdist workers then fill two cores.
export OMP_NUM_THREADS ?= 1

.PHONY: setup demo test test-slow lint docs bench proofs format clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(VENV)/.installed  ## make the virtual environment

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hptheory needs Python >= 3.11; set PYTHON=python3.x"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@# A CPU build of torch: from the configured package index where it has one, else from PyTorch's own.
	$(PIP) install -q -c constraints.txt "torch==$(TORCH_VERSION)+cpu" 2>/dev/null \
	  || $(PIP) install -q -c constraints.txt --extra-index-url $(TORCH_CPU_INDEX) "torch==$(TORCH_VERSION)+cpu" \
	  || $(PIP) install -q -c constraints.txt "torch==$(TORCH_VERSION)"
	$(PIP) install -q -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

demo: setup  ## the whole story on embedded data: theory, a training sweep, a verdict, an HTML report
	env -u OMP_NUM_THREADS $(BIN)/hptheory demo

test: setup  ## the test suite (documentation examples included)
	$(BIN)/python -m pytest -n 2 -q $(PYTEST_ARGS)

test-slow: setup  ## the tests marked slow
	$(BIN)/python -m pytest -n 2 -q -m slow $(PYTEST_ARGS)

lint: setup  ## style, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## rewrite to the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## build the documentation, running its examples (docs/_build/html/index.html)
	rm -rf docs/reference
	$(BIN)/python -m sphinx -n -W --keep-going -q -E -b html docs docs/_build/html

bench: setup  ## the numbers of the project, each as a ratio measured in one run
	$(BIN)/python -m benchmarks

proofs: setup  ## the papers' claims, checked now; then broken by rule: the table of broken variants that were rejected
	$(BIN)/hptheory check
	$(BIN)/python -m proofs_check.mutation

clean:  ## remove what the targets made
	rm -rf $(VENV) docs/_build docs/reference .pytest_cache .mypy_cache .ruff_cache
