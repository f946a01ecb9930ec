# The only list of commands; CI calls these recipes and nothing else. `sh deploy/dev/test.sh` installs what they need.

export PATH := justfile_directory() / "target/tools/wheels/bin:" + env("PATH")
target := env("CARGO_TARGET_DIR", justfile_directory() / "target")
outside := "crates/tollbridge/tests/outside"
python := justfile_directory() / "target/tools/python/bin/python"

# What the benchmark measures: the binary as it ships.
shipped := env("TOLLBRIDGE_BIN", target / "dist/tollbridge")

# What the outside scripts drive.
export TOLLBRIDGE_BIN := env("TOLLBRIDGE_BIN", target / "release/tollbridge")
export STANDINS_BIN := env("STANDINS_BIN", target / "debug/examples/standins")
export VENDORS_BIN := env("VENDORS_BIN", target / "debug/examples/vendors")
export WSLOAD_BIN := env("WSLOAD_BIN", target / "bench/bin/wsload")

# Lists the recipes.
_default:
    @just --list --unsorted

# Runs every gate and counts: "N passed, N failed".
[group('all')]
ci:
    @sh deploy/dev/gates.sh fmt-check lint deny unused doc test+release canary demo-page sdks recipes proxies jwks speech rotation chaos autobahn+fuzz-build schema fuzz-smoke

# Serves the demo and opens its page.
[group('all')]
demo *ARGS:
    cargo run --release -- demo {{ ARGS }}

# Checks formatting and spelling.
[group('source')]
fmt-check:
    cargo fmt --all --check
    cargo fmt --manifest-path crates/fuzz/Cargo.toml --check
    typos

# Lints all targets, warnings denied.
[group('source')]
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Checks each crate alone, so that none compiles only thanks to its neighbours' features.
[group('source')]
lint-each:
    #!/usr/bin/env sh
    set -eu
    for manifest in crates/*/Cargo.toml; do
        case $manifest in crates/fuzz/* | crates/wsload/*) continue ;; esac
        echo "== $manifest"
        cargo check --quiet --locked --manifest-path "$manifest"
    done

# Checks licences, sources, advisories and who may depend on whom.
[group('source')]
deny:
    #!/usr/bin/env sh
    set -eu
    python3 deploy/dev/direction.py
    cargo-deny --locked check bans licenses sources
    if timeout 120 cargo-deny --locked fetch db >target/advisories.log 2>&1; then
        cargo-deny --locked check advisories
    else
        echo "advisories not checked: no database"
    fi

# Finds dependencies that nothing uses.
[group('source')]
unused:
    cargo-shear --locked

# Builds the API documentation, private items too, warnings denied.
[group('source')]
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

# Runs all Rust tests, documentation examples included, and every micro-benchmark once.
[group('test')]
test *ARGS:
    cargo-nextest nextest run --workspace --locked --profile ci {{ ARGS }}
    cargo test --workspace --doc --locked
    cargo test --locked --quiet -p tollbridge-relay --bench frame -p tollbridge-token --bench verify

# Measures the frame reader, and what a token costs to mint and verify: for the edit loop, on a quiet machine.
[group('test')]
micro *ARGS:
    cargo bench --locked -p tollbridge-relay --bench frame -- {{ ARGS }}
    cargo bench --locked -p tollbridge-token --bench verify -- {{ ARGS }}

# Builds what the outside scripts drive: the binary as it ships, and the stand-ins for upstreams.
[group('outside')]
release:
    cargo build --release --locked -p tollbridge
    cargo build --locked -p tollbridge-testkit --example standins --example vendors

# Builds the binary as it ships, target/dist/tollbridge: about ten minutes on two cores.
[group('all')]
dist:
    cargo build --profile dist --locked -p tollbridge

# Runs every outside script in its short form.
[group('outside')]
outside: release canary demo-page sdks recipes proxies jwks schema speech rotation chaos soak stall drain disorder autobahn

# Proves that the search of the servers' logs finds each kind of secret.
[group('outside')]
canary:
    node --test {{ outside }}/canary.test.mjs

# Clicks through the demo's page in headless Chromium (`--tls` over TLS).
[group('outside')]
demo-page *ARGS:
    node {{ outside }}/demo.mjs {{ ARGS }}

# Sends the vendors' own SDKs, unmodified, through the bridge to strict stand-ins: in headless Chromium, in Node, in Python.
[group('outside')]
sdks *NAMES:
    node {{ outside }}/sdks.mjs {{ python }} {{ NAMES }}

# Runs the how-to pages about proxies as they are written, and all the ways to lie to them: nginx, Caddy, Traefik, Envoy.
[group('outside')]
proxies *NAMES:
    node {{ outside }}/proxies.mjs target/tools/proxies/bin {{ python }} {{ NAMES }}

# Runs what the how-to pages under auth/ show, logs in there and mints, and attacks each caller (`long` for the long form).
[group('outside')]
recipes *NAMES:
    node {{ outside }}/recipes.mjs {{ python }} {{ NAMES }}

# Has third-party libraries verify our tokens from the JWKS: PyJWT, and jose from npm.
[group('outside')]
jwks:
    node {{ outside }}/jwks.mjs {{ python }}

# Asks every operation of the committed description for what it allows and what it does not (300 for the long form).
[group('outside')]
schema SECONDS="20":
    node {{ outside }}/schema.mjs {{ python }} {{ SECONDS }}

# Sends real speech at real pace through the bridge to strict stand-ins for Doubao and Azure (60 for the long form).
[group('outside')]
speech SECONDS="6":
    node {{ outside }}/speech.mjs {{ SECONDS }}

# Mints, connects and echoes at full speed while keys rotate and the configuration reloads (60 for the long form).
[group('outside')]
rotation SECONDS="10":
    node {{ outside }}/rotation.mjs {{ SECONDS }}

# Kills the server with -9 at random moments and looks for what was lost (100 for the long form).
[group('outside')]
chaos KILLS="8":
    node {{ outside }}/chaos.mjs {{ KILLS }}

# Builds the load generator alone.
[group('outside')]
load:
    sh deploy/bench/install.sh --load-only

# Holds idle sessions, then has voices speak, directly and through the bridge (long: 9,000 for 5 minutes, 1,000 for 3).
[group('outside')]
soak FORM="short": load
    node {{ outside }}/soak.mjs {{ FORM }}

# Lets clients stop reading a flood, and an upstream stop reading uploads (long: 100 of each).
[group('outside')]
stall FORM="short": load
    node {{ outside }}/stall.mjs {{ FORM }}

# Stops the server in front of open sessions and reads each to its last byte (long: 5,000).
[group('outside')]
drain FORM="short": load
    node {{ outside }}/drain.mjs {{ FORM }}

# Cuts, stalls, trickles and closes sessions from either side at random and looks for what is left (long: 500, 5 minutes).
[group('outside')]
disorder FORM="short" *SEED: load
    node {{ outside }}/disorder.mjs {{ FORM }} {{ SEED }}

# Measures the attacks whose damage is time, for a quiet machine: about five minutes (short: one).
[group('outside')]
attack FORM="long":
    node {{ outside }}/attack.mjs {{ FORM }}

# Compares the Autobahn suite, as client and as upstream, through the bridge and without it (long: groups 12 and 13 in full).
[group('outside')]
autobahn FORM="short" *CASES:
    node {{ outside }}/autobahn.mjs {{ FORM }} {{ CASES }}

# Runs each fuzz target for so many seconds.
[group('fuzz')]
fuzz-smoke SECONDS="10":
    #!/usr/bin/env sh
    set -eu
    for name in frame token query config; do just fuzz "$name" {{ SECONDS }}; done

# Builds the fuzz targets.
[group('fuzz')]
fuzz-build:
    sh deploy/dev/fuzz.sh --build

# Runs one fuzz target: frame, token, query or config.
[group('fuzz')]
fuzz NAME SECONDS="60":
    sh deploy/dev/fuzz.sh {{ NAME }} {{ SECONDS }}

# Measures Tollbridge beside nginx, HAProxy and Envoy and writes docs/performance.md, about 40 minutes; --quick: under 90 s.
[group('bench')]
bench *ARGS: bench-install
    TOLLBRIDGE_BIN={{ shipped }} python3 deploy/bench/bench.py all {{ ARGS }}

# Builds what `bench` drives and installs its peers under target/bench.
[group('bench')]
bench-install: dist
    sh deploy/bench/install.sh

# Runs one command of the benchmark: run, verify, report, serve, page.
[group('bench')]
bench-do *ARGS:
    TOLLBRIDGE_BIN={{ shipped }} python3 deploy/bench/bench.py {{ ARGS }}

# Proves that the benchmark works, without peers: Tollbridge must pass its checks and every workload must run.
[group('bench')]
bench-verify: release
    sh deploy/bench/install.sh --load-only
    cargo test --quiet --locked --manifest-path crates/wsload/Cargo.toml --target-dir {{ target }}/bench/cargo
    python3 deploy/bench/bench.py verify --targets tollbridge
    python3 deploy/bench/bench.py run --smoke --no-verify

# Runs the tests of the binary against the release build, fifty rounds of the redemption race included.
[group('test')]
test-release: release
    TOLLBRIDGE_TEST_BIN="$TOLLBRIDGE_BIN" TOLLBRIDGE_ROUNDS=50 cargo-nextest nextest run -p tollbridge --locked --profile ci

# The long forms of everything that CI runs shortened; about three quarters of an hour.
[group('all')]
long: test-release (recipes "long") (schema "300") (speech "60") (rotation "60") (chaos "100") (soak "long") (stall "long") (drain "long") (disorder "long") (autobahn "long") (fuzz-smoke "60")
