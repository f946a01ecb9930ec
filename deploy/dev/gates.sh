#!/bin/sh
# Runs the named recipes one after the other, all of them whatever fails, and counts.
#
#   gates.sh RECIPE[+RECIPE] [RECIPE ...]
#
# Of two recipes with a plus between them the second, a build, runs beside the first, whose tests mostly wait.
# A gate that runs Rust tests counts as its tests, every other one as one. What a gate printed stays in target/gates/.
# The last line is "N passed, N failed"; the exit status is 0 only when nothing failed.
set -u
logs=${CARGO_TARGET_DIR:-target}/gates
mkdir -p "$logs"
passed=0
failed=0
table=""

# count LOG WORD: the sum of the numbers before WORD in the closing lines of nextest and cargo test.
count() {
  awk -v word="$2" '
    /tests? run:|^test result:/ {
      line = $0; gsub(/[,;()]/, " ", line); n = split(line, w, /[ \t]+/)
      for (i = 2; i <= n; i++) if (w[i] == word || (word == "failed" && w[i] == "timed" )) sum += w[i-1]
    }
    END { print sum + 0 }' "$1"
}

# tally GATE SECONDS: adds what its log and status say.
tally() {
  status=$(cat "$logs/$1.status")
  good=$(count "$logs/$1.log" passed)
  bad=$(count "$logs/$1.log" failed)
  if [ "$good" -eq 0 ] && [ "$bad" -eq 0 ]; then
    [ "$status" -eq 0 ] && good=1
  fi
  [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
  passed=$((passed + good))
  failed=$((failed + bad))
  table="$table$(printf '%-12s %5s s  %s passed, %s failed' "$1" "$2" "$good" "$bad")
"
}

for pair in "$@"; do
  gate=${pair%%+*}
  side=${pair#"$gate"}
  side=${side#+}
  start=$(date +%s)
  if [ -n "$side" ]; then
    { nice just "$side"; echo $? >"$logs/$side.status"; } >"$logs/$side.log" 2>&1 &
  fi
  printf '\n== %s\n' "$gate"
  { just "$gate"; echo $? >"$logs/$gate.status"; } 2>&1 | tee "$logs/$gate.log"
  tally "$gate" "$(($(date +%s) - start))"
  if [ -n "$side" ]; then
    wait
    printf '\n== %s (beside %s)\n' "$side" "$gate"
    tail -n 40 "$logs/$side.log"
    tally "$side" "$(($(date +%s) - start))"
  fi
done

# What failed is said once more, where the end of a long log is all that somebody sees.
for log in "$logs"/*.log; do
  gate=$(basename "$log" .log)
  case " $* " in *[\ +]"$gate"[\ +]*) ;; *) continue ;; esac
  [ "$(cat "$logs/$gate.status")" -eq 0 ] && continue
  printf '\n== %s failed\n' "$gate"
  grep -E '^ +(FAIL|TIMEOUT|SIG[A-Z]+) \[|panicked at|^FAIL |^error' "$log" | sort -u | head -n 40
done

printf '\n%s' "$table"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
