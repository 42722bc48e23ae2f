# `make help` lists the targets.

MODULE := target/release/libjsonmerge.so
PREFIX ?= /usr/local
SOAK_SECONDS ?= 60
FUZZ_SECONDS ?= 60
export FUZZ_SECONDS
# REDIS_SERVER and REDIS_CLI name the server and the client, for all targets: see scripts/find-program.
# PORT, IMAGE and BASE are not read from the environment, where other programs use these names.
PORT := 6379
IMAGE := jsonmerge
BASE :=
# The architecture to build for, if not that of this machine: arm64.
ARCH :=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install a server and libclang if they are missing (as root on Debian), or say what to install
	@scripts/setup

build: ## build the module: target/release/libjsonmerge.so
	$(ARCH:%=scripts/%) scripts/build
	@[ "$$(uname -s)" != Darwin ] || ln -sf libjsonmerge.dylib $(MODULE)

install: ## copy the built module to PREFIX/lib/redis/modules
	@test -e $(MODULE) || { echo '$(MODULE) does not exist: run make build first' >&2; exit 1; }
	install -d "$(DESTDIR)$(PREFIX)/lib/redis/modules"
	install -m 755 $(MODULE) "$(DESTDIR)$(PREFIX)/lib/redis/modules/libjsonmerge.so"

run: setup build ## start a server with the module and redis.conf in the foreground, on PORT (6379)
	@server=$$(scripts/find-program server) && set -x && \
		exec "$$server" redis.conf --port $(PORT) $(if $(filter-out 6379,$(PORT)),--appenddirname appendonlydir-$(PORT))

demo: setup build ## run producers and a consumer, with and without the Lua script, on a private server
	cargo build --locked --example demo
	@JSONMERGE_MODULE=$(MODULE) cargo run --quiet --locked --example demo

test: setup build test-clients ## run all tests, on the debug and release builds of the module
	scripts/check-needs $(MODULE)
	cargo test --locked
	JSONMERGE_MODULE=$(MODULE) cargo test --locked --test jsonmerge

test-clients: setup build ## test the Node, Python and Rust examples
	@scripts/setup-clients
	JSONMERGE_MODULE=$(MODULE) cargo test --locked --test jsonmerge -- clients:: --include-ignored

soak: setup build ## test crashes, failovers, upgrades, a cluster and garbage input, for SOAK_SECONDS (60) each
	SOAK_SECONDS=$(SOAK_SECONDS) JSONMERGE_MODULE=$(MODULE) \
		cargo test --locked --test jsonmerge -- soak:: --nocapture --test-threads=1

test-servers: setup build ## run the black-box tests on all versions of Redis and Valkey, or on SERVERS, and on TARBALLS
	SERVERS='$(SERVERS)' JSONMERGE_MODULE=$(MODULE) scripts/test-servers $(TARBALLS)

valgrind: setup ## run the black-box tests with every server under valgrind (takes several minutes)
	scripts/valgrind

fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@scripts/check-tools
	@scripts/fuzz

bench: setup build ## compare the costs with the Lua script (QUICK=1: in two minutes) and update benches/record
	JSONMERGE_MODULE=$(MODULE) cargo bench --locked --bench server

lint: ## check formatting, clippy, rustdoc and the minimum Rust version, and run optional linters
	@scripts/check-tools
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo fmt --check --manifest-path examples/rust/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --manifest-path examples/rust/Cargo.toml --target-dir target -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps --document-private-items
	scripts/check-rust-version
	scripts/lint-more

audit: ## check the dependencies: licences, sources and known vulnerabilities (needs the network)
	@scripts/audit

package: build ## build a .deb and a tarball, with SHA-256 files, for this machine or for ARCH=arm64
	@$(ARCH:%=scripts/%) scripts/package

test-package: setup package ## install, use and remove the .deb on this system, as root on Debian
	@scripts/test-package

reproduce: package ## build the packages again in another directory, and compare them
	@$(ARCH:%=scripts/%) scripts/reproduce

test-arm64: ## test the arm64 package under qemu, with SERVERS (redis-7.0)
	@scripts/setup aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu qemu-aarch64-static=qemu-user-static mmdebstrap=mmdebstrap
	$(MAKE) package ARCH=arm64
	@scripts/test-arm64 $(SERVERS)

test-cpus: build ## run some tests on older and newer x86-64 processors, under qemu
	@scripts/setup qemu-x86_64-static=qemu-user-static
	JSONMERGE_MODULE=$(MODULE) scripts/test-cpus

image: ## build the container image IMAGE (jsonmerge), on BASE (Redis 8), with docker or podman
	@scripts/build-image $(IMAGE) $(BASE)

test-image: ## test the container image and compose.yaml, on Redis and on Valkey, with docker or podman
	@scripts/test-image

clean: ## remove what was built
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
	cargo clean --manifest-path examples/rust/Cargo.toml

# Even with -j, run prerequisites in the order listed: `setup` installs what `build` needs.
.NOTPARALLEL:

.PHONY: help setup build install run demo test test-clients soak test-servers valgrind fuzz bench lint audit \
	package test-package reproduce image test-image test-arm64 test-cpus clean
