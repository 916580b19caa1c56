# make demo    set up what is missing, then trace a small workload
# make test    set up what the tests need, then run all of them
# make lint    ruff and mypy
# make bench   side by side with bpftrace
# make docs    build the documentation as a site, in site/
# make clean   remove the virtual environment and caches

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What dscript needs of Debian: bcc's package brings libbpf; cpp serves -C.
APT_RUN := python3-bpfcc python3-venv cpp
# What its tests need beside that.
APT_TEST := gcc g++ gdb groff-base zsh fish libc6-dev netbase locales bpftrace bpftool llvm jq chromium chromium-driver fonts-dejavu-core qemu-system-x86 busybox-static kmod xz-utils zstd

.PHONY: demo test lint bench docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/.ready
	$(BIN)/dscript -s examples/demo.d -c 'sh -c "exec >/dev/null 2>&1; ls -lR /etc; cat /etc/*; date"'

# The guest of the vm tests and the benchmarks' smoke runs have the machine to themselves.
test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not vm and not bench"
	$(BIN)/python -m pytest -q -m "vm or bench"

lint: $(VENV)/.ready-test
	$(BIN)/ruff format --check dscript tests
	$(BIN)/ruff check dscript tests
	$(BIN)/mypy

bench: $(VENV)/.ready-test
	$(BIN)/python -m compileall -q dscript
	$(BIN)/python -m tests.bench

docs: $(VENV)/.ready-test
	$(BIN)/python -m mkdocs build --strict -q

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build site *.egg-info
	find dscript tests -name __pycache__ -prune -exec rm -rf {} +

# Install those of the Debian packages in $(1) that are missing.
define apt_install
	@missing=; for package in $(1); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || \
	  missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "==> installing Debian packages:$$missing"; \
	  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  $$root apt-get update && \
	  $$root apt-get install -y --no-install-recommends $$missing; \
	fi
endef

$(BIN)/python:
	$(call apt_install,$(APT_RUN))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "dscript needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "==> making the virtual environment $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "==> installing dscript"
	$(BIN)/python -m pip install --disable-pip-version-check -e .
	$(BIN)/python -m compileall -q dscript
	@touch $@

$(VENV)/.ready-test: pyproject.toml $(VENV)/.ready | $(BIN)/python
	$(call apt_install,$(APT_TEST))
	@echo "==> installing the test tools"
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@
