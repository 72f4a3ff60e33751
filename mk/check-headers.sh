#!/bin/bash
# Every header compiles alone, in the view of its own room.
set -u
O=${O:-build} CC=${CC:-gcc} fail=0 n=0
while read -r room folder _; do
    for h in "$folder"/*.h "$folder"/kernel/*.h; do
        [ -e "$h" ] || continue
        n=$((n + 1))
        echo "#include \"$room/${h#"$folder"/}\"" | $CC -std=gnu11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wundef -Werror \
            -D_GNU_SOURCE -fsyntax-only -x c -I"$O/view/$room" - || { echo "$h does not compile alone"; fail=1; }
    done
done < <(awk '!/^[[:space:]]*(#|$)/ && $1 != "program"' ROOMS)
for h in include/em/*.h; do
    [ -e "$h" ] || continue
    n=$((n + 1))
    echo "#include \"${h#include/}\"" | $CC -std=c11 -Wall -Wextra -Werror -pedantic -fsyntax-only -x c -Iinclude - || { echo "$h does not compile alone"; fail=1; }
done
[ $fail = 0 ] && echo "headers: $n compile alone"
exit $fail
