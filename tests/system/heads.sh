#!/bin/bash
# Three models in one enclave - an embedder with prompts, a classifier, a reranker - each asked for
# what it does and for what it does not.
set -u
. tests/system/stage.bash
PUBLISHER_ARGS="--publisher kinds=$D/publisher.pub:1 --publisher judge=$D/publisher.pub:1"
eval "$(declare -f config | sed '1s/config/config_one/')"
config() {
    config_one "$1" "{\"models\": [$(for m in small kinds judge; do
        printf '{"id": "%s", "object": "%s.emb", "kms_key": "%s", "publishers": [{"key": "%s", "floor": 1}]},' $m $m "$arn" "$publisher"
    done | sed 's/,$//')]}"
}
stage_prepare
need "$BIN/em" model synth "$D/small" --prompts
need "$BIN/em" model synth "$D/kinds" --labels 3
need "$BIN/em" model synth "$D/judge" --labels 1 --activation Identity
start_twin
PACK_ARGS="--prompt passage=P: --prompt title=" pack "$D/small" 1 "$D/store/small.emb"
PACK_ARGS="--id kinds" pack "$D/kinds" 1 "$D/store/kinds.emb"
PACK_ARGS="--id judge" pack "$D/judge" 1 "$D/store/judge.emb"
start_host
start_enclave || { echo "not ok stage: the enclave does not start"; cat "$D/enclave.err"; exit 1; }
ask() { local op=$1; shift; "$BIN/em" "$op" --to "$TO" --deployment test --policy "$D/test.policy" "$@"; }
# json NAME FILE PYTHON: the lines of JSON in FILE are as the expression says
json() {
    if python3 - "$2" "$3" 2> "$D/json.err" <<'P'
import json, sys
from math import exp, isclose
lines = [json.loads(l) for l in open(sys.argv[1])]
assert eval(sys.argv[2], {**globals(), "a": lines}), lines
P
    then ok "$1"; else bad "$1"; tail -n 3 "$D/json.err"; fi
}
# refused NAME CODE WORD COMMAND...
refused() {
    local name=$1 code=$2 word=$3; shift 3
    "$@" > "$D/out" 2> "$D/err"; local rc=$?
    if [ $rc = "$code" ] && grep -q -- "$word" "$D/err"; then ok "$name"; else bad "$name: exit $rc"; cat "$D/err"; fi
}

# what is packed says so, before and after
"$BIN/em" model inspect "$D/store/kinds.emb" | tr -d '\n' > "$D/out"
json "inspect: labels, activation, ops" "$D/out" 'a[0]["labels"] == ["kind 0", "kind 1", "kind 2"] and a[0]["activation"] == "softmax" and a[0]["ops"] == ["classify"] and a[0]["shape"]["precision"] == "f32"'
"$BIN/em" model inspect "$D/store/small.emb" | tr -d '\n' > "$D/out"
json "inspect: prompts of the folder, replaced and added" "$D/out" 'a[0]["prompts"] == {"query": "query: ", "passage": "P:", "title": ""} and a[0]["ops"] == ["embed"]'
refused "a prompt without a name is refused" 2 'a prompt.s name is' "$BIN/em" model pack "$D/small" --id x --key "$D/publisher" --out "$D/x" \
    --kms-key "$arn" --kms "unix:$D/kms.sock" --kms-roots "$D/twin/tls-root.pem" --credentials "$D/twin/credentials.json" --prompt "=x"
refused "a prompt without a text is refused" 2 'is not NAME=TEXT' "$BIN/em" model pack "$D/small" --id x --key "$D/publisher" --out "$D/x" \
    --kms-key "$arn" --kms "unix:$D/kms.sock" --kms-roots "$D/twin/tls-root.pem" --credentials "$D/twin/credentials.json" --prompt "x"
ask status --json > "$D/out" 2> "$D/err"
json "status: what each model does" "$D/out" '{m["id"]: (m["ops"], m["labels"], m["activation"], len(m["prompts"])) for m in a[0]["models"]} == {"small": (["embed"], [], "none", 3), "kinds": (["classify"], ["kind 0", "kind 1", "kind 2"], "softmax", 0), "judge": (["classify", "rerank"], ["kind 0"], "none", 0)}'
ask status > "$D/out" 2> "$D/err"
grep -q 'for em classify and em rerank' "$D/out" && grep -q 'prompt passage: "P:"' "$D/out" && ok "status for people" || { bad "status for people"; cat "$D/out"; }

# classify
ask classify --model kinds --all --json --evidence "$D/c.cbor" "the quick fox" "a lazy guitar" > "$D/c" 2> "$D/err"
json "classify: every label, best first" "$D/c" '[x["index"] for x in a] == [0, 1] and all(isclose(sum(x["scores"].values()), 1, rel_tol=1e-5) and list(x["scores"].values()) == sorted(x["scores"].values(), reverse=True) and x["label"] == max(x["scores"], key=x["scores"].get) and x["score"] == x["scores"][x["label"]] for x in a) and {k for k in a[0]["scores"]} == {"kind 0", "kind 1", "kind 2"}'
check "classify: its evidence verifies" "$BIN/em" verify "$D/c.cbor"
printf '{"id": 7, "text": "the quick fox"}\n{"id": "b", "text": "a lazy guitar"}\n' | ask classify --model kinds --all --jsonl > "$D/c2" 2> "$D/err"
python3 - "$D" <<'P' && ok "classify: the same scores from lines, with ids" || bad "classify: the same scores from lines, with ids"
import json, sys
a, b = ([json.loads(l) for l in open(f"{sys.argv[1]}/{n}")] for n in ("c", "c2"))
assert [x["scores"] for x in a] == [x["scores"] for x in b] and [x["id"] for x in b] == [7, "b"], (a, b)
P
ask classify --model kinds "the quick fox" > "$D/out" 2> "$D/err"
[ "$(wc -l < "$D/out")" = 2 ] && grep -q 'kind [012]  .* tokens  the quick fox' "$D/out" && grep -q 'receipt evaluation verified' "$D/out" && ok "classify for people" || { bad "classify for people"; cat "$D/out" "$D/err"; }
yes "one more text" | head -n 1500 | ask classify --model kinds --json --evidence "$D/many.cbor" > "$D/out" 2> "$D/err"
json "classify: more texts than one request takes" "$D/out" '[x["index"] for x in a] == list(range(1500)) and len({x["score"] for x in a}) == 1'
check "classify: each request has its evidence" "$BIN/em" verify "$D/many.cbor.2"

# rerank
ask rerank --query "who plays guitar" --json --evidence "$D/r.cbor" "the lazy fox" "who plays guitar" "water" "the lazy fox" > "$D/r" 2> "$D/err"
json "rerank: best first, with its place in the input" "$D/r" '[x["score"] for x in a] == sorted((x["score"] for x in a), reverse=True) and sorted(x["index"] for x in a) == [0, 1, 2, 3] and len({x["score"] for x in a}) == 3 and [x["index"] for x in a if x["index"] in (0, 3)] == [0, 3]'
check "rerank: its evidence verifies" "$BIN/em" verify "$D/r.cbor"
ask rerank --query "who plays guitar" --top 2 --json "the lazy fox" "who plays guitar" "water" "the lazy fox" > "$D/out" 2> "$D/err"
[ "$(cat "$D/out")" = "$(head -n 2 "$D/r")" ] && ok "rerank: the best two" || bad "rerank: the best two"
printf 'the lazy fox\nwho plays guitar\nwater\nthe lazy fox\n' | ask rerank --query "who plays guitar" > "$D/out" 2> "$D/err"
[ "$(sed -n 's/.*\[\([0-9]\)\].*/\1/p' "$D/out" | tr '\n' ' ')" = "$(python3 -c 'import json,sys; print(*[json.loads(l)["index"] for l in open(sys.argv[1])])' "$D/r") " ] && ok "rerank for people, from lines" || { bad "rerank for people"; cat "$D/out"; }
ask rerank --query "another query" --json water > "$D/out" 2> "$D/err"
json "rerank: the query counts" "$D/out" "a[0][\"score\"] != $(python3 -c 'import json,sys; print([json.loads(l)["score"] for l in open(sys.argv[1]) if json.loads(l)["index"] == 2][0])' "$D/r")"
head -c 300000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g' | ask rerank --query q --json > "$D/out" 2> "$D/err"
json "rerank: a long document is cut, and the answer says so" "$D/out" 'a[0]["truncated"] and a[0]["tokens"] == 128'
head -c 300000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g' > "$D/long"
refused "rerank: or refused" 1 REQUEST_MALFORMED ask rerank --query q --refuse-truncation --file "$D/long"
refused "rerank needs a query" 2 'query is needed' ask rerank water

# the same model here: the same numbers, and no proof
"$BIN/em" model try "$D/kinds" "the quick fox" "a lazy guitar" --json > "$D/t" 2> "$D/err"
python3 - "$D" <<'P' && grep -q 'no receipt' "$D/err" && ok "em model try gives classify's scores, and says that nothing proves them" || bad "em model try gives classify's scores"
import json, sys
a, b = ([json.loads(l) for l in open(f"{sys.argv[1]}/{n}")] for n in ("c", "t"))
assert [x["scores"] for x in a] == [x["scores"] for x in b], (a, b)
P
water=$(python3 -c 'import json,sys; print([json.loads(l)["score"] for l in open(sys.argv[1]) if json.loads(l)["index"] == 2][0])' "$D/r")
"$BIN/em" model try "$D/judge" "who plays guitar" --pair water --json > "$D/t" 2> "$D/err"
json "em model try --pair gives rerank's score" "$D/t" "a[0][\"scores\"][\"kind 0\"] == $water"
refused "--pad without --no-mask says why" 2 'needs --no-mask' "$BIN/em" model try "$D/small" x --pad 32
refused "--no-mask without --pad" 2 'needs --pad' "$BIN/em" model try "$D/small" x --no-mask
refused "--pad of a classifier" 2 'embeddings of single texts' "$BIN/em" model try "$D/kinds" x --pad 32 --no-mask
"$BIN/em" model try "$D/small" "the quick fox" --pad 32 --no-mask --json > "$D/t" 2> "$D/err"
json "--pad --no-mask: not normalised" "$D/t" 'abs(a[0]["norm"] - 1) > 0.01 and a[0]["tokens"] == 5'
grep -q 'comparison only' "$D/err" && ok "--pad says what it is for" || bad "--pad says what it is for"
"$BIN/em" model try "$D/kinds" x --as embed --json > "$D/t" 2> "$D/err"
json "a classifier's encoder alone" "$D/t" 'len(a[0]["vector"]) == 64'
PACK_ARGS="--as classify --activation sigmoid" pack "$D/kinds" 9 "$D/x.emb"
"$BIN/em" model inspect "$D/x.emb" | tr -d '\n' > "$D/out"
json "the publisher's activation" "$D/out" 'a[0]["activation"] == "sigmoid" and len(a[0]["labels"]) == 3'
refused "an embedder has no activation" 2 'for classifiers' "$BIN/em" model try "$D/small" x --activation none

# and they are the ones that BERT's definition gives
like() { # like NAME FOLDER ARGUMENT...: em model try and check_heads.py agree
    local name=$1 folder=$2; shift 2
    python3 tests/system/check_heads.py "$folder" "$@" > "$D/want" 2> "$D/err" || { bad "$name: $(tail -n 1 "$D/err")"; return; }
    if [ "$1" = --pad ]; then set -- --pad "$2" --no-mask "${@:3}"; elif [ $# = 2 ]; then set -- "$1" --pair "$2"; fi
    "$BIN/em" model try "$folder" --json "$@" > "$D/got" 2> "$D/err"
    if python3 - "$D" 2>> "$D/err" <<'P'
import json, sys
a, b = (json.load(open(f"{sys.argv[1]}/{n}")) for n in ("want", "got"))
numbers = lambda x: x["vector"] if "vector" in x else [x["scores"][k] for k in sorted(x["scores"])]
assert a["tokens"] == b["tokens"] and len(numbers(a)) == len(numbers(b)), (a["tokens"], b["tokens"])
worst = max(abs(x - y) for x, y in zip(numbers(a), numbers(b)))
assert worst < 3e-6, worst
P
    then ok "$name"; else bad "$name: $(tail -n 1 "$D/err")"; fi
}
like "an embedding as defined" "$D/small" "the quick brown fox"
like "padded and unmasked as defined" "$D/small" --pad 20 "the quick brown fox"
like "three labels as defined" "$D/kinds" "who plays guitar"
like "a pair's score as defined" "$D/judge" "who plays guitar" "the lazy fox"
like "a pair's labels as defined" "$D/kinds" "the quick brown fox" "they all like water"

# prompts
ask embed --json --prompt query --evidence "$D/e.cbor" "who plays guitar" > "$D/p1" 2> "$D/err"
ask embed --json "query: who plays guitar" > "$D/p2" 2> "$D/err"
ask embed --json "who plays guitar" > "$D/p3" 2> "$D/err"
cmp -s "$D/p1" "$D/p2" && ! cmp -s "$D/p1" "$D/p3" && ok "embed --prompt puts the manifest's text before" || bad "embed --prompt puts the manifest's text before"
check "embed --prompt: its evidence verifies" "$BIN/em" verify "$D/e.cbor"
refused "an unknown prompt: what there is" 1 'query, passage, title' ask embed --prompt document x

# what a model does not do
refused "an embedder asked to classify" 1 'embed.*MODEL_OP' ask classify --model small x
refused "an embedder asked to rerank" 1 'embed.*MODEL_OP' ask rerank --model small --query q x
refused "a classifier asked to embed" 1 'classify.*MODEL_OP' ask embed --model kinds x
refused "a classifier of three labels asked to rerank" 1 'one label.*MODEL_OP' ask rerank --model kinds --query q x
refused "and where to look" 1 'em status' ask rerank --model kinds --query q x
refused "two that classify: which?" 1 'kinds' ask classify x
stop $enclave_pid
[ "$rc" = 0 ] && ok "the enclave stops with 0" || bad "the enclave stops with $rc"
grep -aE 'plays guitar|lazy fox' "$D/enclave.err" "$D/host.err" "$D/twin.err" > /dev/null && bad "no log holds a text" || ok "no log holds a text"
