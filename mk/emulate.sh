#!/bin/bash
# Runs a program for a processor that this machine may not have.
#   emulate.sh --has avx2|avx512      exit 0 when this machine's processor has what *_avx2.c, *_avx512.c need
#   emulate.sh CPU PROGRAM [ARG...]   under qemu-user as that model of processor (qemu-aarch64 -cpu help),
#                                     the program's own machine deciding which emulator
# AVX-512 is not among what qemu-user knows: mk/emulate-avx512.sh.
set -eu
flags() { grep -m1 '^flags' /proc/cpuinfo 2>/dev/null | tr ' ' '\n'; }
has() { for f in "$@"; do flags | grep -qx "$f" || return 1; done; }
if [ "$1" = --has ]; then
    case $2 in
    avx2) has avx2 fma f16c ;;
    avx512) has avx2 fma f16c avx512f avx512bw avx512vl avx512dq avx512_vnni ;;
    *) echo "no level $2" >&2; exit 2 ;;
    esac
    exit
fi
cpu=$1 program=$2
shift 2
# e_machine of the ELF header
case $(od -An -t u2 -j 18 -N 2 "$program" | tr -d ' ') in
62) emulator=qemu-x86_64 ;;
183) emulator=qemu-aarch64 ;;
*) echo "$program: neither x86-64 nor aarch64" >&2; exit 2 ;;
esac
exec "$emulator" -cpu "$cpu" "$program" "$@"
