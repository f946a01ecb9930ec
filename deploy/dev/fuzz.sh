#!/bin/sh
# Runs one fuzz target for some seconds.
#
#   fuzz.sh TARGET SECONDS
#   fuzz.sh --build         # builds them all and runs none
#
# libFuzzer's instrumentation needs two unstable compiler flags, hence RUSTC_BOOTSTRAP: no nightly is wanted. There is no
# unsafe code of ours for an address sanitizer to watch. What a run learns stays under target/fuzz/.
set -eu
cd "$(dirname "$0")/../.."
work=${CARGO_TARGET_DIR:-target}/fuzz
if [ "$1" = --build ]; then
  RUSTC_BOOTSTRAP=1 exec cargo-fuzz fuzz build --fuzz-dir crates/fuzz --target-dir "$work" --sanitizer none
fi
name=$1
seconds=$2
mkdir -p "$work/corpus/$name" "$work/findings/$name"
RUSTC_BOOTSTRAP=1 exec cargo-fuzz fuzz run --fuzz-dir crates/fuzz --target-dir "$work" --sanitizer none "$name" \
  "$work/corpus/$name" "crates/fuzz/seeds/$name" -- \
  -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/findings/$name/" -print_final_stats=1
