# `make help` lists the targets.

MODULE := target/release/libjsonmerge.so
PREFIX ?= /usr/local
REDIS_SERVER ?= redis-server
SOAK_SECONDS ?= 60
FUZZ_SECONDS ?= 60
export REDIS_SERVER FUZZ_SECONDS

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (redis-server, libclang), or say what it is
	@scripts/setup

build: setup ## build the module: target/release/libjsonmerge.so
	cargo build --release --locked

run: build ## run a server with redis.conf in the foreground
	$(REDIS_SERVER) redis.conf

demo: build ## producers, consumers and the Lua script on a private server
	JSONMERGE_MODULE=$(MODULE) cargo run --quiet --locked --example demo

test: build test-clients ## all tests, on the debug and on the release build of the module
	scripts/check-needs $(MODULE)
	cargo test --locked
	JSONMERGE_MODULE=$(MODULE) cargo test --locked --test jsonmerge

test-clients: build ## the examples of each client, with Node and Python
	@scripts/setup-clients
	JSONMERGE_MODULE=$(MODULE) cargo test --locked --test jsonmerge -- clients:: --include-ignored

soak: build ## crashes, failovers, a cluster, garbage: SOAK_SECONDS of each (60)
	SOAK_SECONDS=$(SOAK_SECONDS) JSONMERGE_MODULE=$(MODULE) \
		cargo test --locked --test jsonmerge -- soak:: --nocapture --test-threads=1

test-servers: build ## the black-box tests on Redis 7.0, 8.0 and Valkey 8.1, which it builds once
	JSONMERGE_MODULE=$(MODULE) scripts/test-servers

valgrind: setup ## the black-box tests with every server under valgrind: some minutes
	scripts/valgrind

fuzz: setup ## fuzz each target for a minute (FUZZ_SECONDS=600: ten), against oracles
	@scripts/fuzz

bench: build ## measure against the script (QUICK=1: a minute); writes benches/record
	JSONMERGE_MODULE=$(MODULE) cargo bench --locked --bench server

lint: setup ## check formatting, clippy, rustdoc and the minimum Rust version, and run optional linters
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items
	scripts/check-rust-version
	scripts/lint-more

audit: ## check the dependencies: licences, sources and known vulnerabilities (needs the network)
	@scripts/audit

package: build ## a .deb and a tarball, with their SHA-256, in target/package
	@scripts/package

test-package: package ## install the .deb on this system, use it, and remove it: as root on Debian
	@scripts/test-package

install: build ## copy the module to PREFIX/lib/redis/modules
	install -D -m 755 $(MODULE) $(DESTDIR)$(PREFIX)/lib/redis/modules/libjsonmerge.so

clean: ## remove what was built
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml

.PHONY: help setup build run demo test test-clients test-servers soak fuzz valgrind bench lint audit \
	package test-package install clean
