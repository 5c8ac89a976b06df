# `make help` lists what there is to type; the texts after ## are its lines.

WORK ?= work
ENVS := $(WORK)/envs
UV := $(ENVS)/uv/bin/uv
WORKFLOW := $(ENVS)/workflow/bin
ANALYSIS := $(ENVS)/analysis/bin
SERVICES ?= work/services
TEST_OPTIONS ?= -q -n auto --dist loadfile
TEST_ENVIRONMENT = XOM_ANALYSIS_PYTHON=$(abspath $(ANALYSIS)/python) XOM_TEST_SERVICES=$(abspath $(SERVICES))
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes
PYTEST = $(TEST_ENVIRONMENT) $(WORKFLOW)/python -m pytest

# For messages.
export GOALS := $(MAKECMDGOALS)

.DEFAULT_GOAL := help
.PHONY: help demo site-demo test test-fast test-all physics lint format docs envs development wheelhouse services lock clean

help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "PYTHON=python3.12   the interpreter: 3.11, 3.12 or 3.13     WORK=folder       instead of work"
	@echo "WHEELHOUSE=folder   install from it, without the internet   TEST_OPTIONS=...  of pytest, instead of: $(TEST_OPTIONS)"

demo: envs ## the whole job on the embedded default, ending in a page
	@bash scripts/demo.sh $(WORK)

site-demo: development services ## the same at a small computing site: MongoDB, Slurm, InfluxDB
	@$(TEST_ENVIRONMENT) $(WORKFLOW)/python scripts/site_demo.py --python $(ANALYSIS)/python $(SITE_DEMO_OPTIONS)

test: development ## the tests, without those marked nightly
	$(PYTEST) -m "not nightly" $(TEST_OPTIONS)

test-fast: development ## the tests that take seconds
	$(PYTEST) -m "not slow and not nightly" $(TEST_OPTIONS)

test-all: development services wheelhouse physics ## everything: also nightly tests, long physics, installations
	XOM_TEST_WHEELHOUSE=$(abspath $(or $(WHEELHOUSE),$(WORK)/wheelhouse)) $(PYTEST) $(TEST_OPTIONS)

physics: envs ## truths of 200 and more simulated runs: docs/physics.md (six minutes)
	$(ANALYSIS)/python tests/physics/study.py --write > $(WORK)/physics.json

lint: development ## ruff, snakefmt, mypy, import-linter, snakemake --lint; eslint and tsc for the page
	$(WORKFLOW)/ruff check .
	$(WORKFLOW)/ruff format --check .
	$(WORKFLOW)/snakefmt --check Snakefile rules
	$(WORKFLOW)/mypy
	$(WORKFLOW)/lint-imports
	PATH=$(abspath $(WORKFLOW)):$$PATH bash scripts/lint_workflow.sh
	bash scripts/lint_page.sh

format: development ## put the code into the form that lint wants
	$(WORKFLOW)/ruff check --fix .
	$(WORKFLOW)/ruff format .
	$(WORKFLOW)/snakefmt Snakefile rules
	bash scripts/lint_page.sh --format

docs: envs ## write docs/configuration.md anew
	$(WORKFLOW)/python scripts/make_docs.py

envs: ## make the two environments, or bring them up to date
	@bash envs/make.sh $(WORK) workflow analysis

development: ## the environments with what tests and linters need
	@bash envs/make.sh $(WORK) development analysis

wheelhouse: ## fetch all packages into work/wheelhouse, for installing without the internet
	@bash envs/wheelhouse.sh $(WORK) $(or $(WHEELHOUSE),$(WORK)/wheelhouse)

services: ## build the servers that tests talk to: MongoDB, InfluxDB, Slurm (services/README.md)
	@bash services/make.sh $(SERVICES)

lock: ## choose the newest versions that envs/*.in allow
	@bash envs/make.sh $(WORK)
	for name in uv build workflow analysis; do $(COMPILE) envs/sources.txt envs/$$name.in -o envs/$$name.txt || exit 1; done
	$(COMPILE) -c envs/workflow.txt envs/sources.txt envs/development.in -o envs/development.txt

clean: ## delete everything that was generated here
	rm -rf $(WORK) .snakemake
