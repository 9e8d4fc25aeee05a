# Two commands for a fresh clone: `make run` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test soak up down check format install clean

run: $(VENV)/.installed
	$(BIN)/stage1 run $(ARGS)

test: check
	$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak

up: $(VENV)/.installed
	$(BIN)/stage1 up $(ARGS)

down: $(VENV)/.installed
	$(BIN)/stage1 down

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict flows tasks rlcore
	$(BIN)/lint-imports

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 10) and f"Python 3.10 or later is needed, {v} is python3 here: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,login,postgresql,dask,ray]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
