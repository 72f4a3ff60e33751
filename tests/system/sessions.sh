#!/bin/bash
# Many sessions at once, each with its own right answer; and what a session survives.
set -u
. tests/system/stage.bash
stage_up

# truth, one after the other
n=64
for i in $(seq $n); do echo "text number $i speaks of item $((i * 7919 % 1000))"; done > "$D/texts"
embed --json < "$D/texts" > "$D/truth" 2>/dev/null
[ "$(wc -l < "$D/truth")" = $n ] && ok "a request of $n texts" || bad "a request of $n texts"
i=0
while read -r line; do
    i=$((i + 1))
    embed --json "$line" > "$D/answer.$i" 2> "$D/err.$i" &
    workers[i]=$!
done < "$D/texts"
failed=0
for i in $(seq $n); do wait "${workers[i]}" || failed=$((failed + 1)); done
[ $failed = 0 ] && ok "$n sessions at once are all served" || { bad "$n sessions at once: $failed failed"; cat "$D"/err.* | sort | uniq -c | head -5; }
if python3 - "$D" $n <<'P'
import json, sys
d, n = sys.argv[1], int(sys.argv[2])
truth = [json.loads(l) for l in open(f"{d}/truth")]
for i in range(n):
    a = json.loads(open(f"{d}/answer.{i + 1}").readline())
    assert a["vector"] == truth[i]["vector"], i
    assert a["tokens"] == truth[i]["tokens"], i
assert len({tuple(t["vector"]) for t in truth}) == n
P
then ok "each session got its own answer, the same bits as in one batch"; else bad "each session got its own answer"; fi

# the same with requests of every size, together: batches of many sessions, and clients that go
# while theirs is computed
python3 - "$D" <<'P'
import random, sys
draw = random.Random(11)
words = "time house water night people book music world city paper a of the in 1 2 3 . ,".split()
for i in range(24):
    texts, longest = draw.choice((1, 1, 2, 5, 40, 300)), draw.choice((3, 20, 90))
    with open(f"{sys.argv[1]}/mixed.{i}", "w") as f:
        for _ in range(texts): f.write(" ".join(draw.choices(words, k=draw.randrange(1, longest))) + "\n")
P
for i in $(seq 0 23); do embed --json < "$D/mixed.$i" > "$D/alone.$i" 2> "$D/err.alone.$i" || bad "request $i alone"; done
workers=() leavers=()
for round in 1 2; do
    for i in $(seq 0 23); do
        embed --json < "$D/mixed.$i" > "$D/together.$round.$i" 2> "$D/err.together.$round.$i" & workers+=($!)
        [ $((i % 4)) = 3 ] && { "$BIN/em" embed --to "$TO" --deployment test --policy "$D/test.policy" < "$D/mixed.$i" > /dev/null 2>&1 & leavers+=($!); }
    done
done
for pid in "${leavers[@]}"; do sleep 0.03; kill "$pid" 2> /dev/null; done
failed=0
for pid in "${workers[@]}"; do wait "$pid" || failed=$((failed + 1)); done
for pid in "${leavers[@]}"; do wait "$pid"; done
[ $failed = 0 ] && ok "48 requests of many sizes at once are all served" || { bad "48 requests of many sizes at once: $failed failed"; cat "$D"/err.together.* | sort | uniq -c | head -5; }
same=0
for round in 1 2; do for i in $(seq 0 23); do cmp -s "$D/alone.$i" "$D/together.$round.$i" && same=$((same + 1)); done; done
[ $same = 48 ] && ok "each has the same bits as alone" || bad "each has the same bits as alone: $same of 48"

# evidence of one of them verifies, and does not under another policy signer
embed --evidence "$D/e.cbor" "evidence" > /dev/null 2>&1
check "evidence verifies" "$BIN/em" verify "$D/e.cbor"
XDG_STATE_HOME=$D/nobody "$BIN/em" verify "$D/e.cbor" > /dev/null 2>&1
[ $? = 1 ] && ok "evidence without a pinned signer is refused" || bad "evidence without a pinned signer is refused"
check "status" "$BIN/em" status --to "$TO" --deployment test --policy "$D/test.policy" --json
"$BIN/em" embed --to "$TO" --deployment other --policy "$D/test.policy" x > /dev/null 2>&1
[ $? != 0 ] && ok "another deployment is refused" || bad "another deployment is refused"
embed --model nosuch x > /dev/null 2> "$D/err"
[ $? = 1 ] && grep -q MODEL_UNKNOWN "$D/err" && ok "an unknown model is refused" || bad "an unknown model is refused"
printf 'bad \xff utf8' | embed > /dev/null 2> "$D/err"
rc=$?
[ $rc != 0 ] && [ $rc -lt 128 ] && ok "a text that is not UTF-8 is refused" || bad "a text that is not UTF-8 is refused ($rc)"
head -c 300000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g' | embed --json > "$D/long" 2> "$D/err"
grep -q '"truncated":true' "$D/long" && ok "a long text is cut, and the answer says so" || bad "a long text is cut, and the answer says so"
head -c 300000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g' | embed --refuse-truncation > /dev/null 2> "$D/err"
[ $? != 0 ] && ok "a long text is refused where truncation is" || bad "a long text is refused where truncation is"

# clients that come and go, noise, half a handshake
port=${TO##*:}
for _ in $(seq 20); do (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET / HTTP/1.1\r\n\r\n' >&3; exec 3>&-) 2>/dev/null; done
for _ in $(seq 20); do (exec 3<>"/dev/tcp/127.0.0.1/$port"; head -c 100 /dev/urandom >&3; exec 3>&-) 2>/dev/null; done
check "served after noise" embed "still there"
kill -0 $enclave_pid 2>/dev/null && ok "the enclave lives" || bad "the enclave lives"

# the policy's version may not go back
old=$D/test.policy.old; cp "$D/test.policy" "$old"
measure_and_allow
check "a newer policy" embed "newer"
cp "$old" "$D/test.policy"
embed "older" > /dev/null 2> "$D/err"
[ $? = 1 ] && grep -q POLICY_ROLLBACK "$D/err" && ok "an older policy is refused" || bad "an older policy is refused"
stop $enclave_pid
[ "$rc" = 0 ] && ok "the enclave stops with 0" || bad "the enclave stops with $rc"
grep -aE 'text number|item [0-9]' "$D/enclave.err" "$D/host.err" "$D/twin.err" > /dev/null && bad "no log holds a text" || ok "no log holds a text"
