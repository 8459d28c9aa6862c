# Thin on purpose: each recipe is a line or two.
CARGO ?= cargo
MOLAR = target/debug/molar
export SQLX_OFFLINE = true

.PHONY: demo up test lint bench hostile-proof example-image sqlx build

demo: build example-image
	$(MOLAR) up --demo $(ARGS)

up: build
	$(MOLAR) up $(ARGS)

build:
	deploy/local/install.sh
	$(CARGO) build --workspace --bins

test:
	deploy/local/install.sh --tests
	tests/run.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

bench: build example-image
	tests/bench.sh

# Each hostile image without what holds it; ARGS are words of their names.
hostile-proof: build
	tests/hostile-proof.sh $(ARGS)

example-image:
	deploy/example-algorithm/build-image.sh

# Writes .sqlx anew.
sqlx:
	deploy/local/sqlx-prepare.sh
