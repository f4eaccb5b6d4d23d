# `make demo` and `make test` set everything up in .venv the first time, and only then.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test test-slow test-cluster check docs format setup clean

demo: setup ## train WGAN-GP on the digits: minutes on a laptop, offline
	$(VENV)/bin/python train.py

test: setup ## the test suite, in as many processes as there are cores, up to eight
	$(VENV)/bin/pytest --numprocesses=auto --maxprocesses=8

test-slow: setup ## the tests that take minutes
	$(VENV)/bin/pytest -m slow

test-cluster: setup ## the tests on a SLURM cluster of their own; skipped where Debian's slurm-wlm and munge are missing
	$(VENV)/bin/pytest -m cluster tests/cluster -rs

check: setup ## formatting, linting and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright

format: setup
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)

docs: setup ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet --strict
