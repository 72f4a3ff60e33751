#!/bin/bash
# Line coverage of each parser under its own corpus: V=cover builds of the replay programs.  A fuzzer
# names the sources it exercises in its first comment ("covers: a.c b.c").
set -eu
make --no-print-directory -j"$(nproc)" V=cover replays > /dev/null
for c in fuzz/*.c; do
    name=$(basename "$c" .c)
    LLVM_PROFILE_FILE=build/cover/$name.raw build/cover/fuzz/"$name".replay fuzz/corpus/"$name" > /dev/null
    llvm-profdata-14 merge -sparse build/cover/"$name".raw -o build/cover/"$name".prof
    files=$(grep -m1 -oE 'covers: [^*]+' "$c" | sed 's/covers: //')
    llvm-cov-14 export -summary-only build/cover/fuzz/"$name".replay -instr-profile=build/cover/"$name".prof 2>/dev/null |
        python3 -c '
import json, sys
name, wanted = sys.argv[1], sys.argv[2].split()
for f in json.load(sys.stdin)["data"][0]["files"]:
    if any(f["filename"].endswith("/" + w) or f["filename"] == w for w in wanted):
        lines = f["summary"]["lines"]
        print("%-16s %-32s lines %5.1f %%  (%d of %d)" % (name, f["filename"].lstrip("./"), lines["percent"], lines["covered"], lines["count"]))
' "$name" "$files"
done
