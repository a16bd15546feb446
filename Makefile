# The commands of this project. `make help` lists them; `make chat` is all a newcomer needs.

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip install --disable-pip-version-check --no-input --no-deps

# Any Python from 3.11 on: make install PYTHON=python3.12
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# On Linux the package registry's own torch wheel carries 3 GB of CUDA. PyTorch's CPU index is
# asked too, for torch alone and only if it answers within seconds; TORCH_INDEX= leaves it out.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.DEFAULT_GOAL := help
.PHONY: help install models chat test check train format lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed models ## set up .venv/ with the `rag` program, and get the models

models: $(VENV)/installed
	@$(BIN)/rag models get

chat: install ## talk to the documents in seeds/ at http://127.0.0.1:7860
	@$(BIN)/python app.py

test: install $(VENV)/installed-dev ## run every test, those with the real models too
	@$(BIN)/python -m pytest

check: $(VENV)/installed $(VENV)/installed-dev ## lint, check formatting and types, test the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_docs.py

TRAIN ?= ../shared/train
# On a GPU, with a torch made for it: make train ON="--device cuda --processes 1 --tokens 16000"
ON ?=
NEAR_MISSES = --near-misses runs/near_misses.jsonl.gz
train: $(VENV)/installed-dev ## make the shipped weights again from TRAIN=folder (hours on two cores)
	$(BIN)/python -m training.reader --data $(TRAIN) $(ON)
	$(BIN)/python -m training.export
	$(BIN)/python -m training.near_misses --data $(TRAIN) --reader rag/weights/reader.safetensors
	$(BIN)/python -m training.reader --data $(TRAIN) $(ON) --run runs/again \
		--start rag/weights/reader.safetensors $(NEAR_MISSES)
	$(BIN)/python -m training.export --run runs/again
	$(BIN)/python -m training.judge --data $(TRAIN) $(ON)
	$(BIN)/python -m training.export --run runs/judge --output rag/weights/judge.safetensors
	$(BIN)/python -m training.adapter --data $(TRAIN) $(ON) $(NEAR_MISSES)
	$(BIN)/python -m training.evidence --data $(TRAIN) --reader rag/weights/reader.safetensors

format: $(VENV)/installed-dev ## format the code and fix what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The stamps make the second run instant, and free of the network. `installing` marks a set-up
# that was cut short: pip may then have left half a package, so the next one starts afresh.
$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make install PYTHON=..."; exit 1; }
	@if test -e $(VENV)/installing; then rm -rf $(VENV); fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $(VENV)/installing
	@index=; if test "$$(uname -s)" = Linux && test -n "$(TORCH_INDEX)" && timeout 5 $(BIN)/python -c \
		'import sys, urllib.request as u; u.urlopen(sys.argv[1] + "/torch/", timeout=4)' \
		"$(TORCH_INDEX)" 2>/dev/null; then index="--extra-index-url $(TORCH_INDEX)"; fi; \
		torch=$$(grep '^torch==' requirements.lock); \
		echo "Installing $$torch $$index"; $(PIP) $$index $$torch
	$(PIP) -r requirements.lock
	@$(BIN)/python -c 'import torch' || { echo "This torch does not load: it may need CUDA." \
		"Try: make clean install TORCH_INDEX=https://download.pytorch.org/whl/cpu"; exit 1; }
	$(PIP) --no-build-isolation --editable .
	@rm $(VENV)/installing
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(PIP) -r requirements-dev.lock
	@touch $@

# Both files hold exact versions of everything, for every Python and platform; packages that only
# a CUDA build of torch needs are taken out. UV_ARGS passes indexes to uv, which ignores pip's.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--no-annotate --no-header $(UV_ARGS)
UNCUDA := sed -E -e '/^(nvidia|cuda|triton)/d' -e 's/^(torch==[0-9.]+).*/\1/'

lock: ## write requirements.lock and requirements-dev.lock anew from pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	echo 'torch==2.13.0' > $(VENV)/constraints
	$(LOCK) -c $(VENV)/constraints pyproject.toml | $(UNCUDA) | sort -u > $(VENV)/all.lock
	cp $(VENV)/all.lock requirements.lock
	$(LOCK) -c requirements.lock --extra dev pyproject.toml | $(UNCUDA) | sort -u \
		| grep -vxFf requirements.lock > requirements-dev.lock

clean: ## remove .venv/, the built index and what tools left (not the models)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find index -mindepth 1 ! -name README.md -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
