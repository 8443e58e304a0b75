# make demo   set up a virtual environment, run the main job
# make test   set up, run the tests and doctests
# make lint   set up, check the code's form
# make bench  set up, measure the main job and the symmetry functions (RESULTS.md has the figures)
# make doc    set up, build the documentation into doc/_build/html
# make clean  remove the virtual environment
#
# VENV=folder chooses where the environment goes, PYTHON=python3.12 what it is made from.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO_ARGUMENTS ?=
BENCH_ARGUMENTS ?=
PYTEST_ARGUMENTS ?=

# What each target installs; the check of the form needs no more than its tool.
PACKAGES_demo = --editable ".[plot,progress]"
PACKAGES_test = --editable ".[test]"
PACKAGES_bench = --editable ".[bench]"
PACKAGES_lint = ruff
PACKAGES_doc = --editable ".[doc]"

.PHONY: demo test bench lint doc clean

demo: $(VENV)/installed-demo
	$(BIN)/python examples/plot_lennard_jones.py $(DEMO_ARGUMENTS)

test: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGUMENTS)

bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/bench_main_job.py $(BENCH_ARGUMENTS)
	$(BIN)/python benchmarks/bench_symmetry_functions.py
	$(BIN)/python benchmarks/bench_symmetry_functions.py --scale

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

doc: $(VENV)/installed-doc
	$(BIN)/python -m sphinx -W --keep-going -b html doc doc/_build/html

clean:
	rm -rf $(VENV)

# A stamp for each of them, so that a second make does not install again.
$(VENV)/installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) what make $* needs; the first time takes some minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PACKAGES_$*)
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
