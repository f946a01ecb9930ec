#!/bin/sh
# Installs what the tests need, then runs all of them. The last line is "N passed, N failed".
#
#   sh deploy/dev/test.sh
#
# As root on Debian it installs by apt, elsewhere it says what is missing and exits 2. npm and PyPI packages go under
# target/ and nowhere else. Running it again installs nothing again.
set -eu
cd "$(dirname "$0")/../.."

tools=target/tools
outside=crates/tollbridge/tests/outside
missing=""
packages=""

have() { command -v "$1" >/dev/null 2>&1; }
python_has() { python3 -c "import $1" >/dev/null 2>&1; }
lacks() { # WHAT PACKAGE: one thing that is not there, and the Debian package that brings it
  missing="$missing
  $1"
  packages="$packages $2"
}

look() {
  missing="" packages=""
  have cc || lacks "a C compiler (cc)" gcc
  have make || lacks "make, for jemalloc" make
  have c++ || lacks "a C++ compiler (c++), for the fuzzers" g++
  have chromium || have chromium-browser || have google-chrome || lacks "chromium, for the demo's page" chromium
  have espeak-ng || lacks "espeak-ng, for real speech" espeak-ng
  PATH=$PATH:/usr/sbin have nginx || lacks "nginx, for the pages about proxies" nginx
  have python3 || lacks "python3" python3
  python_has ensurepip || lacks "python3's venv and pip" python3-venv
  python_has lib2to3 || lacks "python3's lib2to3, for the Autobahn suite" python3-lib2to3
}

# Debian's own Rust and Node may be too old, so these two are for the reader to bring.
for tool in cargo rustfmt cargo-clippy node npm; do
  have "$tool" || missing="$missing
  $tool"
done
if [ -n "$missing" ]; then
  echo "test.sh: bring Rust (1.94 or newer, with rustfmt and clippy) and Node.js (20 or newer) first; missing:$missing" >&2
  exit 2
fi

look
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && have apt-get; then
  echo "test.sh: apt installs$packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  # shellcheck disable=SC2086 # a list of package names
  apt-get install -qq -y --no-install-recommends $packages </dev/null >&2
  look
fi
if [ -n "$missing" ]; then
  echo "test.sh: missing:$missing" >&2
  echo "test.sh: as root on Debian this script installs them:$packages" >&2
  exit 2
fi

# wheels VENV REQUIREMENTS: a virtual environment that holds exactly that file's packages.
wheels() {
  cmp -s "$2" "$1/installed.txt" && return
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2" >&2
  cp "$2" "$1/installed.txt"
}

# The packages live under target/; Node finds them through the link beside the scripts.
node_packages() {
  if ! cmp -s "$outside/package-lock.json" "$tools/node/installed.json"; then
    mkdir -p "$tools/node"
    cp "$outside/package.json" "$outside/package-lock.json" "$outside/.npmrc" "$tools/node/"
    (cd "$tools/node" && npm ci --silent --ignore-scripts >&2)
    cp "$outside/package-lock.json" "$tools/node/installed.json"
  fi
  ln -sfn "../../../../$tools/node/node_modules" "$outside/node_modules"
}

wheels "$tools/wheels" deploy/dev/tools.txt
wheels "$tools/python" "$outside/requirements.txt"
wheels "$tools/proxies" "$outside/proxies.txt"
node_packages

exec "$tools/wheels/bin/just" ci
