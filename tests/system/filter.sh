#!/bin/bash
# plain build only: nothing that a serving enclave needs is behind its system call filter.
set -u
CONFIG_EXTRA='{"limits": {"sessions": 64, "threads": 3}}'
. tests/system/stage.bash
stage_up
alive() { if kill -0 $enclave_pid 2>/dev/null; then ok "$1"; else wait $enclave_pid; bad "$1: it is gone with $?"; fi; }
grep -q '^Seccomp:.*2' "/proc/$enclave_pid/status" && ok "the filter is on" || bad "the filter is on"
for t in /proc/$enclave_pid/task/*; do grep -q '^Seccomp:.*2' "$t/status" || bad "a thread without the filter"; done

# the NSM goes away and comes back: a new connection behind the filter
check "served" embed "before"
stop $twin_pid
embed "while it is away" > /dev/null 2>&1
[ $? != 0 ] && ok "no NSM, no session" || bad "no NSM, no session"
alive "the enclave outlives its NSM"
start_twin
check "served by an NSM that came back" embed "after"

# large requests, several at once, some of them left half-way
for i in $(seq 1000); do echo "text $i of a large request, with words enough to make it long"; done > "$D/many"
workers=()
for i in 1 2 3 4; do embed --json < "$D/many" > "$D/many.$i" 2>/dev/null & workers+=($!); done
for i in 1 2 3 4 5 6; do timeout 0.3 "$BIN/em" embed --to "$TO" --deployment test --policy "$D/test.policy" < "$D/many" > /dev/null 2>&1 & workers+=($!); done
for w in "${workers[@]}"; do wait "$w" 2>/dev/null; done
good=0
for i in 1 2 3 4; do [ "$(wc -l < "$D/many.$i")" = 1000 ] && cmp -s "$D/many.1" "$D/many.$i" && good=$((good + 1)); done
[ $good -ge 1 ] && [ "$(cut -d'"' -f1-3 < "$D/many.1" | wc -l)" = 1000 ] && ok "large requests at once" || bad "large requests at once"
alive "the enclave outlives those who leave"

# more clients than sessions, then a stop in the middle of it all
workers=()
for i in $(seq 90); do embed "client $i" > /dev/null 2> "$D/err.$i" & workers+=($!); done
served=0
for w in "${workers[@]}"; do wait "$w" && served=$((served + 1)); done
[ $served -ge 30 ] && ok "more clients than sessions: $served of 90 served, the rest told" || { bad "more clients than sessions: $served of 90"; cat "$D"/err.* | sort | uniq -c | head -5; }
alive "the enclave outlives a crowd"
workers=()
for i in $(seq 6); do embed --json < "$D/many" > /dev/null 2>&1 & workers+=($!); done
sleep 0.4
from=$(date +%s)
stop $enclave_pid
[ "$rc" = 0 ] && ok "stopped under load: 0" || bad "stopped under load: $rc"
[ $(($(date +%s) - from)) -le 5 ] && ok "stopped at once" || bad "stopped late"
for w in "${workers[@]}"; do wait "$w" 2>/dev/null; done
grep -E ' (FAILED|INTERNAL|ARGUMENT|FULL) ' "$D/enclave.err" && bad "no error of its own making" || ok "no error of its own making"
