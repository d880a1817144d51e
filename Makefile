# make test    set up and pass every test
# make check   formatting, lint, types, import rules
# make bench   the benchmarks, as ratios taken in one run

SHELL := /bin/bash
PYTEST_OPTIONS ?=
# Tests wait for processes and clocks as long as they compute.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))

.PHONY: test check bench setup lock

setup:
	@source deploy/boot.sh && find_python && make_environment dev

test: setup
	@source deploy/test-system.sh
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_OPTIONS)

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup
	.venv/bin/hydra-ioc bench
	.venv/bin/python -m tests.benchmarks.ioc_soak

# Needs uv. Writes versions and hashes, no index addresses.
lock:
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --quiet -o requirements/run.lock
	uv pip compile pyproject.toml --all-extras -c requirements/run.lock --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements/dev.lock
