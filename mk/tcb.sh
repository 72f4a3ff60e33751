#!/bin/bash
# The lines of exactly the rooms that go into the measured image, without blank lines and
# comments; tables of data are counted apart.
set -eu
count() { cat /dev/null "$@" | sed -e 's@/\*[^*]*\*/@@g' | awk '
    { l = $0 } c { if (sub(/.*\*\//, "", l)) c = 0; else next }
    { if (match(l, /\/\*/)) { if (!sub(/\/\*.*\*\//, "", l)) { l = substr(l, 1, RSTART - 1); c = 1 } } }
    l ~ /[^[:space:]]/ { n++ } END { print n + 0 }'; }
total=0
printf '%-10s %8s %8s\n' room code tables
rooms=$(awk '$1 == "enclave" {for (i = 3; i <= NF; i++) print $i; print $1}' ROOMS)
tables_total=0
for room in $rooms; do
    folder=$(awk -v r="$room" '$1 == r {print $2}' ROOMS)
    mapfile -t code < <(find "$folder" -name '*.[ch]' -o -name '*.def' | grep -v _tables | sort)
    mapfile -t tables < <(find "$folder" -name '*_tables.[ch]' | sort)
    n=$(count "${code[@]}"); t=0; [ ${#tables[@]} -gt 0 ] && t=$(count "${tables[@]}")
    printf '%-10s %8d %8d\n' "$room" "$n" "$t"
    total=$((total + n)) tables_total=$((tables_total + t))
done
printf '%-10s %8d %8d\n' total $total $tables_total
