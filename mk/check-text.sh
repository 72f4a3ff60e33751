#!/bin/bash
# What a grep can refuse: tabs, trailing space, "..", foreign _impl.h, banned calls, silent headers.
set -u
fail=0
say() { if [ -n "$2" ]; then printf '%s:\n%s\n' "$1" "$2"; fail=1; fi; }
files=$(git ls-files -co --exclude-standard '*.c' '*.h' '*.def')
product=$(echo "$files" | grep -E '^(shared|engine|os|aws|host|enclave|client|tools|cmd|twin|include)/')
pure=$(echo "$files" | grep -E '^(shared|engine|enclave)/')

say 'tab or trailing space' "$(echo "$files" | grep -v _tables | xargs grep -nE $'\t| +$' | head)"
say '".." in an include' "$(echo "$files" | xargs grep -nE '#include.*\.\.' | head)"
say 'one room includes the inside of another' "$(for f in $product; do
    d=$(basename "$(dirname "$f")"); [ "$d" = kernel ] && d=engine
    grep -nE '#include "[a-z0-9]+/[a-z0-9_/]+_impl\.h"' "$f" | grep -vE "\"$d/" | sed "s|^|$f:|"; done | head)"
say 'banned call' "$(echo "$product" | xargs grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|alloca|system|popen|rand|srand|strtok|atoi|atol)\(' | head)"
say 'environment read inside the trusted rooms' "$(echo "$pure" | xargs grep -nE '\b(secure_)?getenv\(' | head)"
say '// comment' "$(echo "$product" | xargs grep -nE '^\s*//|;\s+//' | head)"
say 'goto' "$(echo "$product" | xargs grep -nE '^\s*goto ' | head)"
say 'memcmp where secrets live' "$(echo "$files" | grep -E '^shared/(crypto|session)/' | xargs grep -nE '\bmemcmp\(' | head)"
say 'a header without Trust: and Memory:' "$(for f in $(echo "$product" | grep '\.h$' | grep -v _tables); do
    grep -q 'Trust:' "$f" && grep -q 'Memory:' "$f" || echo "$f"; done | head)"
say 'longer than 600 lines' "$(for f in $(echo "$product" | grep -v -E '_tables'); do n=$(wc -l < "$f"); [ "$n" -gt 600 ] && echo "$f: $n"; done)"
[ $fail = 0 ] && echo 'text: clean'
exit $fail
