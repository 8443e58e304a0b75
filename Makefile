# make demo   set up a virtual environment, run the main job
# make test   set up, run the tests and doctests
# make lint   set up, check the code's form
# make clean  remove the virtual environment
#
# VENV=folder chooses where the environment goes, PYTHON=python3.12 what it is made from.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO_ARGUMENTS ?=
PYTEST_ARGUMENTS ?=

EXTRAS_demo = plot,progress
EXTRAS_test = test
EXTRAS_lint = lint

.PHONY: demo test lint clean

demo: $(VENV)/installed-demo
	$(BIN)/python examples/plot_lennard_jones.py $(DEMO_ARGUMENTS)

test: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGUMENTS)

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV)

# A stamp for each set of extras, so that a second make does not install again.
$(VENV)/installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing sklearn_agl and what it needs into $(VENV), which takes some minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS_$*)]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
