# The commands of this project's developers; `make` alone lists them.

PYTHON_OF_TESTS := tests/tools/python
PYTEST := $(PYTHON_OF_TESTS) -m pytest
IN_COPY := tests/tools/in-copy

.DEFAULT_GOAL := help

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

.PHONY: demo
demo: ## a canary under live traffic on a real cluster, to watch
	@tests/demo/run

.PHONY: cluster-up cluster-down
cluster-up: ## start a test cluster and leave it running (tests/cluster/exec CMD runs a command in it)
	@tests/cluster/up
cluster-down: ## end it
	@tests/cluster/down

.PHONY: test test-quick test-full
test: cluster-parts ## everything: lint, sanity, unit, integration on a real cluster, Molecule
	@$(PYTEST)
test-quick: cluster-parts ## some minutes: ruff, mypy, unit, a short look at a real cluster
	@$(PYTEST) -m quick
test-full: cluster-parts ## test, and what takes long: other Pythons, other versions of Ansible and of the Kubernetes client
	@$(PYTEST) -m ""

.PHONY: lint sanity unit integration molecule bench
lint: ## ruff, mypy, ansible-lint, antsibull-docs, antsibull-changelog, shellcheck, the house rules
	@$(PYTEST) tests/checks/test_lint.py tests/checks/test_house.py
sanity: ## ansible-test sanity
	@$(IN_COPY) python tests/tools/sanity.py
unit: ## the unit tests
	@$(PYTEST) tests/unit
integration: cluster-parts ## the tests on a real cluster
	@$(PYTEST) tests/integration
molecule: cluster-parts ## the Molecule scenarios that users copy, all of them
	@$(PYTEST) -m "" tests/checks/test_molecule.py
bench: cluster-parts ## the benchmarks
	@tests/tools/kubernetes-core >/dev/null  # fetched here, since there is no way out of the cluster's network
	@tests/tools/kubernetes-core >/dev/null
	@tests/cluster/run --name bench -- $(PYTEST) -m "" -s tests/benchmarks tests/integration/test_scale.py

.PHONY: format role-specs requirements build
format: ## put the code into shape
	@$(PYTHON_OF_TESTS) -m ruff check --no-cache --fix .
	@$(PYTHON_OF_TESTS) -m ruff format --no-cache .
role-specs: ## write the roles' argument_specs.yml from the documentation of rollout_step
	@PYTHONPATH=$$(tests/tools/collections) $(PYTHON_OF_TESTS) tests/tools/make_role_specs.py
requirements: ## pin requirements-test.txt anew after a change to requirements-test.in
	@tests/tools/requirements
build: ## the collection's tarball, in dist/
	@mkdir -p dist
	@$(IN_COPY) ansible-galaxy collection build --force --output-path "$(CURDIR)/dist"

# Builds before pytest, so that one sees what takes so long the first time. A failure comes back as that of the tests that need it.
.PHONY: cluster-parts
cluster-parts:
	-@case "$${CLUSTER:-$$(uname)}" in embedded|Linux) tests/cluster/build ;; esac
