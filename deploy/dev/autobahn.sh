#!/usr/bin/env bash
# Points the Autobahn|Testsuite fuzzing client at any WebSocket URL that echoes text and binary, and counts the outcomes; or
# runs its fuzzing server, for clients that echo (autobahn/serve.py says what it prints).
#
#   autobahn.sh WS_URL [CASE ...]      cases: ids or patterns, e.g. 1.* 2.* 5.3 7.*   (default: 1.* to 7.* and 10.*)
#   autobahn.sh --serve [CASE ...]
#
#   AB_URL_CMD    command that prints one fresh ws URL; run before every connection (single-use tokens)
#   AB_URL_FROM   the same as an address: whose answer to a GET is one fresh ws URL
#   AB_ORIGIN     Origin header to send
#   AB_EXCLUDE    blank-separated case patterns to leave out
#   AB_OUT        where to write the per-case result as JSON     (default target/autobahn/result.json)
#   AB_LIMIT      seconds for the whole run                      (default 900)
#   AB_EXPECT     AB_OUT of an earlier run (say, the upstream without the bridge): what differs from it fails, what equals
#                 it does not; cases whose close or closing side differs, or that end over 1 s later, are listed
#   AB_PYTHON     a Python 3.8 to 3.12 (needs lib2to3)           (default python3.11, else python3)
#
# Exit status: 0 no case FAILED, 1 some case FAILED (or differs from AB_EXPECT), 2 could not run.
# autobahntestsuite 25.10.1 is Python 2 source with no dependency list in its archive, so the first run installs it with
# the autobahn version it is written for and makes a Python 3 copy (autobahn/port.py) under target/autobahn. wsaccel, where
# there is a wheel of it, masks and reads UTF-8 in C; without it the long cases take several times as long.
set -u
[ $# -ge 1 ] || { sed -n '2,22s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${CARGO_TARGET_DIR:-$here/../../target}/autobahn
python=${AB_PYTHON:-$(command -v python3.11 || command -v python3)}
export AB_OUT=${AB_OUT:-$home/result.json}

setup() {
  cat "$here/autobahn.sh" "$here/autobahn/port.py" | cmp -s - "$home/port/made-by" && return 0
  rm -rf "$home/port" && mkdir -p "$home/port" || return 1
  [ -x "$home/bin/python" ] || "$python" -m venv "$home" || return 1
  local pip=("$home/bin/pip" install --quiet --disable-pip-version-check)
  "${pip[@]}" 'setuptools<66' 'twisted==24.7.0' 'pyopenssl==24.2.1' 'service-identity==24.1.0' 'txaio==2.1.0' \
    'six==1.17.0' >&2 || return 1
  "${pip[@]}" --no-deps 'autobahn==0.10.9' 'autobahntestsuite==25.10.1' >&2 || return 1
  "${pip[@]}" --only-binary :all: 'wsaccel==0.6.7' >&2 || true
  local find='import importlib.util as u; print(u.find_spec("autobahntestsuite").submodule_search_locations[0])'
  local source
  source=$("$home/bin/python" -c "$find") || return 1
  "$home/bin/python" "$here/autobahn/port.py" "$source" "$home/port/autobahntestsuite" || return 1
  cat "$here/autobahn.sh" "$here/autobahn/port.py" >"$home/port/made-by"
}

setup || { echo "autobahn.sh: set-up failed" >&2; exit 2; }
program=run.py
[ "$1" = --serve ] && { program=serve.py; shift; }
PYTHONPATH=$home/port exec "$home/bin/python" -W ignore "$here/autobahn/$program" "$@"
