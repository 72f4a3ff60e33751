#!/bin/bash
# Runs test programs; each prints "ok NAME", "not ok NAME", "skip NAME: why" lines.  Prints what
# failed or was skipped, and one line a program; adds the counts to $TALLY when it is set.
set -u
passed=0 failed=0 skipped=0
for t in "$@"; do
    log=$(mktemp)
    case $t in *.replay) set -- "fuzz/corpus/$(basename "$t" .replay)" ;; *) set -- ;; esac
    start=$(date +%s)
    timeout "${TEST_TIMEOUT:-600}" "$t" "$@" > "$log" 2>&1 < /dev/null
    rc=$?
    p=$(grep -c '^ok ' "$log"); f=$(grep -c '^not ok ' "$log"); s=$(grep -c '^skip ' "$log")
    if [ $rc != 0 ] && [ "$f" = 0 ]; then f=1; echo "not ok $t: exit $rc" >> "$log"; fi
    if [ $((p + f + s)) = 0 ]; then f=1; echo "not ok $t: ran no test" >> "$log"; fi
    [ "$f" != 0 ] && { echo "--- $t"; grep -v '^ok ' "$log" | tail -n 60; }
    [ "$f" = 0 ] && grep '^skip ' "$log"
    echo "$t: $p ok, $f not ok, $s skipped ($(($(date +%s) - start)) s)"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    rm -f "$log"
done
[ -n "${TALLY:-}" ] && echo "$passed $failed $skipped" >> "$TALLY"
[ $failed = 0 ]
