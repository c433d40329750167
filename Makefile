# `make` lists the targets. Each one brings what it needs, says what it does, and skips what is done.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

target := $(abspath $(or $(CARGO_TARGET_DIR),target))
debug_server := $(target)/debug/ringfence
demo_server := $(target)/demo/ringfence
step := @.ci/step

# The tools of exactly our versions come first; .ci/setup links them there.
export PATH := $(CURDIR)/target/tools:$(PATH)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

# ---- Run ------------------------------------------------------------------------------------------------------------

.PHONY: run
run: setup web ## Install what is missing, build everything, start the demo (ARGS="…" are handed on)
	$(step) "Server, optimised build" cargo build --profile demo -p ringfence
	@exec $(demo_server) demo $(ARGS)

.PHONY: web
web: setup ## Build the web app for release, within its size limits
	$(step) "Web app" .ci/web-build

.PHONY: setup
setup:
	@.ci/setup run

# ---- Test -----------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup-test check web unit schema e2e ## Run every check: format, lints, tests, schema, sizes, browser
	@printf '\nAll checks passed.\n'

.PHONY: setup-test
setup-test:
	@.ci/setup test

.PHONY: check
check: setup ## Format, lints for both targets, crates in the web app: the quick checks
	$(step) "Format" cargo fmt --all --check
	$(step) "Crates in the web app" .ci/wasm-tree
	$(step) "Lints, server" cargo clippy -p ringfence --all-targets -- -D warnings
	$(step) "Lints, web app" cargo clippy -p web --target wasm32-unknown-unknown -- -D warnings

.PHONY: unit
unit: setup-test ## Server tests on SQLite and PostgreSQL, and the web app's tests that need no browser
	$(step) "Server tests" cargo nextest run -p ringfence $(if $(CI),--no-fail-fast)
	$(step) "Server tests, PostgreSQL" .ci/postgres cargo nextest run -p ringfence -P postgres $(if $(CI),--no-fail-fast)
	@! grep -rqF '#[test]' web/src || .ci/step "Web app's logic tests" cargo nextest run -p web $(if $(CI),--no-fail-fast)

# The integration tests start the server's binary, so building them builds it too, once for both.
.PHONY: debug-server
debug-server:
	$(step) "Server, debug build" cargo test -q -p ringfence --no-run

.PHONY: schema
schema: debug-server
	$(step) "GraphQL schema" .ci/schema $(debug_server)

.PHONY: e2e
e2e: setup-test web debug-server ## Browser tests against the built server (ARGS="…" go to Playwright)
	$(step) "Browser tests, types" npm --prefix e2e run --silent check
	$(step) "Browser tests" env -C e2e RINGFENCE_BIN=$(debug_server) node_modules/.bin/playwright test $(ARGS)

.PHONY: bench
bench: web ## Measure placing calls and large imports against the provider alone (some minutes)
	$(step) "Placing calls" cargo bench -p ringfence --bench place_call --profile demo
	$(step) "Large imports" cargo bench -p ringfence --bench large_sync --profile demo

# ---- Work -----------------------------------------------------------------------------------------------------------

.PHONY: gen
gen: debug-server ## Write schema.graphql anew from the server
	@$(debug_server) schema > $(target)/schema.graphql
	@mv $(target)/schema.graphql schema.graphql
	@git --no-pager diff --stat -- schema.graphql

.PHONY: fmt
fmt: ## Format the Rust code
	@cargo fmt --all

# Advisories need GitHub, so they are asked for by name: make deny CHECKS=advisories
CHECKS ?= bans licenses sources
.PHONY: deny
deny: ## Check licences and banned crates with cargo-deny (installs it)
	@type -P cargo-deny >/dev/null || { \
	  .ci/step "cargo-deny" cargo install --locked cargo-deny@0.20.2 --root target/tools/deny && \
	  ln -sfn deny/bin/cargo-deny target/tools/cargo-deny; }
	$(step) "Licences and bans" cargo deny check $(CHECKS)

.PHONY: clean
clean: ## Remove what was built; installed tools stay
	@cargo clean
	@rm -rf web/dist e2e/test-results e2e/playwright-report
