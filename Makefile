# The two commands to know:   make lab   opens the course   ·   make test   tests all of it.
# Both make the environment first if it is missing or older than the lock.

PYTHON ?= python3.11
PYTHON := $(or $(shell command -v $(PYTHON)),$(shell command -v python3))
LAB    ?=
DEMO   ?=
BIN    := .venv/bin
UV     := .uv/bin/uv
# One worker a core, four at most: each holds a TensorFlow. A test file, or a notebook, stays with its worker.
WORKERS := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))

# Python then keeps its compiled modules; without them TensorFlow takes twice as long to import.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lab test long check lint diff processors env lock notebooks exercises bundle book slides pdf rehearse bench demo clean

help:  ## these lines
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

lab: env  ## the course in JupyterLab, at 00_start_here
	@echo "Opening JupyterLab. Stop it with Ctrl-C here."
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab notebooks/00_start_here.ipynb $(LAB)

# Voila reads voila.json in the folder where it starts: no internet, no more of JupyterLab than the explorers need.
demo: env  ## an explorer on a page of its own, for a lecture
	@echo "Opening the explorer. Stop it with Ctrl-C here."
	cd tools/demo && PATH="$(CURDIR)/$(BIN):$$PATH" JUPYTER_PATH="$$PWD" voila demo.ipynb $(DEMO)

test: env  ## the suite (every notebook is executed too)
	$(BIN)/python -m pytest $(WORKERS) -m "not long"

long: env  ## what takes longest: training on real photographs, every network of keras.applications
	$(BIN)/python -m pytest $(WORKERS) -m long tests

check: env  ## the quick subset, for while you work
	$(BIN)/python -m pytest $(WORKERS) -m "not slow and not browser and not real_data and not long" tests

lint: env  ## one look for all code, and the types of the idea
	$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	$(BIN)/oxlint --quiet course_utils tools
	$(BIN)/mypy

diff: env  ## what you changed in notebooks, cell by cell (WHAT="main 0.2.0" for two commits)
	$(BIN)/nbdiff --ignore-metadata $(WHAT)

processors: env  ## notebooks and numerical tests as five processors would run them (MODES="avx2 sse41" for some)
	$(BIN)/python tools/processors.py $(if $(MODES),--modes $(MODES))

env: .venv/ready  ## the environment, exactly as locked

.venv/ready: requirements.lock pyproject.toml | $(UV)
	@echo "Making the environment in .venv from requirements.lock (about 2.5 GB, a minute the first time)."
	@test -x $(BIN)/python || $(UV) venv --quiet --no-python-downloads --python "$(PYTHON)" .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# uv needs no venv module and no root; its version and hashes come from the lock like everything else's.
$(UV): requirements.lock
	@echo "Fetching uv, the installer."
	@mkdir -p .uv && sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .uv/requirements.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --require-hashes --target .uv -r .uv/requirements.txt
	@touch $@

lock: | $(UV)  ## solve the dependencies anew and write requirements.lock
	$(UV) pip compile --quiet --upgrade --universal --all-extras --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock

notebooks: env  ## execute every notebook on embedded data and save what it shows
	$(BIN)/python tools/run_notebooks.py $(NOTEBOOKS)

exercises: env  ## generate exercises/ from solutions/
	$(BIN)/python tools/make_exercises.py

bundle: env  ## the same, and build/exercises.zip to hand out
	$(BIN)/python tools/make_exercises.py --bundle

book: env  ## the course as a site that works from a disk: build/book/index.html
	$(BIN)/python tools/make_book.py

slides: env  ## a deck per lesson that works from a disk: build/book/slides
	$(BIN)/python tools/make_slides.py

pdf: book  ## the whole book as one PDF, printed by Chromium
	$(BIN)/python tools/make_pdf.py

rehearse: env  ## ten minutes before a lecture: LESSON=05 runs its cells, and says times and what is missing
	$(BIN)/python tools/rehearse.py $(LESSON)

bench: env  ## measure the budgets and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

clean:  ## remove the environment
	rm -rf .venv .uv build *.egg-info
