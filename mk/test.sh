#!/bin/bash
# Everything `make test` does, fast to slow; the last line is "N passed, N failed, N skipped".
# TEST_BUILDS chooses the builds (default "gcc clang asan").
set -u
export TALLY
TALLY=$(mktemp)
trap 'rm -f "$TALLY"' EXIT
jobs=$(nproc)
start=$(date +%s)
builds=${TEST_BUILDS:-gcc clang asan}

# counts one step by its exit code
step() {
    local name=$1 log; shift
    log=$(mktemp)
    if "$@" > "$log" 2>&1; then echo "ok $name"; echo '1 0 0' >> "$TALLY"; tail -n 5 "$log" | sed 's/^/   /'
    else echo "not ok $name"; echo '0 1 0' >> "$TALLY"; tail -n 60 "$log" | sed 's/^/   /'; fi
    rm -f "$log"
}
say() { echo "== $* ($(($(date +%s) - start)) s)"; }

[ -d "${SHARED:-../shared}/vectors" ] || echo "note: no vectors at ${SHARED:-../shared}; what needs them is skipped by name"
mk/model.sh || true

for v in $builds; do
    o=build/$v; [ "$v" = gcc ] && o=build
    say "building with $v"
    step "$v: build" make --no-print-directory -j"$jobs" V="$v" programs tests replays
    if [ "$v" = gcc ]; then
        say 'text, secrets, headers, rooms, format'
        for c in check-text check-secrets check-headers check-rooms check-format; do O=$o step "$c" "mk/$c.sh"; done
    fi
    say "unit, vectors, simulation, corpora: $v"
    mapfile -t bins < <(make -s --no-print-directory V="$v" list-tests)
    O=$o mk/run-tests.sh "${bins[@]}"
    say "whole programs: $v"
    for s in tests/system/*.sh; do
        [ -e "$s" ] || continue
        # what reads symbols, seccomp or static linking runs on the plain build only
        if [ "$v" != gcc ] && grep -q '^# plain build only' "$s"; then continue; fi
        if [ "$v" = clang ] && ! grep -q '^# every build' "$s"; then continue; fi
        O=$o V=$v mk/run-tests.sh "$s"
    done
done

say 'done'
awk '{p += $1; f += $2; s += $3} END {printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f != 0}' "$TALLY"
