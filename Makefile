# Two commands do everything on a fresh clone: `make run` (the main job) and `make test`.
# They assume python3 >= 3.11 and make; the rest comes from PyPI into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
GPU    := gpu-node/.venv
CONFIG ?= schema/configs/coaching-small.yaml

UV     := uv==0.13.8
LOCK_FLAGS := --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11

.PHONY: help run data up down test test-gpu test-gpu-kills test-faults lint format bench schema lock lock-gpu clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/ready $(GPU)/ready ## the main job: $(CONFIG) through every stage, to the served student's answer
	@$(BIN)/fitsense run $(CONFIG)

data: $(VENV)/ready ## the same without the training: dataset, reports, quality gate
	@$(BIN)/fitsense run $(CONFIG) --no-training

up: $(VENV)/ready $(GPU)/ready ## start the local cloud, the services and the student in the background
	@$(BIN)/fitsense up

down: $(VENV)/ready ## stop them; the state stays in .local/
	@$(BIN)/fitsense down

test: $(VENV)/ready $(GPU)/ready ## every test that needs nothing but this machine
	@$(BIN)/pytest -n 2 --dist loadgroup tests
	@$(MAKE) --no-print-directory test-gpu

test-gpu: $(GPU)/ready ## the GPU node's tests alone, by its own interpreter
	@$(GPU)/bin/python -m pytest tests/gpu

test-gpu-kills: $(GPU)/ready ## kill -9 the trainer at 20 seeded points
	@FITSENSE_TEST_KILLS=20 $(GPU)/bin/python -m pytest -m "slow or not slow" tests/gpu/test_resume.py

test-faults: $(VENV)/ready ## kill 50 processes at random, and every other slow test
	@FITSENSE_TEST_KILLS=50 $(BIN)/pytest -m "slow or not slow" tests/e2e/test_faults.py tests/integration/teacher

lint: $(VENV)/ready ## ruff and strict mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/ready ## ruff's formatting and safe fixes
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/ready ## the numbers a user would feel, with their targets
	@$(BIN)/python -m tests.bench

schema: $(VENV)/ready ## regenerate schema/json from the models
	@$(BIN)/python -m fitsense.schemas

$(GPU)/ready: $(VENV)/ready gpu-node/requirements-cpu.lock gpu-node/torch-cpu.txt gpu-node/install.py
	@$(BIN)/python gpu-node/install.py
	@touch $@

lock: $(VENV)/ready lock-gpu ## resolve the dependencies anew
	@$(BIN)/uv pip compile -q $(LOCK_FLAGS) pyproject.toml -o shared/requirements.lock
	@$(BIN)/uv pip compile -q $(LOCK_FLAGS) pyproject.toml --group dev -c shared/requirements.lock -o tests/requirements.lock

lock-gpu: $(VENV)/ready ## and those of the GPU node: CPU and CUDA
	@cd gpu-node && ../$(BIN)/python install.py --lock

$(VENV)/ready: tests/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FitSense needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -qq --disable-pip-version-check $(UV)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r tests/requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

clean: ## remove the environment and all local state
	rm -rf $(VENV) $(GPU) .local
