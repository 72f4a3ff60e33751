#!/bin/bash
# em replay over what a running enclave answered: the same bytes at every level, with every number of
# threads and in every batch; and every other evidence, bundle or key refused by name.
# every build
set -u
. tests/system/stage.bash
em=$BIN/em
PACK_ARGS="--key-out $D/small.key --chunk 16K"
stage_up
bundle=$D/store/small.emb
[ "$(stat -c %a "$D/small.key")" = 600 ] && [ "$(wc -l < "$D/small.key")" = 4 ] && grep -qx 'model small' "$D/small.key" &&
    ok "the content key is kept, for its owner only" || bad "the content key is kept"
manifest=$("$em" model inspect "$bundle" | sed -n 's/.*"manifest": "\([0-9a-f]*\)".*/\1/p')
grep -qx "manifest $manifest" "$D/small.key" && ok "and names its bundle" || bad "and names its bundle"

# evidence: many short texts (more than one DATA), one empty, one cut; another with sessions beside it
for i in $(seq 260); do echo "text $i of $((i * 7919 % 1000))"; done > "$D/texts"
{ echo; head -c 2000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g'; echo; } >> "$D/texts"
need embed --evidence "$D/many" < "$D/texts"
for i in 1 2 3 4; do head -n $((i * 5)) "$D/texts" | embed --json --evidence "$D/beside.$i" > /dev/null 2>&1 & workers[i]=$!; done
for i in 1 2 3 4; do wait "${workers[i]}" || bad "a session beside others"; done
head -n 9 "$D/texts" | tac > "$D/few"
need embed --evidence "$D/few.cbor" < "$D/few"
replay() { "$em" replay "$1" --bundle "$bundle" --key "$D/small.key" "${@:2}"; }
check "one answer" replay "$D/many"
grep -q '^REPLAYED: 2 DATA and END, 16768 numbers: the same bytes$' "$D/check.log" && grep -q "manifest $manifest" "$D/check.log" &&
    ok "of 262 texts, in two records" || { bad "of 262 texts, in two records"; cat "$D/check.log"; }
levels=$("$em" replay "$D/many" --bundle "$bundle" --key "$D/small.key" --isa none 2>&1 | sed -n 's/.*here there are //p' | tr -d ,)
case $levels in scalar*) ok "levels here: $levels" ;; *) bad "levels here: $levels" ;; esac
for isa in $levels; do
    for threads in 1 2 3 4; do
        if replay "$D/many" --isa "$isa" --threads $threads --batch $((threads * threads * 5)) --json > "$D/out" 2> "$D/err" && python3 - "$D/out" "$isa" $threads <<'P'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["replayed"] and r["verified"] and r["code"] == "OK" and r["isa"] == sys.argv[2] and r["threads"] == int(sys.argv[3]), r
assert r["records"] == 3 and r["texts"] == 262 and r["numbers"] == 262 * 64 and r["op"] == "embed" and len(r["response_hash"]) == 64, r
P
        then ok "the same bytes: $isa, $threads threads"; else bad "the same bytes: $isa, $threads threads"; tail -3 "$D/out" "$D/err"; fi
    done
done
for f in "$D/few.cbor" "$D"/beside.*; do check "answered beside others: $(basename "$f")" replay "$f"; done
embed --refuse-truncation --evidence "$D/refuse" "short" > /dev/null 2>&1
check "a request that forbids cutting" replay "$D/refuse"
replay "$D/many" > "$D/out" 2>&1
grep -q "$(tail -n 1 "$D/small.key" | cut -d' ' -f2)" "$D/out" && bad "the key is shown" || ok "the key is not shown"

# refuses NAME CODE TEXT COMMAND...: exit code, and a word on stdout or stderr
refuses() {
    local name=$1 code=$2 text=$3; shift 3
    "$@" > "$D/out" 2>&1; local rc=$?
    if [ $rc = "$code" ] && grep -q -- "$text" "$D/out"; then ok "$name"; else bad "$name: exit $rc"; tail -4 "$D/out" | sed 's/^/  /'; fi
}
with() { "$em" replay "$D/few.cbor" "$@"; }
# another bundle, another key
need "$em" model pack "$D/model" --id small --number 2 --key "$D/publisher" --out "$D/other.emb" --kms-key "$arn" --kms "unix:$D/kms.sock" \
    --kms-roots "$D/twin/tls-root.pem" --credentials "$D/twin/credentials.json" --key-out "$D/other.key"
refuses "another packing's bundle" 1 'MODEL_HASH_MISMATCH: .*another bundle' with --bundle "$D/other.emb" --key "$D/other.key"
refuses "another bundle's key" 1 'KEY_COMMITMENT: .*the key of another bundle' with --bundle "$bundle" --key "$D/other.key"
sed '4{s/0$/1/;t;s/.$/0/}' "$D/small.key" > "$D/wrong.key"; chmod 600 "$D/wrong.key"
refuses "a wrong key" 1 'KEY_COMMITMENT' with --bundle "$bundle" --key "$D/wrong.key"
cp "$D/small.key" "$D/open.key"; chmod 644 "$D/open.key"
refuses "a key that others can read" 2 'chmod 600' with --bundle "$bundle" --key "$D/open.key"
refuses "a file that is no key" 1 'not a content key' with --bundle "$bundle" --key "$D/publisher"
refuses "no such key" 2 NOT_FOUND with --bundle "$bundle" --key "$D/none"
flip() { # flip FROM AT TO: one bit of the byte AT (from the end where negative)
    python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 1; open(sys.argv[3], "wb").write(b)' "$@"; }
flip "$bundle" -1 "$D/flipped.emb"
refuses "a bundle with a flipped bit" 1 'BUNDLE_CHUNK: chunks: chunk [0-9]* of' with --bundle "$D/flipped.emb" --key "$D/small.key"
head -c -1 "$bundle" > "$D/cut.emb"
refuses "a bundle cut short" 1 BUNDLE_COUNT with --bundle "$D/cut.emb" --key "$D/small.key"
refuses "a file that is no bundle" 1 'BUNDLE_MALFORMED\|SHORT' with --bundle "$D/texts" --key "$D/small.key"
refuses "no such bundle" 2 NOT_FOUND with --bundle "$D/none" --key "$D/small.key"

# evidence that does not verify is not replayed, and the check is named
at=$(python3 -c 'import sys; print(open(sys.argv[1], "rb").read().index(b"gvectors") + 700)' "$D/few.cbor")
flip "$D/few.cbor" "$at" "$D/vector.cbor"
refuses "a bit of a vector" 1 'does not verify: RECEIPT_RESPONSE.*RESPONSE_HASH_MISMATCH' "$em" replay "$D/vector.cbor" --bundle "$bundle" --key "$D/small.key"
refuses "the same as JSON" 1 '"verified": false' "$em" replay "$D/vector.cbor" --bundle "$bundle" --key "$D/small.key" --json
refuses "nobody pinned" 1 'does not verify: POLICY_SIGNER' env XDG_STATE_HOME="$D/nobody" "$em" replay "$D/few.cbor" --bundle "$bundle" --key "$D/small.key"
refuses "a time when its certificates had expired" 1 'does not verify: DOC_CHAIN\|does not verify: POLICY' with --bundle "$bundle" --key "$D/small.key" --at 2031-01-01T00:00:00Z
refuses "no such evidence" 2 NOT_FOUND "$em" replay "$D/none" --bundle "$bundle" --key "$D/small.key"
# evidence that verifies, but was written without a part: its owner kept the text to themselves
python3 - "$D" <<'P'
import sys
d = sys.argv[1]
b = open(f"{d}/few.cbor", "rb").read()
def end(at):
    major, info = b[at] >> 5, b[at] & 31
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    n = int.from_bytes(b[at + 1:at + 1 + size], "big") if size else info
    at += 1 + size
    if major in (2, 3): return at + n
    for _ in range({4: n, 5: 2 * n}.get(major, 0)): at = end(at)
    return at
for part in ("request", "answer"):
    at, out = 1, b""
    for _ in range(b[0] & 31):
        value = end(at)
        if b[at + 1:value].decode() != part: out += b[at:end(value)]
        at = end(value)
    open(f"{d}/no-{part}.cbor", "wb").write(bytes([b[0] - 1]) + out)
P
for part in request answer; do
    check "evidence without its $part verifies" "$em" verify "$D/no-$part.cbor"
    refuses "and cannot be replayed" 2 "without its $part.*REPLAY_PARTS" "$em" replay "$D/no-$part.cbor" --bundle "$bundle" --key "$D/small.key"
done

# the command line
refuses "no bundle" 2 'are needed' with --key "$D/small.key"
refuses "no key" 2 'are needed' with --bundle "$bundle"
refuses "no thread" 2 '1 to 64' with --bundle "$bundle" --key "$D/small.key" --threads 0
refuses "65 threads" 2 '1 to 64' with --bundle "$bundle" --key "$D/small.key" --threads 65
refuses "an unknown level" 2 'here there are scalar' with --bundle "$bundle" --key "$D/small.key" --isa sse
sum=$(sha256sum < "$bundle")
refuses "a key is never overwritten" 2 EXISTS "$em" model pack "$D/model" --id small --number 1 --key "$D/publisher" --out "$bundle" --kms-key "$arn" \
    --kms "unix:$D/kms.sock" --kms-roots "$D/twin/tls-root.pem" --credentials "$D/twin/credentials.json" --key-out "$D/small.key"
[ "$sum" = "$(sha256sum < "$bundle")" ] && ok "and the bundle stays as it is" || bad "and the bundle stays as it is"

# every precision, and heads: served, answered, replayed at every level
head -n 40 "$D/texts" > "$D/some"
serve() { # serve NAME PRECISION FOLDER: an enclave of this model, and its key in $D/NAME.key
    stop $enclave_pid
    bundle=$D/store/small.emb; key=$D/$1.key
    rm -f "$bundle"
    PACK_ARGS="--key-out $key --precision $2" pack "$3" 3 "$bundle"
    start_enclave || { bad "$1 is served"; cat "$D/enclave.err"; }
}
everywhere() { # everywhere NAME OP EVIDENCE: replayed at every level
    local isa
    for isa in $levels; do
        if "$em" replay "$3" --bundle "$bundle" --key "$key" --isa "$isa" --threads 2 --json > "$D/out" 2>&1 &&
            grep -q "\"op\": \"$2\"" "$D/out" && grep -q "\"profile\": \"em-bert-$4/" "$D/out"; then ok "$1, $4: the same bytes on $isa"
        else bad "$1, $4: the same bytes on $isa"; tail -4 "$D/out"; fi
    done
}
at_host() { local c=$1; shift; need "$em" "$c" --to "$TO" --deployment test --policy "$D/test.policy" "$@"; }
for precision in bf16 int8; do
    serve $precision $precision "$D/model"
    at_host embed --evidence "$D/$precision.cbor" --file "$D/some"
    everywhere embed embed "$D/$precision.cbor" $precision
done
need "$em" model synth "$D/classifier" --labels 3
need "$em" model synth "$D/reranker" --labels 1
for precision in f32 int8; do
    serve classifier-$precision $precision "$D/classifier"
    at_host classify --evidence "$D/classify-$precision.cbor" --file "$D/some"
    everywhere classify classify "$D/classify-$precision.cbor" $precision
    serve reranker-$precision $precision "$D/reranker"
    at_host rerank --query "which text is of 919" --evidence "$D/rerank-$precision.cbor" --file "$D/some"
    everywhere rerank rerank "$D/rerank-$precision.cbor" $precision
done
