# Every target makes what it needs, the virtual environment included. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

DB      ?= runs.sqlite
JOBS    ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
SEED    ?= 2022
DATASET ?= auto
PYTHON  ?= python3

VENV := .venv
BIN  := $(VENV)/bin

# One word for the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'
# An option where its variable has a value: $(call option,--data,DATA)
option = $(if $($(2)),$(1) $(call quote,$($(2))))
# A switch: 0, no, off and false are off.
switch = $(if $(filter-out 0 no off false,$($(2))),$(1))
FROM   = --db $(call quote,$(DB))
# An option where its variable was given, by make's command line or the environment: a study file has its own default.
given  = $(if $(filter command environment,$(firstword $(origin $(2)))),$(call option,$(1),$(2)))
RUN    = $(BIN)/digitsweep run $(call quote,$(1)) $(FROM) --jobs $(call quote,$(JOBS)) $(call given,--seed,SEED) \
         $(call given,--dataset,DATASET) $(call option,--data,DATA) $(call option,--replicates,REPLICATES) $(BUDGET)
# Typed, and not found in some environment.
UNASKED = $(if $(filter command,$(firstword $(origin YES))),$(call switch,--yes,YES))
BUDGET = $(call option,--time,TIME) $(call switch,--dry-run,DRY_RUN)

# What was typed, so that a message can name the command that goes on.
VARIABLES := DB JOBS SEED REPLICATES DATASET DATA SPEC STUDY TO DRIVER N SAMPLER TOP MAX_REPLICATES TIME DRY_RUN YES OUT PORT PYTHON
export DIGITSWEEP_COMMAND := $(strip make $(MAKECMDGOALS) $(foreach name,$(VARIABLES),$(if \
  $(filter command environment,$(firstword $(origin $(name)))),$(name)=$(call quote,$(subst $$,$$$$,$($(name)))))))

# An environment whose folder was moved or copied, or whose Python is gone, is made anew.
$(shell test ! -e $(VENV)/.runtime || { test -x $(BIN)/python && test "$$(cat $(VENV)/.place)" = "$$(pwd -P)"; } \
  2>/dev/null || rm -f $(VENV)/.runtime $(VENV)/.dev)
# Wherever else pip is told to install, here it installs into the environment and nowhere else.
PIP = env -u PIP_USER -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT -u PYTHONPATH -u PYTHONHOME \
      $(BIN)/python -m pip --require-virtualenv --quiet --disable-pip-version-check

.PHONY: help new linear-grid mlp-random mlp-optuna ofat confirm decide study validate status show select figures report dashboard export rename delete bench test check soak lock clean

help: ## List the targets and variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@printf '%s\n' '' 'Variables, with their defaults:' \
	  '  DB=runs.sqlite    database'              '  JOBS=<cores>      workers' \
	  '  SEED=2022         seed of the study'     '  REPLICATES=1      runs of each trial (ofat 5, confirm 8)' \
	  '  DATASET=auto      auto, mnist, fashion-mnist, digits, or a path to .npz, .csv or IDX files' \
	  '  DATA=<folder>     where to look first for the data files' \
	  '  SPEC=<file>       study file (study, validate)' \
	  '  STUDY=<name>      study in the database (select, show, confirm, decide, figures, report, rename, delete), or a new one (new);' \
	  '                    show takes a trial of it too, linear-grid/3, or the number of a run' \
	  '  TO=<name>         its new name (rename)' '  YES=1             without being asked (rename, delete)' \
	  '  DRIVER=grid       what proposes its trials: grid, random, ofat, optuna (new)' \
	  '  N=50              trials in all (mlp-random, mlp-optuna)' \
	  '  SAMPLER=tpe       tpe, gp, cmaes, qmc or nsgaii (mlp-optuna)' '  TOP=4             how many of the best (confirm)' \
	  '  MAX_REPLICATES=64 seeds that no configuration goes beyond (decide)' \
	  '  TIME=10m          wall-time budget: runs in training end, no new one starts' \
	  '  DRY_RUN=1         the plan, what is done of it and how long the rest takes; nothing is trained' \
	  '  OUT=report        folder (figures, report; export: export; bench: bench)'       '  PORT=8080         port on 127.0.0.1 (dashboard)'

linear-grid: $(VENV)/.runtime ## Train the report's 32 linear models and name the best
	@$(call RUN,experiments/linear_grid.yaml)

mlp-random: $(VENV)/.runtime ## Train N perceptrons drawn at random: make mlp-random N=50
	@$(call RUN,experiments/mlp_random.yaml) $(call option,--trials,N)

mlp-optuna: $(VENV)/.runtime ## Let a sampler choose N perceptrons: make mlp-optuna N=50 SAMPLER=tpe
	@$(call RUN,experiments/mlp_optuna.yaml) $(call option,--trials,N) $(call option,--sampler,SAMPLER)

ofat: $(VENV)/.runtime ## Vary one factor at a time around the baseline perceptron, 5 replicates
	@$(foreach spec,$(sort $(wildcard experiments/ofat_*.yaml)),$(call RUN,$(spec)) || exit $$?;)

confirm: $(VENV)/.runtime ## The best again with fresh seeds: make confirm STUDY=linear-grid TOP=4 REPLICATES=8
	@test -n $(call quote,$(STUDY)) || { echo 'make confirm needs STUDY=<name>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep confirm $(call quote,$(STUDY)) $(FROM) --jobs $(call quote,$(JOBS)) \
	  --top $(call quote,$(or $(TOP),4)) --replicates $(call quote,$(or $(REPLICATES),8)) \
	  $(call given,--dataset,DATASET) $(call option,--data,DATA) $(BUDGET)

decide: $(VENV)/.runtime ## More seeds where a claim is open: make decide STUDY=linear-grid MAX_REPLICATES=64 TIME=10m
	@test -n $(call quote,$(STUDY)) || { echo 'make decide needs STUDY=<name>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep decide $(call quote,$(STUDY)) $(FROM) --jobs $(call quote,$(JOBS)) \
	  $(call option,--max-replicates,MAX_REPLICATES) $(call given,--dataset,DATASET) $(call option,--data,DATA) \
	  $(call option,--time,TIME)

new: $(VENV)/.runtime ## Write a study file to begin with: make new STUDY=my-study
	@test -n $(call quote,$(STUDY)) || { echo 'make new needs STUDY=<name>' >&2; exit 2; }
	@$(BIN)/digitsweep new $(call quote,$(STUDY)) $(call option,--driver,DRIVER)

study: $(VENV)/.runtime ## Run a study: make study SPEC=experiments/linear_lr_wide.yaml
	@test -n $(call quote,$(SPEC)) || { echo 'make study needs SPEC=<file>, e.g. SPEC=experiments/linear_lr_wide.yaml' >&2; exit 2; }
	@$(call RUN,$(SPEC))

validate: $(VENV)/.runtime ## Check a study file and its data, without a database: make validate SPEC=my-study.yaml
	@test -n $(call quote,$(SPEC)) || { echo 'make validate needs SPEC=<file>, e.g. SPEC=experiments/linear_lr_wide.yaml' >&2; exit 2; }
	@$(BIN)/digitsweep validate $(call quote,$(SPEC)) $(call option,--data,DATA)

status: $(VENV)/.runtime ## Show the studies in the database
	@$(BIN)/digitsweep status $(FROM)

show: $(VENV)/.runtime ## Show a study, a trial or a run: make show STUDY=linear-grid/3
	@test -n $(call quote,$(STUDY)) || { echo 'make show needs STUDY=<name>, <name>/<trial> or <run>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep show $(call quote,$(STUDY)) $(FROM)

select: $(VENV)/.runtime ## Freeze the best configuration of a study: make select STUDY=linear-grid
	@test -n $(call quote,$(STUDY)) || { echo 'make select needs STUDY=<name>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep select $(call quote,$(STUDY)) $(FROM)

# Asked for together, both are computed once, by `report`.
figures: $(VENV)/.runtime ## Draw the figures of all studies, or of STUDY, into OUT
	@$(if $(filter report,$(MAKECMDGOALS)),:,$(BIN)/digitsweep figures $(FROM) --out $(call quote,$(or $(OUT),report)) $(call option,--study,STUDY))

report: $(VENV)/.runtime ## Build the page of all studies, or of STUDY, in OUT
	@$(BIN)/digitsweep report $(FROM) --out $(call quote,$(or $(OUT),report)) $(call option,--study,STUDY) \
	  $(call option,--data,DATA) $(if $(filter figures,$(MAKECMDGOALS)),--figures)

dashboard: $(VENV)/.runtime ## Open Optuna's dashboard on the database
	@$(BIN)/digitsweep dashboard $(FROM) --port $(call quote,$(or $(PORT),8080))

export: $(VENV)/.runtime ## Write runs and evaluations as CSV and Parquet
	@$(BIN)/digitsweep export $(FROM) --out $(call quote,$(or $(OUT),export))

rename: $(VENV)/.runtime ## Another name for a study and its confirmation: make rename STUDY=linear-grid TO=grid-2022
	@test -n $(call quote,$(STUDY)) -a -n $(call quote,$(TO)) || { echo 'make rename needs STUDY=<name> and TO=<its new name>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep rename $(call quote,$(STUDY)) $(call quote,$(TO)) $(FROM) $(UNASKED)

delete: $(VENV)/.runtime ## A study and its confirmation out of the database, for good: make delete STUDY=linear-grid
	@test -n $(call quote,$(STUDY)) || { echo 'make delete needs STUDY=<name>; make status lists the studies' >&2; exit 2; }
	@$(BIN)/digitsweep delete $(call quote,$(STUDY)) $(FROM) $(UNASKED)

bench: $(VENV)/.runtime ## Measure the engine beside JAX, PyTorch and scikit-learn, as far as installed, in OUT
	@$(BIN)/python -m benchmarks --out $(call quote,$(or $(OUT),bench)) $(call option,--data,DATA)

test: $(VENV)/.dev ## Run the tests, under two minutes on two cores
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m 'not slow'

check: $(VENV)/.dev ## What CI runs: format, lint, types, all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto --dist worksteal


soak: $(VENV)/.dev ## Crashes, signals, full disks and thousands of damaged inputs, for hours: docs/reliability.md
	$(BIN)/python -m tests.soak
	FUZZ_EXAMPLES=$(or $(N),1000) $(BIN)/python -m pytest -q -n auto --dist worksteal tests/fuzz

lock: ## Renew the locked versions in requirements/ (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url pyproject.toml -o requirements/runtime.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock

clean: ## Remove the environment and caches; studies and data stay
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find engine search analysis tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.runtime: requirements/runtime.lock pyproject.toml
	@if test -L $(VENV) || { test -e $(VENV) && test ! -e $(VENV)/pyvenv.cfg; }; then \
	  echo '$(VENV) is there but is no virtual environment of this project; move it away and try again' >&2; exit 2; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, but $(PYTHON) is {sys.version.split()[0]}; name another with PYTHON=…")'
	@if ! { $(BIN)/python -m pip --version && test "$$(cat $(VENV)/.place || pwd -P)" = "$$(pwd -P)"; } >/dev/null 2>&1; then \
	  echo 'Making the virtual environment in $(VENV) …'; \
	  $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo '$(PYTHON) cannot make an environment (on Debian: apt install python3-venv); or name another with PYTHON=…' >&2; exit 2; }; fi
	@pwd -P >$(VENV)/.place
	@echo 'Installing the locked packages (once, a minute or two) …'
	@$(PIP) install --require-hashes -r requirements/runtime.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	@echo 'Installing the packages for tests (once) …'
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@
