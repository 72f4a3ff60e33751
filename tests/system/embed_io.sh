#!/bin/bash
# em embed over files and streams: what goes in, what comes out, in which form, and what a bad line costs.
set -u
. tests/system/stage.bash
stage_up
# same A B: the same vectors (and tokens) in two files of JSON lines, in order
same() { python3 - "$1" "$2" <<'P'
import json, sys
a, b = ([json.loads(l) for l in open(p)] for p in sys.argv[1:])
assert len(a) == len(b) > 0, (len(a), len(b))
for x, y in zip(a, b):
    assert (x["vector"], x["tokens"], x["truncated"]) == (y["vector"], y["tokens"], y["truncated"]), x["index"]
assert [x["index"] for x in a] == list(range(len(a)))
P
}
# says NAME CODE WORD ARGUMENTS...: em embed's exit code and a word on stderr (input: $D/in)
says() {
    local name=$1 code=$2 word=$3 rc; shift 3
    embed "$@" < "$D/in" > "$D/got" 2> "$D/err"; rc=$?
    if [ $rc = "$code" ] && grep -q -- "$word" "$D/err"; then ok "$name"; else bad "$name: exit $rc"; tail -n 3 "$D/err" | sed 's/^/  /'; fi
}

# forms of the same input
for i in $(seq 40); do echo "text number $i, ünïcode and all"; done > "$D/texts"
embed --json < "$D/texts" > "$D/truth" 2> "$D/err" || bad "the truth: $(tail -1 "$D/err")"
embed --file "$D/texts" > "$D/got" 2>/dev/null; check "a file gives JSON lines" same "$D/truth" "$D/got"
embed --format jsonl --file - < "$D/texts" > "$D/got" 2>/dev/null; check "a dash is standard input" same "$D/truth" "$D/got"
head -15 "$D/texts" > "$D/a"; tail -n +16 "$D/texts" > "$D/b"
embed --file "$D/a" --file "$D/b" > "$D/got" 2>/dev/null; check "several files, one after the other" same "$D/truth" "$D/got"
embed --file "$D/a" -f - < "$D/b" > "$D/got" 2>/dev/null; check "a file and standard input" same "$D/truth" "$D/got"
{ printf '\xef\xbb\xbf'; sed 's/$/\r/' "$D/texts" | head -c -2; } > "$D/crlf"
embed --file "$D/crlf" > "$D/got" 2>/dev/null; check "CRLF, a byte order mark, no end at the end" same "$D/truth" "$D/got"
embed --json --batch 7 < "$D/texts" > "$D/got" 2>/dev/null; check "many requests give the same" same "$D/truth" "$D/got"
mapfile -t words < "$D/texts"
embed --json "${words[@]}" > "$D/got" 2>/dev/null; check "arguments" same "$D/truth" "$D/got"
printf 'a\n\nb\n' | embed --json > "$D/got" 2>/dev/null
[ "$(wc -l < "$D/got")" = 3 ] && ok "an empty line is an empty text" || bad "an empty line is an empty text"
embed < "$D/a" > "$D/got" 2>/dev/null
[ "$(wc -l < "$D/got")" = 16 ] && tail -1 "$D/got" | grep -q 'receipt evaluation verified$' && ok "for people" || bad "for people"
embed --batch 10 < "$D/a" > "$D/got" 2>/dev/null
[ "$(wc -l < "$D/got")" = 16 ] && tail -1 "$D/got" | grep -q '2 receipts evaluation verified$' && ok "for people, two requests" || bad "for people, two requests"

# JSON lines
python3 - "$D" <<'P'
import json, sys
d = sys.argv[1]
texts = open(f"{d}/texts", encoding="utf-8").read().splitlines()
with open(f"{d}/in.jsonl", "w") as f:
    for i, t in enumerate(texts):
        f.write(json.dumps([t, {"text": t}, {"id": f"é{i}", "text": t, "more": [1, {}]}, {"text": t, "id": 10 ** 15 + i}, {"id": None, "text": t}][i % 5]) + "\n")
        if i == 20: f.write("\r\n  \n")
with open(f"{d}/field.jsonl", "w") as f:
    for t in texts: f.write(json.dumps({"body": t, "text": 5}, ensure_ascii=False) + "\n")
P
embed --jsonl < "$D/in.jsonl" > "$D/got" 2>/dev/null; check "JSON lines: texts and objects" same "$D/truth" "$D/got"
check "ids go with their vectors" python3 - "$D/got" <<'P'
import json, sys
for i, l in enumerate(open(sys.argv[1])):
    want = {2: f"é{i}", 3: 10 ** 15 + i}.get(i % 5)
    assert json.loads(l).get("id") == want, (i, l[:60])
P
embed --jsonl --field body --file "$D/field.jsonl" > "$D/got" 2>/dev/null; check "another member by --field" same "$D/truth" "$D/got"
bad_line() { # NAME WORD LINE: two good lines, a bad one, a good one; two answers and the line's number
    printf '"one"\n"two"\n%b\n"four"\n' "$3" > "$D/in"
    embed --jsonl < "$D/in" > "$D/got" 2> "$D/err"; local rc=$?
    if [ $rc = 2 ] && [ "$(wc -l < "$D/got")" = 2 ] && grep -q "standard input: line 3: .*$2" "$D/err"; then ok "$1"; else bad "$1: exit $rc"; tail -n 2 "$D/err"; fi
}
bad_line "a broken line" JSON_SYNTAX '{"text": '
bad_line "two values" JSON_SYNTAX '"a" "b"'
bad_line "a number" JSON_TYPE 5
bad_line "no text" 'no member "text"' '{"txt": "a"}'
bad_line "a text that is none" '"text" is not a text' '{"text": [1]}'
bad_line "an id that is none" '"id" is neither' '{"text": "a", "id": [1]}'
bad_line "a member twice" JSON_SYNTAX '{"text": "a", "text": "b"}'
bad_line "NUL by escape" NUL '"a\\u0000b"'
bad_line "JSON that is not UTF-8" JSON_SYNTAX '"a\xff"'
printf 'one\ntwo\nbad \xff\nfour\n' > "$D/in"
says "a line that is not UTF-8" 2 'line 3: the text is not UTF-8' --json
[ "$(wc -l < "$D/got")" = 2 ] && ok "and those before it are answered" || bad "and those before it are answered"
printf 'one\n\0\n' > "$D/in"; says "NUL" 2 'line 2: the text contains NUL' --json
head -c 1100000 /dev/zero | tr '\0' 'x' > "$D/in"; says "a line beyond any text" 2 'LIMIT' --json
: > "$D/in"; says "nothing" 2 'no text' --json
says "no such file" 2 'NOT_FOUND' --file "$D/nosuch"
says "a folder" 2 'IO' --file "$D"
says "a format that is none" 2 'format is' --format csv
says "arguments and files" 2 'not from both' --file "$D/a" word
says "a field without JSON" 2 'field goes with' --field x

# binary forms, against what the JSON lines say
check_numbers() { python3 - "$D/truth" "$1" "$2" <<'P'
import ast, json, struct, sys
truth, path, form = sys.argv[1:]
want = [json.loads(l)["vector"] for l in open(truth)]
data = open(path, "rb").read()
if form == "npy":
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    n = struct.unpack("<H", data[8:10])[0]
    assert (10 + n) % 64 == 0 and data[9 + n] == 10
    head = ast.literal_eval(data[10:10 + n].decode("ascii"))
    assert head == {"descr": "<f4", "fortran_order": False, "shape": (len(want), len(want[0]))}, head
    data = data[10 + n:]
got = struct.unpack(f"<{len(data) // 4}f", data)
flat = [x for row in want for x in row]
assert len(got) == len(flat)
assert all(struct.pack("<f", a) == struct.pack("<f", b) for a, b in zip(got, flat))
P
}
embed --out "$D/v.npy" --file "$D/texts" 2> "$D/err"; check "npy, a file" check_numbers "$D/v.npy" npy
grep -q '40 vectors of' "$D/err" && [ ! -e "$D/v.npy.part" ] && ok "and it says how many" || bad "and it says how many"
embed --out "$D/w.npy" --batch 9 < "$D/texts" 2>/dev/null; check "npy, many requests" cmp "$D/v.npy" "$D/w.npy"
embed --format npy < "$D/texts" > "$D/w.npy" 2>/dev/null; check "npy, redirected to a file" cmp "$D/v.npy" "$D/w.npy"
embed --format npy "${words[@]}" 2>/dev/null | cat > "$D/w.npy"; check "npy of arguments into a pipe" cmp "$D/v.npy" "$D/w.npy"
embed --format npy < "$D/texts" 2> "$D/err" | cat > "$D/w.npy"
grep -q 'not known yet' "$D/err" && [ ! -s "$D/w.npy" ] && ok "npy of a stream into a pipe is refused" || bad "npy of a stream into a pipe is refused"
embed --format f32 < "$D/texts" 2>/dev/null | cat > "$D/v.f32"; check "f32 into a pipe" check_numbers "$D/v.f32" f32
embed --out "$D/w.f32" < "$D/texts" 2>/dev/null; check "f32, a file" cmp "$D/v.f32" "$D/w.f32"
embed --out "$D/o.jsonl" < "$D/texts" 2>/dev/null; check "JSON lines, a file" same "$D/truth" "$D/o.jsonl"
[ ! -e "$D/o.jsonl.part" ] && ok "no part is left" || bad "no part is left"
embed --format f32 --out /dev/null < "$D/texts" 2>/dev/null && [ -c /dev/null ] && ok "a device is written, not replaced" || bad "a device is written, not replaced"
embed --json < "$D/texts" > /dev/full 2> "$D/err"
[ $? = 2 ] && grep -q IO "$D/err" && ok "a full disk is told" || bad "a full disk is told"
cp "$D/v.npy" "$D/old.npy"
{ cat "$D/a"; printf '\xff\n'; } > "$D/in"
says "a bad line with --out" 2 '15 vectors before are kept' --out "$D/old.npy"
cmp -s "$D/v.npy" "$D/old.npy" && python3 - "$D/old.npy.part" <<'P' && ok "leaves the old file, and a part that says what it has" || bad "leaves the old file and a part"
import sys
d = open(sys.argv[1], "rb").read(); assert b"'shape': (15, " in d[:128] and (len(d) - 128) % 15 == 0
P
printf '\xff\n' > "$D/in"; says "a bad first line" 2 'line 1' --out "$D/none.npy"
[ ! -e "$D/none.npy" ] && [ ! -e "$D/none.npy.part" ] && ok "leaves nothing" || bad "leaves nothing"

# evidence of every request
embed --evidence "$D/e" --batch 15 < "$D/texts" > /dev/null 2> "$D/err"
grep -q 'evidence of 3 requests' "$D/err" && [ -e "$D/e.3" ] && [ ! -e "$D/e.4" ] && ok "an evidence file a request" || bad "an evidence file a request"
for e in "$D/e" "$D/e.2" "$D/e.3"; do check "${e##*/} verifies" "$BIN/em" verify "$e"; done

# texts that are too long
long=$(head -c 3000 /dev/zero | tr '\0' ' ' | sed 's/  / a/g')
printf 'short\n%s\n%s\nshort\n' "$long" "$long" > "$D/in"
says "what was cut is counted" 0 '2 of 4 texts were longer' --json
[ "$(grep -c '"truncated":true' "$D/got")" = 2 ] && ok "and named by text" || bad "and named by text"
says "--no-truncate refuses" 1 'embed' --json --no-truncate

# long streams: more than one request takes, in texts and in bytes
seq 3000 > "$D/many"
embed --json < "$D/many" > "$D/got" 2>/dev/null
[ "$(wc -l < "$D/got")" = 3000 ] && ok "3000 lines" || bad "3000 lines: $(wc -l < "$D/got")"
check "in order" python3 -c 'import json, sys; assert [json.loads(l)["index"] for l in open(sys.argv[1])] == list(range(3000))' "$D/got"
sed -n '1500p' "$D/got" > "$D/one"; embed --json 1500 > "$D/alone" 2>/dev/null
check "each with its own answer" python3 -c 'import json, sys; a, b = (json.load(open(p)) for p in sys.argv[1:]); assert a["vector"] == b["vector"]' "$D/one" "$D/alone"
python3 -c 'print("\n".join(f"{i} " + "a " * 400000 for i in range(14)))' > "$D/wide"
embed --json --wait 300 < "$D/wide" > "$D/got" 2> "$D/err"
[ "$(wc -l < "$D/got")" = 14 ] && ok "11 MB in 14 texts" || { bad "11 MB in 14 texts"; tail -n 2 "$D/err"; }

# a stream that comes bit by bit is answered bit by bit, also over a host that went away
mkfifo "$D/fifo"
embed --json --batch 1 < "$D/fifo" > "$D/slow" 2> "$D/slow.err" & slow=$!
exec 4> "$D/fifo"
echo first >&4
wait_for "$D/slow" '"index":0' && ok "the first answer comes before the second text" || bad "the first answer comes before the second text"
stop $host_pid
start_host --listen "$TO"
echo second >&4
wait_for "$D/slow" '"index":1' && grep -q 'asking again in a new session' "$D/slow.err" && ok "a session that breaks is replaced" || { bad "a session that breaks is replaced"; cat "$D/slow.err"; }
echo third >&4
wait_for "$D/slow" '"index":2' && ok "and the stream goes on" || bad "and the stream goes on"
for p in $(pgrep -P $slow) $slow; do kill -INT "$p" 2>/dev/null; done
wait $slow; rc=$?
exec 4>&-
[ $rc = 130 ] && ok "Ctrl-C while waiting for input" || bad "Ctrl-C while waiting for input: $rc"
[ "$(wc -l < "$D/slow")" = 3 ] && ok "what was answered is there" || bad "what was answered is there"

# another version of the model in the middle of a stream: its vectors do not go with the first
embed --batch 1 --out "$D/mixed.f32" < "$D/fifo" > /dev/null 2> "$D/mixed.err" & mixed=$!
exec 4> "$D/fifo"
echo first >&4
for _ in $(seq 200); do [ -s "$D/mixed.f32.part" ] && break; sleep 0.05; done
size=$(stat -c %s "$D/mixed.f32.part")
stop $enclave_pid
pack "$model" 2 "$D/store/small.emb"
start_enclave || { echo "not ok stage: the enclave does not start"; cat "$D/enclave.err"; exit 1; }
echo second >&4
wait $mixed; rc=$?
exec 4>&-
[ $rc = 1 ] && grep -q MODEL_HASH_MISMATCH "$D/mixed.err" && ok "a model that is replaced ends the stream" || { bad "a model that is replaced ends the stream: exit $rc"; cat "$D/mixed.err"; }
[ "$size" -gt 0 ] && [ "$(stat -c %s "$D/mixed.f32.part")" = "$size" ] && [ ! -e "$D/mixed.f32" ] && ok "with the first model's vectors only" || bad "with the first model's vectors only"

# progress, where a person watches
check "progress on a terminal" python3 - "$BIN/em" "$TO" "$D" <<'P'
import os, pty, subprocess, sys
em, to, d = sys.argv[1:]
master, slave = pty.openpty()
p = subprocess.Popen([em, "embed", "--to", to, "--deployment", "test", "--policy", f"{d}/test.policy", "--batch", "50", "--file", f"{d}/many"],
                     stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
seen = b""
while True:
    try:
        got = os.read(master, 4096)
    except OSError:
        break
    if not got: break
    seen += got
assert p.wait() == 0 and b" texts/s, " in seen and b" tokens/s, " in seen and b" %" in seen, seen
P
