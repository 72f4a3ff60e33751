#!/bin/bash
# run-fuzz.sh DIR [NAME...]: each fuzzer of DIR for $FUZZ_SECONDS over its corpus, then the corpus
# made small again.  A crash stops with its input's name.
set -u
dir=$1; shift
seconds=${FUZZ_SECONDS:-60}
[ $# -gt 0 ] || set -- $(ls fuzz/*.c | xargs -n1 basename | sed 's/\.c$//')
bad=0
for name in "$@"; do
    corpus=fuzz/corpus/$name new=$dir/found/$name
    mkdir -p "$corpus" "$new" "$dir/crashes"
    echo "$name: $seconds s"
    if ! "$dir/fuzz/$name.fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len="${FUZZ_MAX_LEN:-16384}" \
        -artifact_prefix="$dir/crashes/$name-" -print_final_stats=1 "$new" "$corpus" > "$dir/$name.log" 2>&1; then
        echo "  CRASH: see $dir/$name.log"; bad=1; continue
    fi
    grep -E 'stat::number_of_executed_units|stat::new_units_added' "$dir/$name.log" | sed 's/^/  /'
    merged=$dir/merged/$name; rm -rf "$merged"; mkdir -p "$merged"
    # keep the named seeds, add what covers more, at most ${FUZZ_KEEP:-200} inputs
    "$dir/fuzz/$name.fuzz" -merge=1 -max_len="${FUZZ_MAX_LEN:-16384}" "$merged" "$corpus" "$new" > /dev/null 2>&1
    ls -S -r "$merged" | head -n "${FUZZ_KEEP:-200}" | while read -r f; do
        [ -n "$(find "$corpus" -type f -exec cmp -s {} "$merged/$f" \; -print -quit)" ] || cp "$merged/$f" "$corpus/$f"
    done
done
exit $bad
