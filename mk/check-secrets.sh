#!/bin/bash
# A local variable of any EM_SECRET type (or of a type that says "secret" in EM_HOLDS_SECRET)
# stands under EM_DROP, so that it is wiped on every way out.
set -u
types=$(git ls-files -co --exclude-standard '*.h' '*.c' | grep -v -E '^(tests|fuzz|bench)/' |
    xargs grep -hoE '\b(EM_SECRET|EM_HOLDS_SECRET)\((em_[a-z0-9_]+)' | sed 's/.*(//' | grep -v '^T$' | sort -u | paste -sd'|')
[ -n "$types" ] || { echo 'secrets: none declared'; exit 0; }
bad=$(git ls-files -co --exclude-standard 'shared/*.c' 'engine/*.c' 'os/*.c' 'aws/*.c' 'enclave/*.c' 'client/*.c' 'tools/*.c' 'cmd/*.c' 'twin/*.c' |
    xargs grep -nE "^ +($types) +[a-z_0-9]+( *=.*)?;" || true)
if [ -n "$bad" ]; then printf 'a secret outside EM_DROP:\n%s\n' "$bad"; exit 1; fi
echo "secrets: every local of $(echo "$types" | tr '|' '\n' | wc -l) types is under EM_DROP"
