#!/bin/bash
# Every undefined symbol of a room is offered by a room it may use or by its outside words, and
# every exported symbol carries its file's name.  Reads ROOMS and $O/lib*.a.
set -eu
O=${O:-build}
export LC_ALL=C
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail=0

dynamic() { nm -D --defined-only "$1" | awk '{print $NF}' | sed 's/@.*//' | sort -u; }
library() { for d in /usr/lib/"$(gcc -print-multiarch)" /lib/"$(gcc -print-multiarch)"; do [ -e "$d/$1" ] && { echo "$d/$1"; return; }; done; }

# mem: what every room has, and what compilers emit themselves
sort > "$tmp/mem" <<'WORDS'
memcpy
memmove
memset
memcmp
memchr
bcmp
strlen
__memcpy_chk
__memmove_chk
__memset_chk
__stack_chk_fail
__udivti3
__umodti3
__divti3
__modti3
__multi3
__popcountdi2
_GLOBAL_OFFSET_TABLE_
WORDS
printf '%s\n' fma fmaf sqrtf | sort > "$tmp/math"
dynamic "$(library libcrypto.so)" > "$tmp/libcrypto"
dynamic "$(library libssl.so)" > "$tmp/libssl"
nm -g --defined-only "$(library libsodium.a)" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u > "$tmp/sodium"
dynamic "$(library libcurl.so)" > "$tmp/curl"
dynamic "$(library libjansson.so)" > "$tmp/jansson"
dynamic "$(library libmicrohttpd.so)" > "$tmp/microhttpd"
# libc less sockets, processes and threads: those come from os
dynamic "$(library libc.so.6)" | grep -v -x -E \
    '(__)?(socket|socketpair|connect|bind|listen|accept4?|send(to|msg|mmsg|file)?|recv(from|msg|mmsg)?|[gs]etsockopt|shutdown|getaddrinfo|gethostby.*|epoll_.*|v?fork|_Fork|clone|exec[a-z]*|posix_spawn.*|system|popen|wait(pid|id|3|4)?|pthread_.*|thrd_.*|mtx_.*|cnd_.*|sem_.*|dlopen|dlsym|prctl|syscall|ptrace|gets|strcpy|strcat|sprintf|vsprintf|alloca|rand|srand)' > "$tmp/libc"

rooms=$(awk '!/^[[:space:]]*(#|$)/ && $1 != "program" {print $1}' ROOMS)
for room in $rooms; do
    nm -g --defined-only "$O/lib$room.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u > "$tmp/room.$room"
done

while read -r room folder uses; do
    may="$tmp/mem $tmp/room.$room"
    any=
    for u in $uses; do
        case $u in
        -) ;;
        any) any=yes ;;
        mem|math|libcrypto|libssl|sodium|libc|curl|jansson|microhttpd) may="$may $tmp/$u" ;;
        *) may="$may $tmp/room.$u" ;;
        esac
    done
    if [ -z "$any" ]; then
        # shellcheck disable=SC2086
        sort -u $may > "$tmp/may"
        nm -u "$O/lib$room.a" 2>/dev/null | awk '$1 == "U" {print $2}' | sort -u | comm -23 - "$tmp/may" > "$tmp/bad"
        while read -r s; do echo "$room: may not use $s"; fail=1; done < "$tmp/bad"
    fi
    # names: em_<file> or em_<file>_...; base/em.c offers bare em_*; main is exempt
    nm -A -g --defined-only "$O/lib$room.a" 2>/dev/null | awk -v room="$room" '
        { split($1, p, ":"); file = p[2]; sub(/\.o$/, "", file); name = $NF }
        name == "main" { next }
        room == "base" && file == "em" && name ~ /^em_/ { next }
        name == "em_" file || index(name, "em_" file "_") == 1 { next }
        { print room ": " file ".c offers " name }' > "$tmp/names"
    if [ -s "$tmp/names" ]; then cat "$tmp/names"; fail=1; fi
done < <(awk '!/^[[:space:]]*(#|$)/ && $1 != "program"' ROOMS)
[ $fail = 0 ] && echo "rooms: $(echo "$rooms" | wc -w) rooms keep their walls"
exit $fail
