# make demo   a trained int8 model becomes firmware, runs on an emulated board and is checked byte for byte
# make test   everything that can be checked here; .ci/run adds the tools that more tests need
# Needs Python 3.11 or newer and the package index, nothing else. pip's own variables (PIP_INDEX_URL ...) are honoured.

VENV ?= .venv
BOARD ?= nucleo-l4r5zi
# tflite-micro, against whose results the tests and the demonstration compare, has wheels up to Python 3.13.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && exit; done; \
    echo python3)
# A worker a processor: most of the time goes into compilers.
PYTEST_FLAGS ?= -n auto --dist worksteal

# More of pyproject.toml's extras for the tests: EXTRAS=tensorflow,data runs those of Keras models too (600 MB).
EXTRAS ?=

COMMA := ,
BIN := $(VENV)/bin
TESTED := $(VENV)/.test$(subst $(COMMA),-,$(addprefix -,$(EXTRAS)))
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: help demo test lint clean

help:
	@sed -n '1,3s/^# //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "edgekit needs Python 3.11 or newer; say which one: make PYTHON=python3.12 ..." >&2; exit 3; }
	@echo "== virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 3; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "== edgekit and its tools from wheels: compiler, CMake, emulator (170 MB to download, 0.7 GB on disk, once)"
	@$(INSTALL) -e '.[oracle]'
	@touch $@

$(TESTED): pyproject.toml | $(BIN)/python
	@echo "== edgekit, its tools and what the tests need, from wheels (once)"
	@$(INSTALL) -e '.[oracle,test$(addprefix $(COMMA),$(EXTRAS))]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/edgekit demo --board $(BOARD) --out demo-out

lint: $(TESTED)
	@echo "== ruff, pyright, clang-format"
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/pyright --pythonpath $(BIN)/python || status=1; \
	find firmware edgekit -name '*.[ch]' -exec $(BIN)/clang-format --dry-run -Werror {} + || status=1; \
	exit $$status

test: $(TESTED)
	@status=0; $(MAKE) --no-print-directory lint || status=1; \
	echo "== pytest"; $(BIN)/python -m pytest $(PYTEST_FLAGS) || status=1; \
	exit $$status

clean:
	rm -rf $(VENV) demo-out dist .cache .pytest_cache .ruff_cache .hypothesis
