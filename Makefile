# `make help` lists the targets with their texts after ##.

WORK ?= work
ENVS := $(WORK)/envs
UV := $(ENVS)/uv/bin/uv
WORKFLOW := $(ENVS)/workflow/bin
ANALYSIS := $(ENVS)/analysis/bin
SERVICES ?= work/services
TEST_OPTIONS ?= -q -n auto --dist loadfile --no-loadscope-reorder
TEST_ENVIRONMENT = XOM_ANALYSIS_PYTHON=$(abspath $(ANALYSIS)/python) XOM_TEST_SERVICES=$(abspath $(SERVICES))
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes
PYTEST = $(TEST_ENVIRONMENT) $(WORKFLOW)/python -m pytest

# The scripts below name the targets in their messages.
export GOALS := $(MAKECMDGOALS)

.DEFAULT_GOAL := help
.PHONY: help demo site-demo test test-fast test-all physics pictures lint format docs envs development wheelhouse services lock remove-envs clean

help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "PYTHON=python3.12   the interpreter: 3.11, 3.12 or 3.13     WORK=folder       instead of work"
	@echo "WHEELHOUSE=folder   install from it, without the internet   TEST_OPTIONS=...  of pytest, instead of: $(TEST_OPTIONS)"

demo: envs ## everything on the embedded default: data, one tick, the page
	@bash scripts/demo.sh $(WORK)

site-demo: development services ## the same at a small site: MongoDB, Slurm, InfluxDB
	@$(TEST_ENVIRONMENT) $(WORKFLOW)/python scripts/site_demo.py --python $(ANALYSIS)/python $(SITE_DEMO_OPTIONS)

test: development ## the tests, without those marked nightly
	$(PYTEST) -m "not nightly" $(TEST_OPTIONS)

test-fast: development ## the tests that take seconds
	$(PYTEST) -m "not slow and not nightly" $(TEST_OPTIONS)

test-all: development services wheelhouse physics ## everything: also nightly tests, more examples, long physics, installations
	XOM_TEST_EFFORT=4 XOM_TEST_WHEELHOUSE=$(abspath $(or $(WHEELHOUSE),$(WORK)/wheelhouse)) $(PYTEST) $(TEST_OPTIONS)
	$(WORKFLOW)/python scripts/mutants.py --sample 20 --wider 'tests/workflow -m "not nightly"' --at-least 90

physics: envs ## compare simulated runs with their truth: docs/physics.md (about an hour on two cores; goes on where it was ended)
	$(ANALYSIS)/python tests/physics/study.py --write --keep $(WORK)/physics > $(WORK)/physics.json

pictures: development services ## draw the boards with Grafana's components, and compare with the kept pictures (node, Chromium)
	$(TEST_ENVIRONMENT) bash scripts/pictures.sh $(WORKFLOW)/python -m pytest -q

lint: development ## ruff, snakefmt, mypy, import-linter, snakemake --lint; eslint and tsc for the page
	$(WORKFLOW)/ruff check .
	$(WORKFLOW)/ruff format --check .
	$(WORKFLOW)/snakefmt --check Snakefile rules
	$(WORKFLOW)/mypy
	$(WORKFLOW)/lint-imports
	PATH=$(abspath $(WORKFLOW)):$$PATH bash scripts/lint_workflow.sh
	bash scripts/lint_page.sh

format: development ## format the code as `make lint` requires
	$(WORKFLOW)/ruff check --fix .
	$(WORKFLOW)/ruff format .
	$(WORKFLOW)/snakefmt Snakefile rules
	bash scripts/lint_page.sh --format

docs: envs ## generate docs/configuration.md and the JSON schemas
	$(WORKFLOW)/python scripts/make_docs.py

envs: ## make or update the two environments
	@bash envs/make.sh $(WORK) workflow analysis

development: ## make the environments with the packages for tests and linters
	@bash envs/make.sh $(WORK) development analysis

wheelhouse: ## download all packages into work/wheelhouse, for an installation without the internet
	@bash envs/wheelhouse.sh $(WORK) $(or $(WHEELHOUSE),$(WORK)/wheelhouse)

services: ## build the servers for tests: MongoDB, InfluxDB, Slurm (services/README.md)
	@bash services/make.sh $(SERVICES)

lock: ## lock the newest versions that envs/*.in allow
	@bash envs/make.sh $(WORK)
	for name in uv build workflow analysis; do $(COMPILE) envs/sources.txt envs/$$name.in -o envs/$$name.txt || exit 1; done
	$(COMPILE) -c envs/workflow.txt envs/sources.txt envs/development.in -o envs/development.txt

remove-envs: ## delete the environments, as those of a version that is not used any more
	rm -rf $(WORK)/envs $(WORK)/activate

clean: ## delete everything generated, results included
	rm -rf $(WORK) .snakemake
