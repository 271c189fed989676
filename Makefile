# Everything a newcomer needs: `make demo` and `make test` do their own set-up, with Python 3.11 or later and make alone.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup demo test check interop usb-test ble-test bench docs clean chain

help: ## say what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the virtual environment (the others do it by themselves)

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tallystick needs Python 3.11 or later: make PYTHON=python3.11 …"; exit 2; }
	@echo "setting up $(VENV) (once, about a minute) …"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	@touch $@

demo: setup ## a short tour: an address, a signature; two devices and a key that moves; apps in C, and one that proves what it says
	@$(BIN)/tally demo

test: setup ## the tests
	@$(BIN)/pytest -n $(JOBS) -q

check: setup ## style, types, walls between the rooms, change notes, the wheel
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/towncrier build --draft --version next >/dev/null
	rm -rf dist && $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

interop: setup ## clients that we did not write judge the device
	@scripts/interop_setup
	@$(BIN)/pytest -q tests/interop
	@TALLYSTICK_SPECULOS="$$(echo "$$PWD"/tests/interop/.venv-ragger/lib/python3*/site-packages/speculos)" \
		$(BIN)/pytest -n $(JOBS) -q tests/unit/device/native/test_native_cx_differential.py tests/unit/device/native/test_native_cx_real.py

usb-test: setup ## the device on real USB, in a virtual machine: judged by clients that we did not write
	@scripts/interop_setup
	@scripts/usb_setup
	@$(BIN)/pytest -q tests/usb/test_usb.py

ble-test: setup ## the device over Bluetooth, in a virtual machine: the kernel, BlueZ, and a stack that we did not write
	@scripts/interop_setup
	@scripts/usb_setup
	@scripts/ble_setup
	@$(BIN)/pytest -q tests/usb/test_usb_ble.py

bench: setup ## how fast, side by side with Speculos where it is installed
	@$(BIN)/python -m bench

chain: setup ## a Cosmos chain of one node, and transactions on it that a device signs (needs Go; minutes the first time)
	@scripts/chain_setup
	@$(BIN)/pytest -q tests/chain

docs: setup ## the documentation as pages
	@$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/sphinx-build -q -W -b html docs dist/docs

clean: ## remove what was made
	rm -rf $(VENV) dist build tests/interop/.venv tests/interop/.venv-* tests/interop/node_modules tests/usb/clients/node_modules tests/chain/node/bin
