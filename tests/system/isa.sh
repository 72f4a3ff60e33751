#!/bin/bash
# plain build only: every level of the kernels is executed somewhere, natively or under an emulator, and a
# line says for each how, or that it was not and why.  Slot by slot against plain C (tests/engine/kernels),
# the numeric profile (tests/engine/bert), what dispatch finds on lesser processors (tests/system/level.c).
# EMULATE=always starts Bochs also where the processor has AVX-512.
set -u
O=${O:-build}
D=$(mktemp -d)
trap 'rm -rf "$D"' EXIT
skip() { echo "skip $1: $2"; }

# try NAME COMMAND...: one line for a command that ends with 0; 77 says on its last line what it lacks
try() {
    local name=$1 log start rc
    log=$(mktemp "$D/XXXXXX") start=$(date +%s)
    shift
    timeout 500 "$@" > "$log" 2>&1 < /dev/null
    rc=$?
    case $rc in
    0) echo "ok $name ($(($(date +%s) - start)) s)" ;;
    77) skip "$name" "$(tail -n 1 "$log")" ;;
    *) echo "not ok $name: exit $rc"; tail -n 20 "$log" | sed 's/^/  /' ;;
    esac
}
# the static tests, for this machine or for V=arm64
build() {
    local log
    log=$(mktemp "$D/XXXXXX")
    make --no-print-directory -j"$(nproc)" "$@" emulated > "$log" 2>&1 && return
    echo "not ok the tests for emulators are built ($*)"
    tail -n 20 "$log" | sed 's/^/  /'
    return 1
}
native() { for l in "$@"; do try "level $l: native" "$T/engine/kernels" --quick --level "$l"; done; }
# under qemu-user as one processor: CPU WHAT-DISPATCH-FINDS LEVEL...
qemu() {
    local cpu=$1 best=$2
    shift 2
    try "dispatch finds $best: qemu-user, $cpu" mk/emulate.sh "$cpu" "$T/system/level" "$best"
    for l in "$@"; do
        try "level $l: qemu-user, $cpu" mk/emulate.sh "$cpu" "$T/engine/kernels" --quick $roomy --level "$l" --as "qemu-user, $cpu"
    done
}
profile() { try "profile: qemu-user, $1" mk/emulate.sh "$1" "$T/engine/bert" --profile; }
lacks() { for c in "$@"; do command -v "$c" > /dev/null || { echo "no $c here (make deps)"; return; }; done; }

avx512() {
    if mk/emulate.sh --has avx512; then
        native avx512
        if [ "${EMULATE:-}" != always ]; then
            skip 'level avx512: Bochs' 'this processor has AVX-512 (EMULATE=always runs it all the same)'
            return
        fi
    fi
    try 'level avx512, dispatch, profile: Bochs' mk/emulate-avx512.sh "$T/engine/kernels" --quick --level avx512 --as Bochs \
        -- "$T/system/level" avx512 -- "$T/engine/bert" --profile
    EMULATE_CPU=corei7_skylake_x try 'dispatch finds avx2 where AVX-512 lacks VNNI: Bochs' mk/emulate-avx512.sh "$T/system/level" avx2
}
x86() {
    T=$O/emulated roomy=--roomy # kernels.c says why
    native scalar
    mk/emulate.sh --has avx2 && native avx2
    avx512
    why=$(lacks qemu-x86_64)
    if [ -n "$why" ]; then skip 'lesser x86-64 processors' "$why"; return; fi
    qemu Nehalem scalar scalar
    qemu Haswell avx2 avx2
    profile Haswell
}
arm() {
    T=$1 roomy=
    if [ "$(uname -m)" = aarch64 ]; then
        native scalar neon
        grep -q -m1 '^Features.* asimddp' /proc/cpuinfo && native sdot
    fi
    why=$(lacks qemu-aarch64)
    if [ -n "$why" ]; then skip 'aarch64 processors' "$why"; return; fi
    qemu cortex-a72 neon scalar neon
    qemu neoverse-n1 sdot sdot
    qemu max sdot neon sdot
    profile cortex-a72
    profile max
}

if [ "$(uname -m)" = x86_64 ]; then
    build O="$O" V=gcc || exit 1
    x86 & # two things at a time
    why=$(lacks aarch64-linux-gnu-gcc)
    if [ -n "$why" ]; then skip 'levels neon and sdot' "$why"
    else build O="$O/arm64" V=arm64 && arm "$O/arm64/emulated"; fi
    wait
else
    build O="$O" V=gcc && arm "$O/emulated"
    skip 'levels avx2 and avx512' 'no compiler for x86-64 is asked for on other machines'
fi
