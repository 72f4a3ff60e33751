#!/bin/bash
# plain build only
# em-host carries no code that could understand what it relays: no symbol of the rooms that
# hold our cryptography, formats, sessions and engine is in it, and none is referred to.
set -u
O=${O:-build}
export LC_ALL=C
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail=0
report() { if [ "$1" = 0 ]; then echo "ok $2"; else echo "not ok $2"; fail=1; fi; }

host=$O/em-host
[ -x "$host" ] || { echo "not ok host_is_blind: there is no $host; type: make"; exit 1; }

# what the program has, and what each room offers
nm "$host" | awk '{print $NF}' | sed 's/@.*//' | sort -u > "$tmp/has"
grep -q '^em_host_run$' "$tmp/has"
report $? 'the program has symbols to look at'

forbidden='crypto wire trust bundle session engine aws enclave client tools twin cmd'
for room in $forbidden; do
    archive=$O/lib$room.a
    if [ ! -e "$archive" ]; then echo "not ok $room: there is no $archive; type: make"; fail=1; continue; fi
    nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 && $3 != "main" {print $3}' | sort -u > "$tmp/$room"
    # a name that the host's own rooms offer too is theirs
    for own in base os host; do
        nm -g --defined-only "$O/lib$own.a" 2>/dev/null | awk 'NF == 3 {print $3}'
    done | sort -u > "$tmp/own"
    comm -23 "$tmp/$room" "$tmp/own" > "$tmp/only"
    [ -s "$tmp/only" ]
    report $? "$room offers symbols to look for"
    comm -12 "$tmp/only" "$tmp/has" > "$tmp/found"
    sed "s/^/  em-host has $room's /" "$tmp/found"
    [ ! -s "$tmp/found" ]
    report $? "em-host has no symbol of $room"
done

# by name too, should a room be renamed
grep -E '^em_(hpke|aead|x25519|ed25519|p384|x509|cms|rsa|sha2|hkdf|cbor|cose|json|attest|policy|receipt|manifest|bundle|session|bert|wordpiece|kernels)_' \
    "$tmp/has" > "$tmp/found"
sed 's/^/  em-host has /' "$tmp/found"
[ ! -s "$tmp/found" ]
report $? 'em-host has no symbol named after cryptography, formats, sessions or engine'

# no library of cryptography is asked for by the program itself (curl brings its own TLS)
readelf -d "$host" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' > "$tmp/needed"
! grep -E 'libcrypto|libssl|libsodium|libjansson' "$tmp/needed" > "$tmp/found"
report $? 'em-host asks for no library of cryptography or JSON'
sed 's/^/  em-host needs /' "$tmp/found"
exit $fail
