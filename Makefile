# Every command of this repository; `make` lists them. Needs GNU make 3.81 or later.

VENV := .venv
UV := uv==0.13.9
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
PY := $(VENV)/bin/python
DEPLOY_READY := $(VENV)/.deploy-ready
LOCAL_READY := $(VENV)/.local-ready
DEV_READY := $(VENV)/.dev-ready
CLIENT := clients/browser
CLIENT_READY := $(CLIENT)/node_modules/.package-lock.json
EXTENSION := clients/extension
DYNAMODB_LOCAL := .tools/dynamodb-local/DynamoDBLocal.jar
# Tests of the features; most need no server. `make soak` also runs them on Amazon's engine, with all their cases.
ROOMS := accounts admin audit catchup contract credits logs models payments pricing repositories scripts settings streaming transcripts
HTTP_UNITS := body_repairs endpoint hostile_json openapi public_url rate_limiter request routes text_fields
FEATURE_TESTS := $(wildcard tests/test_*.py) $(ROOMS:%=tests/%) $(HTTP_UNITS:%=tests/http/test_%.py) \
  tests/providers/test_id_tokens.py tests/shipping/test_deployed_shape.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Bytecode is kept: every command starts many processes, each of which would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run live extension catchup buy seed stack resources secrets deploy rollback destroy test quick simulate soak check audit contract sdk bench lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(LOCAL_READY) ## run the whole journey on recorded speech, on free ports, then stop everything
	@$(PY) -m scripts.demo

run: $(LOCAL_READY) ## run the local stack until Ctrl-C: API on port 8000 (PORT=8001 make run)
	@$(PY) -m scripts.run

live: $(LOCAL_READY) ## while `make run` runs: a live stream with captions in the terminal
	@$(PY) -m scripts.listen

catchup: $(LOCAL_READY) ## while `make run` runs: upload a recording, get its summary, ask a question
	@$(PY) -m scripts.catchup

buy: $(LOCAL_READY) ## while `make run` runs: buy credits on the hosted page, refund a part
	@$(PY) -m scripts.purchase

extension: $(LOCAL_READY) ## while `make run` runs: the reference extension in a Chromium of its own, with a page that speaks
	@$(PY) -m scripts.extension

seed: $(LOCAL_READY) ## while `make run` runs: a month of generated activity for the dashboard (USERS=2000, SEED=word)
	@$(PY) -m scripts.seed

stack: $(LOCAL_READY) ## run the deployed shape on this machine: packaged, deployed by CloudFormation, smoke test (ONCE=1: then stop)
	@$(PY) -m scripts.stack

resources: $(DEPLOY_READY) ## deploy the resource stack of STAGE=dev to AWS, and write the files for plain `chalice deploy`
	@$(PY) -m scripts.deploy --stage "$(STAGE)" --resources-only $(if $(YES),--yes)

secrets: $(DEPLOY_READY) ## check the encrypted secrets of STAGE=dev: present, readable, of the right format
	@$(PY) -m scripts.secret check --stage "$(STAGE)"

deploy: $(DEPLOY_READY) ## deploy a stage to AWS, after showing the changes (STAGE=dev, needed; YES=1: without a question)
	@$(PY) -m scripts.deploy --stage "$(STAGE)" $(if $(YES),--yes)

rollback: $(DEPLOY_READY) ## run an earlier build of STAGE=dev again, without an installation (BUILD=: which one; YES=1: without a question)
	@$(PY) -m scripts.rollback --stage "$(STAGE)" $(if $(BUILD),--build "$(BUILD)") $(if $(YES),--yes)

destroy: $(DEPLOY_READY) ## delete STAGE=dev from AWS; keeps ledger and accounts (DATA=delete deletes them, except on prod)
	@$(PY) -m scripts.destroy --stage "$(STAGE)" $(if $(filter delete,$(DATA)),--with-data)

test: $(DEV_READY) $(DYNAMODB_LOCAL) ## run all tests (ARGS="-k word" passes options to pytest)
	@$(PY) -m pytest $(PARALLEL) --durations=10 $(ARGS)

quick: $(DEV_READY) ## run the short tests that need no server, between two edits
	@$(PY) -m pytest -n 2 --dist loadfile --quick $(FEATURE_TESTS) $(ARGS)

simulate: $(DEV_READY) ## simulate the whole backend under faults (SEED=1 OPS=5000 PROFILE=hostile: one seed)
	@$(PY) -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(OPS),--ops $(OPS)) $(if $(PROFILE),--profile $(PROFILE))

soak: $(DEV_READY) $(DYNAMODB_LOCAL) ## run the tests with large counts
	@SOAK=1 $(PY) -m pytest $(PARALLEL) -m soak $(ARGS)
	@$(PY) -m tests.simulation --ops 1000000
	@STACK=1 $(PY) -m pytest tests/http $(ARGS)
	@SOAK=1 $(PY) -m pytest $(PARALLEL) -m "not soak" $(FEATURE_TESTS) tests/sdk $(ARGS)

CHECKS := check-format check-lint check-types check-template check-secrets check-words
.PHONY: $(CHECKS)

check: $(DEV_READY) ## check format, lint, types, templates, secrets in files, plain words
	@$(MAKE) --no-print-directory --jobs=2 $(CHECKS)
check-format:
	$(PY) -m ruff format --check .
check-lint:
	$(PY) -m ruff check .
check-types:
	$(PY) -m mypy
check-template:
	$(VENV)/bin/cfn-lint .chalice/resources.yaml .github/aws/deploy-role.yaml
check-secrets: $(DEV_READY)
	$(PY) -m scripts.secret_scan
check-words:
	$(PY) -m scripts.check_words

audit: $(DEV_READY) ## look up known vulnerabilities of the dependencies (exit 1: some, 3: could not be checked)
	@$(PY) -m scripts.dependency_audit

contract: $(DEV_READY) $(CLIENT_READY) ## generate docs/openapi.json, the served contract and the SDK with its types
	@$(PY) -m scripts.contract
	@cd $(CLIENT) && npm run --silent generate && echo "wrote $(CLIENT)/src/schema.ts"
	@$(MAKE) --no-print-directory sdk

sdk: $(CLIENT_READY) ## build the files of the browser SDK from its sources, and copy them into the extension
	@cd $(CLIENT) && npm run --silent build && echo "wrote $(CLIENT)/dist"
	@cp $(CLIENT)/dist/live-transcription.mjs $(EXTENSION)/sdk/ && echo "wrote $(EXTENSION)/sdk"

bench: $(DEV_READY) $(DYNAMODB_LOCAL) ## run the benchmarks
	@$(PY) -m benchmarks

# Functions get requirements.lock; chalice, which adds its own part to the package, is in the other one. A version is kept
# where the requirements allow it.
LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command "make lock" \
  $(if $(UPGRADE),--upgrade)
lock: | chosen-python ## pin all versions that are shipped, with hashes (UPGRADE=1: the newest that requirements allow)
	@$(PY) -m pip install --quiet --only-binary :all: $(UV)
	@grep -v '^chalice==' requirements.txt | $(LOCK) - --output-file requirements.lock >/dev/null
	@$(LOCK) requirements-deploy.txt --constraint requirements.lock --output-file requirements-deploy.lock >/dev/null
	@echo "wrote requirements.lock and requirements-deploy.lock"

clean: ## delete the local data (accounts, credits, logs) and all caches; keep what is installed
	rm -rf .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# --- requirements of the commands -------------------------------------------------------------------------------------

$(PY):
	@found=$$(PYTHON="$(PYTHON)" sh scripts/find_python.sh) || exit 1; \
	echo "creating $(VENV) with $$found"; rm -rf $(VENV); \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); echo "$$found could not create a virtual environment." >&2; exit 1; }

# An environment whose Python is gone is created again, and everything is installed again.
ifneq ($(shell test -x $(PY) && echo there),there)
.PHONY: $(DEPLOY_READY) $(LOCAL_READY) $(DEV_READY)
endif

# A chosen Python of another version than that of $(VENV) is not ignored silently.
.PHONY: chosen-python
chosen-python: | $(PY)
ifneq ($(PYTHON),)
	@version='import sys; print(*sys.version_info[:2], sep=".")'; installed=$$($(PY) -c "$$version"); \
	chosen=$$(PYTHON="$(PYTHON)" sh scripts/find_python.sh) || exit 1; chosen=$$("$$chosen" -c "$$version"); \
	[ "$$installed" = "$$chosen" ] || { echo "$(VENV) has Python $$installed, and PYTHON is $$chosen." >&2; \
	  echo "Delete $(VENV), or keep both: make VENV=.venv-$$chosen PYTHON=$(PYTHON) ..." >&2; exit 1; }
else
	@:
endif

# An order-only prerequisite: a newer interpreter alone does not install everything again.
INSTALL = @UV=$(UV) sh scripts/install.sh $(VENV)
LOCKS := requirements.lock requirements-deploy.lock
$(DEPLOY_READY): requirements-deploy.lock | chosen-python
	$(INSTALL) requirements-deploy.lock
	@touch $@

$(LOCAL_READY): requirements.txt requirements-local.txt $(LOCKS) | chosen-python
	$(INSTALL) "$(LOCKS)" requirements-local.txt
	@touch $(DEPLOY_READY) $@

$(DEV_READY): requirements.txt requirements-local.txt requirements-dev.txt $(LOCKS) | chosen-python
	$(INSTALL) "$(LOCKS)" requirements-dev.txt
	@touch $(DEPLOY_READY) $(LOCAL_READY) $@

$(DYNAMODB_LOCAL): scripts/local/dynamodb_local.py | $(DEV_READY)
	@echo "downloading DynamoDB Local (56 MB)"; $(PY) -m scripts.local.dynamodb_local && touch $@

$(CLIENT_READY): $(CLIENT)/package-lock.json
	@cd $(CLIENT) && npm ci && touch node_modules/.package-lock.json
