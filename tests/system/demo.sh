#!/bin/bash
# em demo, whole: every act, every attack refused by the right party, and Ctrl-C leaves nothing.
set -u
O=${O:-build}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
before=$(ls -d /tmp/em-demo-* 2>/dev/null | wc -l)
if timeout 180 "$O/em" demo --text "One more text." > "$log" 2>&1; then echo "ok demo ends with 0"; else echo "not ok demo ends with $?"; sed 's/^/  /' "$log"; fi
n=$(grep -c 'NOT REFUSED' "$log"); r=$(grep -c ' REFUSED by' "$log")
[ "$n" = 0 ] && [ "$r" -ge 9 ] && echo "ok demo: $r attempts refused" || echo "not ok demo: $r refused, $n not"
for reason in SIG_FAILED ATTESTATION_DOC_HASH_MISMATCH TRUNCATED RECORD_SEALED BUNDLE_CHUNK MANIFEST_FLOOR DEBUG_ENCLAVE ROOT_UNKNOWN; do
    grep -q " REFUSED by .*$reason" "$log" && echo "ok demo shows $reason" || echo "not ok demo shows $reason"
done
grep -q 'REPLAYED: 1 DATA and END, .*: the same bytes' "$log" && echo "ok demo: the answer is computed again" || echo "not ok demo: the answer is computed again"
grep -q 'no vector among them: true' "$log" && echo "ok demo: nothing recorded is plaintext" || echo "not ok demo: plaintext recorded"
grep -q 'SYNTHETIC' "$log" && echo "skip demo with the real model: it is not in the cache (mk/model.sh)"
timeout -s INT 2 "$O/em" demo > "$log" 2>&1
rc=$?
sleep 0.5
after=$(ls -d /tmp/em-demo-* 2>/dev/null | wc -l)
[ "$before" = "$after" ] && echo "ok demo: interrupted, it removes its folder" || echo "not ok demo: interrupted, it leaves a folder (exit $rc)"
if pgrep -f 'em-demo-[A-Za-z0-9]*/' > /dev/null; then echo "not ok demo: interrupted, it leaves processes"; else echo "ok demo: interrupted, it leaves no process"; fi
