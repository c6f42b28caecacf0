# The verbs of this house; CI calls the same ones. `make` alone lists them.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
ROOMS := $(patsubst %/,%,$(sort $(dir $(wildcard \
	$(addsuffix /*.py,pipeline remote stages models tests benchmarks)))))
# A skipped test fails (tests/no_skips.py): what a test needs is asked for first.
PYTEST := $(BIN)/python -m pytest -p tests.no_skips -n auto --maxprocesses 8

# sshd, ip and nft live where an ordinary user's PATH may not look.
export PATH := $(PATH):/usr/sbin:/sbin
.NOTPARALLEL:
.PHONY: help run check test slow gpu crash faults bench docs lock clean tools
.PHONY: check-format check-lint check-types check-imports

help:
	@echo "make run     run pipeline.yaml on this machine    (ARGS='--host ec2')"
	@echo "make check   format, lint, types, import contracts"
	@echo "make test    the tests, on real ssh, git and rsync (ARGS='-k mirror')"
	@echo "make slow    the recovery and soak tests"
	@echo "make gpu     the same numbers on a CUDA device"
	@echo "make crash   all of the crash table               (ARGS='power sealed')"
	@echo "make faults  all of the fault table               (ARGS='cut pull')"
	@echo "make bench   the benchmarks"
	@echo "make docs    the parts of docs/ that are made from the code"
	@echo "make lock    resolve requirements.lock anew"
	@echo "make clean   remove .venv and every cache; no run is touched"

run: $(VENV)/.run
	@$(BIN)/pipeline run $(ARGS)

check: check-format check-lint check-types check-imports

check-format: $(VENV)/.test
	$(BIN)/ruff format --check

check-lint: $(VENV)/.test
	$(BIN)/ruff check

check-types: $(VENV)/.test
	$(BIN)/mypy $(ROOMS)

check-imports: $(VENV)/.test
	$(BIN)/lint-imports

test: tools $(VENV)/.test
	$(PYTEST) -m "not slow and not gpu" $(ARGS)

slow: tools $(VENV)/.test
	$(PYTEST) -m slow $(ARGS)

gpu: $(VENV)/.test
	@$(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || \
	  { $(say) "torch sees no CUDA device here" \
	    "make test runs the same numbers on the CPU"; exit 1; }
	$(BIN)/python -m pytest -p tests.no_skips -m gpu tests/models $(ARGS)

crash: tools $(VENV)/.test
	$(BIN)/python -m tests.crash $(ARGS)

faults: tools $(VENV)/.test
	$(BIN)/python -m tests.wire $(ARGS)

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks $(ARGS)

# The parts of docs/ that are made from the code; a test fails when they are stale.
docs: $(VENV)/.test
	$(BIN)/python -m tests.pages
	$(BIN)/python -m tests.keytables
	$(BIN)/python -m tests.models.listed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf .hypothesis build dist *.egg-info
	find $(ROOMS) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ----------------------------------------------------------------
# Two stamps, so that a newcomer's first `make run` fetches nothing that only tests need.

$(VENV)/.run: pyproject.toml requirements.lock
	@$(create)
	@$(install) --editable '.[run]'
	@touch $@

$(VENV)/.test: pyproject.toml requirements.lock
	@$(create)
	@$(install) --editable '.[ml,export,test]'
	@touch $(VENV)/.run $@

# A .venv that works is kept. One that is half made (`python3 -m venv` leaves its folder
# behind where python3-venv is missing) or that has no pip for us is made anew.
works := $(if $(UV),$(BIN)/python -c '',$(BIN)/python -m pip --version)
say := printf 'make: %s\n  %s\n' >&2

define create
if ! $(works) >/dev/null 2>&1; then \
  rm -rf $(VENV); \
  if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --python '>=3.10' $(VENV); \
  elif ! $(PYTHON) -c '' 2>/dev/null; then \
    $(say) "'$(PYTHON)' does not start" \
      "apt-get install -y python3 python3-venv, or: make PYTHON=/path/to/python"; exit 1; \
  elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then \
    $(say) "'$(PYTHON)' is older than 3.10" "name a newer one: make PYTHON=python3.12"; \
    exit 1; \
  elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
    $(say) "'$(PYTHON)' cannot make a virtual environment" \
      "apt-get install -y python3-venv"; exit 1; \
  elif ! $(PYTHON) -m venv $(VENV); then rm -rf $(VENV); exit 1; fi; \
fi
endef

install = echo "installing into $(VENV)"; $(if $(UV), \
	"$(UV)" pip install --quiet --python $(BIN)/python, \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check) \
	--constraint requirements.lock

# torch itself is held out of the resolution, which would name gigabytes of CUDA, and is
# pinned by hand to what the extra `ml` says. uv, because one lock serves every Python.
lock:
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; uv="$(UV)"; \
	if [ -z "$$uv" ]; then $(PYTHON) -m venv $$tmp/venv; \
	  $$tmp/venv/bin/pip install --quiet uv; uv=$$tmp/venv/bin/uv; fi; \
	torch=$$(sed -n 's/.*"\(torch==[0-9.]*\)".*/\1/p' pyproject.toml); \
	echo "torch ; python_version < '3'" > $$tmp/without; \
	"$$uv" pip compile --quiet --universal --python-version 3.10 --upgrade --no-config \
	  --no-header --no-annotate --all-extras --override $$tmp/without \
	  pyproject.toml --output-file $$tmp/pins >/dev/null; \
	echo "$$torch" >> $$tmp/pins; \
	{ echo "# Every version this project was tested with: a constraints file for pip and"; \
	  echo "# uv, for Python 3.10 and later. Made by \`make lock\`; not edited by hand."; \
	  LC_ALL=C sort $$tmp/pins; } > $$tmp/lock; \
	cp $$tmp/lock requirements.lock

# --- what the tests need of the machine ---------------------------------------------
# Asked for at the door, so that nothing is skipped in silence.

tools:
	@set --; \
	for pair in ssh:openssh-client sshd:openssh-server rsync:rsync git:git \
	    ip:iproute2 nft:nftables unshare:util-linux mount:mount \
	    mkfs.ext4:e2fsprogs zsh:zsh fish:fish \
	    tmux:tmux ps:procps systemd-nspawn:systemd-container; do \
	  command -v $${pair%%:*} >/dev/null || set -- "$$@" $${pair#*:}; done; \
	ls /lib/*/security/pam_systemd.so >/dev/null 2>&1 || set -- "$$@" libpam-systemd; \
	if [ $$# -gt 0 ]; then \
	  $(say) "the tests need programs of these packages: $$*" \
	    "apt-get update && apt-get install -y $$*"; exit 1; fi; \
	if ! unshare --net --mount true 2>/dev/null; then \
	  $(say) "the tests must be root, to make network namespaces" "sudo make test"; exit 1; fi
