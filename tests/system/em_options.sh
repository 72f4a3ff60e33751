#!/bin/bash
# em's options: what is too much, out of range or has nowhere to go is an error, never left out.
set -u
. tests/system/stage.bash
em=$BIN/em
# refuses NAME CODE TEXT COMMAND...: exit code and a word on stderr
refuses() {
    local name=$1 code=$2 text=$3; shift 3
    "$@" > "$D/out" 2> "$D/err"; local rc=$?
    if [ $rc = "$code" ] && grep -q -- "$text" "$D/err"; then ok "$name"; else bad "$name: exit $rc"; tail -3 "$D/err" | sed 's/^/  /'; fi
}
hex() { local byte; byte=$(printf %02x "$1"); for _ in $(seq "$2"); do printf %s "$byte"; done; } # BYTE TIMES
need "$em" key new "$D/k"
need "$em" key new "$D/odd:3x"
printf '{"pcr0":"%s","pcr1":"%s","pcr2":"%s"}' "$(hex 1 48)" "$(hex 2 48)" "$(hex 3 48)" > "$D/pcrs.json"
make=("$em" policy make --id x --key "$D/k" --out "$D/p")
one=(--root "$(hex 9 32)" --pcrs "$D/pcrs.json" --role r --publisher "m=$D/k.pub")
check "a policy" "${make[@]}" "${one[@]}"
many=(); for i in $(seq 9); do many+=(--root "$(hex "$i" 32)"); done
refuses "nine roots" 2 LIMIT "${make[@]}" "${many[@]}" --pcrs "$D/pcrs.json" --role r
many=(); for i in $(seq 33); do many+=(--pcrs "$D/pcrs.json" --role r); done
refuses "33 tuples" 2 LIMIT "${make[@]}" --root "$(hex 9 32)" "${many[@]}"
many=(); for i in $(seq 33); do many+=(--publisher "m$i=$D/k.pub"); done
refuses "33 publishers" 2 LIMIT "${make[@]}" "${one[@]}" "${many[@]}"
many=(); for i in $(seq 65); do many+=(--revoke-key "$(hex "$i" 32)"); done
refuses "65 revocations" 2 'revoke-key' "${make[@]}" "${one[@]}" "${many[@]}"
refuses "a role without measurements" 2 ARGUMENT "${make[@]}" "${one[@]}" --role another
refuses "91 days" 2 RANGE "${make[@]}" "${one[@]}" --days 91
refuses "no day" 2 RANGE "${make[@]}" "${one[@]}" --days 0
refuses "days beyond counting" 2 RANGE "${make[@]}" "${one[@]}" --days 213503982334
refuses "too stale" 2 RANGE "${make[@]}" "${one[@]}" --freshness 901
refuses "production under another root" 2 POLICY_MODE "${make[@]}" "${one[@]}" --production
refuses "any account and a role" 2 POLICY_MALFORMED "${make[@]}" "${one[@]}" --any-account
refuses "no such measurements" 2 NOT_FOUND "${make[@]}" --root "$(hex 9 32)" --pcrs "$D/none" --role r
echo '{"pcr5":"00"}' > "$D/bad.json"
refuses "measurements of no known register" 2 JSON_MEMBER "${make[@]}" --root "$(hex 9 32)" --pcrs "$D/bad.json" --role r
"${make[@]}" "${one[@]}" --publisher "n=$D/odd:3x.pub" --publisher "o=$D/k.pub:7" > /dev/null 2>&1
"$em" policy show "$D/p" > "$D/out"
python3 - "$D/out" <<'P' && ok "floors and paths with colons are told apart" || bad "floors and paths with colons are told apart"
import json, sys
p = {x["model"]: x["floor"] for x in json.load(open(sys.argv[1]))["publishers"]}
assert p == {"m": 1, "n": 1, "o": 7}, p
P
refuses "a floor beyond counting" 2 RANGE "${make[@]}" "${one[@]}" --publisher "o=$D/k.pub:9223372036854775808"

# certificates for KMS: 16 are taken, the 17th is not left out unseen
need "$em" model synth "$D/model"
need "$BIN/em-twin" init --state "$D/twin"
for _ in $(seq 17); do cat "$D/twin/tls-root.pem"; done > "$D/roots.pem"
refuses "17 certificates for KMS" 2 '16 certificates' "$em" model pack "$D/model" --id m --key "$D/k" --out "$D/m.emb" \
    --kms-key arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000 --kms unix:/nowhere \
    --kms-roots "$D/roots.pem" --credentials "$D/twin/credentials.json"
[ ! -e "$D/m.emb" ] && ok "and no bundle is left" || bad "a bundle is left"
# what could not be written was not said
for c in --help --version "policy show $D/p" "key show $D/k.pub"; do
    refuses "em ${c%% /*} to a full disk" 2 IO bash -c "'$em' $c > /dev/full"
done
