# Everything a contributor types. Each target that ends in `## words` shows up in `make help`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# Lint and tests share two cores and one terminal.
.NOTPARALLEL:
.PHONY: help setup test lint unit pytest faults sweep soak nemesis partitions growth scale bench demo lab-down clean

BIN := .venv/bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing (Debian packages when root) and make .venv
	@scripts/setup.sh

test: lint pytest ## lint, types and every test; those on real machines need root

lint: setup ## format, lint, types, spelling, shell scripts
	@scripts/lint.sh

pytest: setup
	@$(BIN)/pytest -q --durations=15 --numprocesses 2 --dist loadfile

unit: setup ## the fast tests: without the lab
	@$(BIN)/pytest -q -m 'not lab and not slow' --numprocesses 2

faults: setup ## run the tests of docs/faults.md and write it anew, as root
	@$(BIN)/pytest -q -m row --numprocesses 2 --dist loadfile --faults-table docs/faults.md

sweep: setup ## let every step of every verb go wrong once, as root
	@$(BIN)/python -m tests.faults.sweep --every $(or $(EVERY),1) --seed $(or $(SEED),0)

soak: setup ## kill 500 commands at random times, let two controllers meet 300 times, as root
	@$(BIN)/python -m tests.faults.soak --kills $(or $(N),500) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python -m tests.faults.rivals --times $(or $(TIMES),100)

nemesis: setup ## let everything befall ten machines at random for MINUTES=10, as root
	@$(BIN)/python -m tests.faults.nemesis --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

partitions: setup ## cut leased machines off and heal them, CUTS=100 times, as root
	@$(BIN)/python -m tests.faults.partitions --cuts $(or $(CUTS),100) $(if $(SEED),--seed $(SEED))

growth: setup ## how the controller's work grows, up to LARGEST=10000 machines
	@nice $(BIN)/python -m bench.growth --largest $(or $(LARGEST),10000)

scale: setup ## what one look at MACHINES=10000 costs the controller
	@$(BIN)/python -m tests.crowd.scale --machines $(or $(MACHINES),10000)

bench: setup ## time sshfleet beside its peers, as root: MACHINES=50 ROUNDS=5 CONDITIONS=0,20
	@$(BIN)/python -m bench.peers --picture $(or $(PICTURE),docs/bench.svg) \
		$(if $(MACHINES),--machines "$(MACHINES)") $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(CONDITIONS),--conditions "$(CONDITIONS)") \
		$(if $(CONTESTANTS),--contestants "$(CONTESTANTS)")

demo: setup ## a tour on machines made for it, as root
	@scripts/demo.sh

lab-down: setup ## take down every lab
	@$(BIN)/sshfleet lab down --all

clean: ## remove caches and builds; .venv stays
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find sshfleet tests -name __pycache__ -type d -prune -exec rm -rf {} +
