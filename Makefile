# Every command of this repository; `make` lists them. GNU make 3.81 and later.

VENV := .venv
PY := $(VENV)/bin/python
LOCAL_READY := $(VENV)/.local-ready
DEV_READY := $(VENV)/.dev-ready
CLIENT := clients/typescript
CLIENT_READY := $(CLIENT)/node_modules/.package-lock.json
DYNAMODB_LOCAL := .tools/dynamodb-local/DynamoDBLocal.jar

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help demo run live catchup buy seed stack resources secrets deploy destroy test soak check audit contract bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(LOCAL_READY) ## the whole journey on real speech, on free ports, then everything is stopped
	@$(PY) -m scripts.demo

run: $(LOCAL_READY) ## the stack, kept up: API on port 8000 (PORT=8001 make run), Ctrl-C stops it
	@$(PY) -m scripts.run

live: $(LOCAL_READY) ## beside `make run`: a live stream in the terminal, words as they are spoken
	@$(PY) -m scripts.listen

catchup: $(LOCAL_READY) ## beside `make run`: a recording is uploaded, caught up with and asked about
	@$(PY) -m scripts.catchup

buy: $(LOCAL_READY) ## beside `make run`: credits are bought at the hosted page, a part is refunded
	@$(PY) -m scripts.buying

seed: $(LOCAL_READY) ## beside `make run`: a month of made-up activity for the dashboard (USERS=2000, SEED=word)
	@$(PY) -m scripts.seed

stack: $(LOCAL_READY) ## the deployed shape: packaged, into an AWS on this machine by CloudFormation, with a smoke test (ONCE=1 ends then)
	@$(PY) -m scripts.stack

resources: $(LOCAL_READY) ## into AWS: tables, user pool, queue, buckets, key of STAGE=dev, and what `chalice deploy` needs
	@$(PY) -m scripts.deploy --stage "$(STAGE)" --resources-only $(if $(YES),--yes)

secrets: $(LOCAL_READY) ## are the sealed secrets of STAGE=dev there, readable, of the right kind?
	@$(PY) -m scripts.secret check --stage "$(STAGE)"

deploy: $(LOCAL_READY) ## into AWS: STAGE=prod whole, its plan shown first (YES=1 asks nothing)
	@$(PY) -m scripts.deploy --stage "$(STAGE)" $(if $(YES),--yes)

destroy: $(LOCAL_READY) ## out of AWS: STAGE=dev; ledger and accounts are kept (DATA=delete deletes them, never of prod)
	@$(PY) -m scripts.destroy --stage "$(STAGE)" $(if $(filter delete,$(DATA)),--with-data)

test: $(DEV_READY) $(DYNAMODB_LOCAL) ## all tests (ARGS="-k word" passes options on)
	@$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

soak: $(DEV_READY) $(DYNAMODB_LOCAL) ## the same promises with large counts
	@SOAK=1 $(PY) -m pytest -n 2 --dist loadfile -m soak $(ARGS)
	@STACK=1 $(PY) -m pytest tests/http $(ARGS)
	@SOAK=1 $(PY) -m pytest -n 2 --dist loadfile -m "not soak" tests/test_*.py tests/audit tests/catchup tests/identity tests/live tests/money tests/repositories $(ARGS)

check: $(DEV_READY) ## format, lint, types, templates, no secrets in the files, plain words
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/cfn-lint .chalice/resources.yaml
	@$(PY) -m scripts.secret_scan
	@$(PY) -m scripts.check_words

audit: $(DEV_READY) ## known weaknesses of what we depend on: 1 if there are, 3 if nobody could be asked
	@$(PY) -m scripts.dependency_audit

contract: $(DEV_READY) $(CLIENT_READY) ## write down what the code says: docs/openapi.json, what is served, the client's types
	@$(PY) -m scripts.contract
	@cd $(CLIENT) && npm run --silent generate && echo "wrote $(CLIENT)/src/schema.ts"

bench: $(DEV_READY) $(DYNAMODB_LOCAL) ## the benchmarks
	@$(PY) -m benchmarks

clean: ## forget the local state (accounts, credits, logs) and all caches; what is installed stays
	rm -rf .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# --- what the commands need -------------------------------------------------------------------------------------

$(PY):
	@for candidate in "$$PYTHON" python3.11 python3 python; do \
	  if [ -n "$$candidate" ] && command -v "$$candidate" >/dev/null 2>&1 && \
	     "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Python 3.11 is needed (what AWS Lambda runs) and was not found. Install it:" >&2; \
	  echo "  Debian, Ubuntu: apt-get install python3.11 python3.11-venv     macOS: brew install python@3.11" >&2; \
	  echo "  anywhere:       uv python install 3.11, or pyenv install 3.11" >&2; \
	  echo "or name one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$found"; rm -rf $(VENV); \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "This Python cannot make a virtual environment; on Debian: apt-get install python3.11-venv" >&2; exit 1; }

# The Python behind the environment is not a prerequisite by time: a newer interpreter alone installs nothing again.
$(LOCAL_READY): requirements.txt requirements-local.txt | $(PY)
	@$(call install,requirements-local.txt)
	@touch $@

$(DEV_READY): requirements.txt requirements-local.txt requirements-dev.txt | $(PY)
	@$(call install,requirements-dev.txt)
	@touch $(LOCAL_READY) $@

$(DYNAMODB_LOCAL): scripts/local/dynamodb_local.py | $(DEV_READY)
	@echo "fetching DynamoDB Local (56 MB)"; $(PY) -m scripts.local.dynamodb_local && touch $@

$(CLIENT_READY): $(CLIENT)/package-lock.json
	@cd $(CLIENT) && npm ci && touch node_modules/.package-lock.json

define install
echo "installing $(1) into $(VENV) (the first time takes some minutes)"; \
$(PY) -m pip install -r $(1) || { \
  echo "" >&2; \
  echo "Installing $(1) failed; the reason stands above. If it speaks of" >&2; \
  echo "  a connection or a name that cannot be resolved: check the network and any proxy, then run make again;" >&2; \
  echo "  no matching distribution: this platform or Python has no ready-made wheel, Python must be 3.11;" >&2; \
  echo "  gcc, cc or a missing header: install a compiler (Debian: apt-get install build-essential python3.11-dev;" >&2; \
  echo "  macOS: xcode-select --install), then run make again." >&2; \
  exit 1; }
endef
