#!/bin/bash
# Line coverage of each parser under its own corpus: V=cover builds of the replay programs.
set -eu
make --no-print-directory -j"$(nproc)" V=cover replays > /dev/null
for c in fuzz/*.c; do
    name=$(basename "$c" .c)
    LLVM_PROFILE_FILE=build/cover/$name.raw build/cover/fuzz/"$name".replay fuzz/corpus/"$name" > /dev/null
    llvm-profdata-14 merge -sparse build/cover/"$name".raw -o build/cover/"$name".prof
    # the files that the fuzzer names in its first comment: "covers: a.c b.c"
    files=$(grep -oE 'covers: [^*]+' "$c" | head -1 | sed 's/covers: //')
    for f in $files; do
        llvm-cov-14 report build/cover/fuzz/"$name".replay -instr-profile=build/cover/"$name".prof "$f" 2>/dev/null |
            awk -v n="$name" -v f="$f" '$1 == "TOTAL" {printf "%-20s %-32s lines %s\n", n, f, $10}'
    done
done
