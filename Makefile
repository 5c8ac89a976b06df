# make demo    the whole job on the embedded default, ending in a page
# make test    all tests                     make lint    ruff, snakefmt, snakemake --lint, mypy
# make site-demo   the same at a small computing site: documents in MongoDB, jobs in Slurm, results in InfluxDB
# make physics  truths of 200 and more simulated runs: docs/physics.md (six minutes)
# make services   the servers that tests talk to: MongoDB, InfluxDB, Slurm
# make lock    renew the locked versions     make clean   delete everything that was generated

PYTHON ?= python3
WORK ?= work
ENVS := $(WORK)/envs
UV := $(ENVS)/uv/bin/uv
WORKFLOW := $(ENVS)/workflow/bin
ANALYSIS := $(ENVS)/analysis/bin
SERVICES ?= work/services
TEST_OPTIONS ?= -q -n auto --dist loadfile
TEST_ENVIRONMENT := XOM_ANALYSIS_PYTHON=$(abspath $(ANALYSIS)/python) XOM_TEST_SERVICES=$(abspath $(SERVICES))

.PHONY: demo site-demo test test-fast physics lint format docs envs services slurm lock clean
.DELETE_ON_ERROR:

demo: envs
	@bash scripts/demo.sh $(WORK)

# It borrows the servers of the tests.
site-demo: envs services $(ENVS)/development.done
	@$(TEST_ENVIRONMENT) $(WORKFLOW)/python scripts/site_demo.py --python $(ANALYSIS)/python $(SITE_DEMO_OPTIONS)

test: envs $(ENVS)/development.done
	$(TEST_ENVIRONMENT) $(WORKFLOW)/python -m pytest $(TEST_OPTIONS)

test-fast: envs $(ENVS)/development.done
	$(TEST_ENVIRONMENT) $(WORKFLOW)/python -m pytest -m "not slow" $(TEST_OPTIONS)

physics: envs
	$(ANALYSIS)/python tests/physics/study.py --write > $(WORK)/physics.json

lint: envs $(ENVS)/development.done
	$(WORKFLOW)/ruff check .
	$(WORKFLOW)/ruff format --check .
	$(WORKFLOW)/snakefmt --check Snakefile rules
	$(WORKFLOW)/mypy
	PATH=$(abspath $(WORKFLOW)):$$PATH bash scripts/lint_workflow.sh

format: $(ENVS)/development.done
	$(WORKFLOW)/ruff check --fix .
	$(WORKFLOW)/ruff format .
	$(WORKFLOW)/snakefmt Snakefile rules

docs: envs
	$(WORKFLOW)/python scripts/make_docs.py

# --- environments: two, because snakemake 9 needs pydantic 2 and straxen needs pydantic 1 ---------------------------

envs: $(ENVS)/workflow.done $(ENVS)/analysis.done $(WORK)/activate

$(ENVS)/uv.done: envs/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "XOM needs Python 3.11 or later; try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(PYTHON) -m venv $(ENVS)/uv
	@$(ENVS)/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/uv.txt
	@touch $@

# The .pth file makes src/ importable; nothing is built or copied.
define environment
	@test -x $(ENVS)/$(1)/bin/python || $(UV) venv --quiet --no-config --python $(PYTHON) $(ENVS)/$(1)
	@$(UV) pip sync --quiet --no-config --python $(ENVS)/$(1)/bin/python --require-hashes $(2)
	@echo "$(CURDIR)/src" > $$($(ENVS)/$(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/xom.pth
endef

$(ENVS)/workflow.done: envs/workflow.txt $(ENVS)/uv.done
	@echo "making the workflow environment"
	$(call environment,workflow,envs/workflow.txt)
	@rm -f $(ENVS)/development.done
	@touch $@

$(ENVS)/analysis.done: envs/analysis.txt $(ENVS)/uv.done
	@echo "making the analysis environment"
	$(call environment,analysis,envs/analysis.txt)
	@touch $@

$(ENVS)/development.done: envs/development.txt $(ENVS)/workflow.done
	@echo "adding what tests and linters need"
	$(call environment,workflow,envs/development.txt)
	@touch $@

$(WORK)/activate: $(ENVS)/workflow.done
	@printf 'export PATH="%s:$$PATH"\n' "$(abspath $(WORKFLOW))" > $@

# --- servers for the tests: one build serves all work folders; services/README.md ----------------------------------

services: $(SERVICES)/mongo.done $(SERVICES)/influxdb.done slurm
	@echo "the servers for the tests are there: MongoDB and InfluxDB in $(SERVICES), Slurm from the system"

$(SERVICES)/mongo.done: $(wildcard services/mongo/* services/mongo/src/*)
	@echo "building the MongoDB server"
	@bash services/mongo/build.sh $(SERVICES)
	@touch $@

$(SERVICES)/influxdb.done: $(wildcard services/influxdb/*)
	@echo "building InfluxDB: about five minutes the first time"
	@bash services/influxdb/build.sh $(SERVICES)
	@touch $@

slurm:
	@bash services/slurm/install.sh

lock: $(ENVS)/uv.done
	for name in workflow analysis; do UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --no-config \
		--universal --python-version 3.11 --generate-hashes envs/$$name.in -o envs/$$name.txt || exit 1; done
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
		--generate-hashes -c envs/workflow.txt envs/development.in -o envs/development.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
		--generate-hashes envs/uv.in -o envs/uv.txt

clean:
	rm -rf $(WORK) .snakemake
