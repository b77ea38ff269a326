# One command a job. Each sets up all it needs in .venv, and works again at once. GNU make 3.81 or newer, any /bin/sh.

HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
FUZZ_SECONDS ?= 600
# Processes that run the tests; without ARGS three for each core, with ARGS one.
WORKERS ?= $(if $(ARGS),0,auto)
# The next worker would run a test that ended its worker again, and again.
PARALLEL = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0
# What needs no server, browser or broker of its own. `make test` runs the rest once, on one Python.
UNITS = tests/engine tests/wire tests/websockets tests/server tests/dispatch tests/asgi tests/http tests/routing tests/pipeline \
	tests/sessions tests/security tests/templates tests/testing tests/typed tests/calls tests/schema tests/centrifuge \
	tests/telemetry tests/channels/test_*.py tests/cli tests/test_*.py
# What every message and every request passes.
HOT = tests/engine tests/wire tests/websockets tests/server tests/dispatch tests/asgi
# What the sanitizers watch: all that calls the C code. Everything takes about twice as long there.
SANITIZED = tests/engine tests/wire tests/websockets tests/server/test_websocket_*.py tests/compliance tests/test_ctx*.py
# What else has to be the same on both engines.
ENGINES = tests/pipeline tests/channels/test_*.py tests/testing tests/test_ctx*.py tests/compliance tests/fuzzing

PYTHON = .venv/bin/python
SOURCES = src tests examples benchmarks clients soak compliance fuzzing

# What the shell has set up for another project must not reach into this one.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

.PHONY: help run assistant board chat cluster test test-pythons test-native test-asan coverage check format bench bench-channels bench-capacity bench-sdks bench-guard clients soak compliance fuzz sdk-tests docs wheel wheels clean setup-run setup-test setup-fuzz setup-node

help:
	@echo "make run         serve the demo on http://$(HOST):$(PORT); HOST=0.0.0.0 PORT=9000 for another address"
	@echo "make board       serve the example with login, forms, uploads and a live feed"
	@echo "make assistant   serve the assistant: tokens that stream and stop, tools of the page"
	@echo "make chat        serve the chat: rooms, history, who is here"
	@echo "make cluster     serve the chat on two nodes behind nginx, with Valkey between them"
	@echo "make test        run all tests; ARGS=\"tests/wire -k close\" for some of them"
	@echo "make wheel       build dist/emmett-….whl, which your projects can depend on"
	@echo "make wheels      build manylinux wheels with the native engine for every CPython found, checked by auditwheel"
	@echo "make test-pythons  run the unit tests from the wheel on every CPython found; VERSIONS=\"3.12 3.13\" for some"
	@echo "make test-native the tests of what each message passes, on the native engine, on every CPython; it needs a C compiler"
	@echo "make test-asan   the same, compiled with AddressSanitizer and UndefinedBehaviorSanitizer, and random streams"
	@echo "make coverage    test-pythons on one version, with the branches measured that tests take; it needs CPython 3.12"
	@echo "make check       formatting, lint, types and spelling, changing nothing"
	@echo "make format      format the code and mend what ruff can mend"
	@echo "make bench       run the benchmarks; ARGS=\"--help\" shows their options"
	@echo "make bench-channels  measure from publication to delivery with each broker; ARGS=\"--quick\" for a first look"
	@echo "make bench-capacity  measure what subscribers need, and one that reads nothing beside 10,000 others"
	@echo "make bench-sdks  measure 5,000 connections of SDKs beside as many plain subscribers, and let all come back at once"
	@echo "make bench-guard count the instructions that a message takes, and compare them with the record (needs valgrind)"
	@echo "make clients     measure what real websocket clients send, see and do; ARGS=\"--publish\" writes docs/clients.md"
	@echo "make soak        run the server for ten minutes under everything that peers do; ARGS=\"--seconds 60\" for less"
	@echo "make compliance  play the conformance cases of RFC 6455 and 7692; ARGS=\"--json FILE\" for results as data"
	@echo "make fuzz        look for ten minutes for bytes that do harm; FUZZ_SECONDS=60 for less"
	@echo "make sdk-tests   run the test suite of centrifuge-python against emmett serve, on port 8000"
	@echo "make docs        build the documentation site into build/docs, and check its links"
	@echo "make clean       remove .venv and all else that was made"

run: setup-run
	.venv/bin/emmett -a examples/demo/app.py develop --host $(HOST) --port $(PORT)

board: setup-run
	.venv/bin/emmett -a examples/board/app.py develop --host $(HOST) --port $(PORT)

assistant: setup-run
	.venv/bin/emmett -a examples/assistant/app.py develop --host $(HOST) --port $(PORT)

chat: setup-run
	.venv/bin/emmett -a examples/chat/app.py develop --host $(HOST) --port $(PORT)

cluster: setup-test
	@$(PYTHON) examples/chat/cluster.py --host $(HOST) --port $(PORT) $(ARGS)

test: setup-test setup-node
	$(PYTHON) -m pytest $(PARALLEL) $(ARGS)

check: setup-test
	$(PYTHON) -m ruff format --check $(SOURCES)
	$(PYTHON) -m ruff check $(SOURCES)
	$(PYTHON) -m mypy
	$(PYTHON) -m codespell_lib

format: setup-test
	$(PYTHON) -m ruff format $(SOURCES)
	$(PYTHON) -m ruff check --fix $(SOURCES)

wheel: setup-run
	@sh tools/wheel.sh

wheels: setup-run
	@sh tools/wheels.sh

test-pythons: setup-node
	@sh tools/test_pythons.sh $(PARALLEL) $(UNITS) $(ARGS)

# The packages that pass bytes and messages to the C code, and random streams for it.
test-asan:
	@MODE=sanitize FUZZ_SECONDS=$(or $(ASAN_SECONDS),20) VERSIONS="$${VERSIONS:-$$(MODE=list sh tools/test_pythons.sh | sed 's/.* \(3[.0-9]*\) *$$/\1/')}" \
		sh tools/test_pythons.sh $(PARALLEL) $(SANITIZED) $(ARGS)

test-native:
	@MODE=native sh tools/test_pythons.sh $(PARALLEL) $(HOT) $(ENGINES) $(ARGS)

# Not on CPython 3.11, which loses exceptions in coroutines that are traced.
coverage: setup-node
	@MODE=coverage VERSIONS="$${VERSIONS:-$$(VERSIONS="3.12 3.13 3.14" MODE=list sh tools/test_pythons.sh | \
		sed 's/.* \(3[.0-9]*\) *$$/\1/')}" sh tools/test_pythons.sh $(PARALLEL) $(UNITS) $(ARGS)

bench: setup-test
	$(PYTHON) -m benchmarks.run servers $(ARGS)

bench-channels: setup-test
	$(PYTHON) -m benchmarks.run channels $(ARGS)

bench-capacity: setup-test
	$(PYTHON) -m benchmarks.run capacity $(ARGS)

bench-sdks: setup-test
	$(PYTHON) -m benchmarks.run sdks $(ARGS)

# Both engines; the native one only where it is built.
bench-guard: setup-test
	EMMETT_ENGINE=python $(PYTHON) -m benchmarks.run guard $(ARGS)
	@! $(PYTHON) -m emmett --version | grep -q "native engine" || EMMETT_ENGINE=native $(PYTHON) -m benchmarks.run guard $(ARGS)

sdk-tests: setup-test
	@sh tools/sdk_tests/run.sh $(ARGS)

clients: setup-test
	$(PYTHON) -m clients.run $(ARGS)

soak: setup-test
	$(PYTHON) soak/run.py $(ARGS)

compliance: setup-test
	$(PYTHON) compliance/run.py $(ARGS)

fuzz: setup-fuzz
	$(PYTHON) fuzzing/run.py --seconds $(FUZZ_SECONDS) $(ARGS)

# Material prints a notice about the next major version of mkdocs, which pyproject.toml excludes.
docs: setup-test
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet
	@echo "the site is build/docs/index.html"

clean:
	rm -rf .bench .clients .coverage .fuzz .pythons .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist src/emmett/_native* tests/integration/node/node_modules
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@sh tools/setup.sh run

setup-test:
	@sh tools/setup.sh test

setup-fuzz:
	@sh tools/setup.sh fuzz

setup-node:
	@sh tools/setup_node.sh
