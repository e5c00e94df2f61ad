# The commands of this project. Each one first sets up what it needs, which takes no time when
# it is there already.
SENDERS ?= 1
PORT ?= 10001
RECIPIENTS ?= 100000
PYTEST_ARGS ?=
TEST_WORKERS ?= 3
CHAOS_FORM ?= long
SCENARIO ?= send
BENCH_ARGS ?=
OVERLAYS ?=

PYTHON_FOLDER := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo run test chaos bench bench-check scaling-rehearsal images manifests k8s-rehearsal lint census reference messages vendor screenshots docs release format clean

##@ Try it

help: ## List the targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9 -]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what this machine lacks and the project into .venv
	@deploy/setup.sh

demo run: export PYTHONPATH := deploy

demo: setup ## Send a campaign to 100,000 recipients and account for each (RECIPIENTS=n, SENDERS=n)
	@$(PYTHON_FOLDER)/python -m local_stack demo --recipients $(RECIPIENTS) --senders $(SENDERS)

run: setup ## Keep stack and services in the foreground until Ctrl-C (SENDERS=n, PORT=10001)
	@$(PYTHON_FOLDER)/python -m local_stack run --senders $(SENDERS) --port $(PORT)

##@ Test it

# Of the hundreds of processes that the tests start none shall compile the project again.
test: export PYTHONDONTWRITEBYTECODE :=
test: export WITH_BROWSER := 1

test: setup ## Run every test on real servers, chaos in short form included (TEST_WORKERS=3, PYTEST_ARGS=...)
	@$(PYTHON_FOLDER)/pytest -n $(TEST_WORKERS) $(PYTEST_ARGS)

chaos: export CHAOS_FORM := $(CHAOS_FORM)

chaos: setup ## Break everything on purpose, at length, and account for everybody (CHAOS_FORM=short)
	@$(PYTHON_FOLDER)/pytest tests/chaos $(PYTEST_ARGS)

##@ Measure it

bench: export PYTHONPATH := deploy

bench: setup ## Measure a scenario as ratios to the servers' floors (SCENARIO=send, BENCH_ARGS=...)
	@$(PYTHON_FOLDER)/python -m benchmarks $(SCENARIO) $(BENCH_ARGS)

bench-check: export PYTHONPATH := deploy

bench-check: setup ## Fail when sending has become slower than the ratio in benchmarks/baseline.json
	@$(PYTHON_FOLDER)/python -m benchmarks check

scaling-rehearsal: export PYTHONPATH := deploy

scaling-rehearsal: setup ## Meet a burst with as many senders as KEDA would start (BENCH_ARGS=...)
	@$(PYTHON_FOLDER)/python -m benchmarks.scaling $(BENCH_ARGS)

##@ Deploy it

images: setup ## Build the images and send a campaign through them (Debian, as root)
	@$(PYTHON_FOLDER)/pytest tests/images $(PYTEST_ARGS)

release: export PYTHONPATH := deploy

release: setup ## Make wheels, images, their bills of materials and checksums in dist/; publish nothing
	@$(PYTHON_FOLDER)/python -m release

manifests: export PYTHONPATH := deploy

manifests: setup ## Render k8s/overlays into k8s/rendered
	@$(PYTHON_FOLDER)/python -m manifests

k8s-rehearsal: export PYTHONPATH := deploy

k8s-rehearsal: setup ## Apply k8s/overlays to a real control plane (Go; OVERLAYS="local hpa")
	@$(PYTHON_FOLDER)/python -m rehearsal $(OVERLAYS)

##@ Change it

lint: setup ## Check style, formatting, import rules, types and generated files
	$(PYTHON_FOLDER)/ruff check .
	$(PYTHON_FOLDER)/ruff format --check .
	$(PYTHON_FOLDER)/lint-imports
	$(PYTHON_FOLDER)/mypy
	PYTHONPATH=deploy $(PYTHON_FOLDER)/python -m census --check
	PYTHONPATH=deploy $(PYTHON_FOLDER)/python -m reference --check
	PYTHONPATH=deploy $(PYTHON_FOLDER)/python -m messages --check

census: export PYTHONPATH := deploy

census: setup ## Count what makes the code hard to read: homonyms, large folders, openings, words, names
	@$(PYTHON_FOLDER)/python -m census

reference: export PYTHONPATH := deploy

reference: setup ## Generate docs/reference/configuration.md and deploy/campmgr.yaml from the declarations
	@$(PYTHON_FOLDER)/python -m reference

messages: export PYTHONPATH := deploy

messages: setup ## Put the texts of the dashboard into the file of each language; names those to translate
	@$(PYTHON_FOLDER)/python -m messages

vendor: export PYTHONPATH := deploy

vendor: setup ## Fetch the dashboard's files of others again and check them (npm)
	@$(PYTHON_FOLDER)/python -m vendor

screenshots: export SCREENSHOTS := docs/images
screenshots: export WITH_BROWSER := 1

screenshots: setup ## Take the pictures of the documentation again, by a test in the browser
	@$(PYTHON_FOLDER)/pytest -n0 -q tests/e2e/dashboard/test_life_by_mouse.py

docs: setup ## Build the site of docs/ into .local/site/html; a broken link or a page outside it fails
	@$(PYTHON_FOLDER)/sphinx-build -n -W --keep-going -q -E -d .local/site/doctrees docs .local/site/html
	@echo .local/site/html/index.html

format: setup ## Format the code
	$(PYTHON_FOLDER)/ruff check --fix-only .
	$(PYTHON_FOLDER)/ruff format .

clean: ## Remove caches, logs and the local stack's data; downloads and .venv stay
	rm -rf .local/run .local/scratch .local/failed-demo .local/site dist
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
