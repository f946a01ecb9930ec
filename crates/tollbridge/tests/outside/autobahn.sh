#!/usr/bin/env bash
# The Autobahn suite against an echo upstream, and against the same upstream through the bridge: nothing may differ, close
# codes included.
#
#   autobahn.sh [CASE ...]      cases: ids or patterns (default: 1.* to 7.* and 10.*)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=$here/../../../../deploy/dev/autobahn.sh
out=${CARGO_TARGET_DIR:-$here/../../../../target}/outside
mkdir -p "$out"

coproc ECHO { exec node "$here/autobahn.mjs" serve; }
server=$ECHO_PID
# Closing its input ends the server and makes it look for secrets in its own log.
exec 8<&"${ECHO[0]}" 9>&"${ECHO[1]}"
eval "exec ${ECHO[0]}<&- ${ECHO[1]}>&-"
read -r _ direct <&8
read -r _ public <&8
read -r _ key <&8

echo "direct, to $direct"
AB_OUT=$out/autobahn-direct.json bash "$suite" "$direct" "$@"

echo "through the bridge"
status=0
AB_OUT=$out/autobahn-bridge.json AB_EXPECT=$out/autobahn-direct.json AB_URL_CMD="node $here/autobahn.mjs mint $public $key" \
  bash "$suite" "ws://unused.invalid" "$@" | tee "$out/autobahn.txt" || status=$?

exec 9>&-
wait "$server" || status=$?
grep -qx "failing: none" "$out/autobahn.txt" || status=1
grep -qE "^close differs: 0 *$" "$out/autobahn.txt" || status=1
grep -q "not run:" "$out/autobahn.txt" && status=1
exit "$status"
