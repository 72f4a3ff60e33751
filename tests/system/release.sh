#!/bin/bash
# Key release and loading: what the enclave refuses, by name, with nothing served.
set -u
. tests/system/stage.bash
stage_prepare
need "$BIN/em" model synth "$D/model"
start_twin
PACK_ARGS="--chunk 4096"
pack "$D/model" 1 "$D/store/small.emb"
pack "$D/model" 2 "$D/second.emb"
start_host
good=$D/store/small.emb; cp "$good" "$D/good.emb"

# refuses NAME ERROR: the enclave does not start, exits 1, and notes ERROR
refuses() {
    if start_enclave; then bad "$1: it started"; stop $enclave_pid; return; fi
    wait $enclave_pid; local code=$?
    if [ $code = 1 ] && grep -q " $2 " "$D/enclave.err"; then ok "$1: $2"; else bad "$1: exit $code"; sed 's/^/  /' "$D/enclave.err"; fi
}
works() { if start_enclave; then ok "$1"; stop $enclave_pid; else bad "$1"; sed 's/^/  /' "$D/enclave.err"; fi; }
again() { stop $twin_pid; start_twin "$@"; }

works "a good bundle loads"
size=$(stat -c %s "$good")
flip() { python3 -c "import sys; f=open('$good','r+b'); f.seek($1); b=f.read(1); f.seek($1); f.write(bytes([b[0]^1]))"; }
flip 70000;            refuses "a flipped bit in a chunk" BUNDLE_CHUNK; cp "$D/good.emb" "$good"
flip $((size - 1));    refuses "a flipped bit in the last chunk" BUNDLE_CHUNK; cp "$D/good.emb" "$good"
flip 100;              refuses "a flipped bit in the manifest" MODEL_REFUSED; cp "$D/good.emb" "$good"
truncate -s $((size - 5000)) "$good"; refuses "a bundle cut short" BUNDLE_COUNT; cp "$D/good.emb" "$good"
rm "$good";            refuses "no bundle at all" NOT_FOUND; cp "$D/good.emb" "$good"
python3 - "$D" <<'P'
import sys
d = sys.argv[1]; a = bytearray(open(f"{d}/good.emb", "rb").read()); b = open(f"{d}/second.emb", "rb").read()
n = 4096 + 16
a[65536:65536 + n] = b[65536:65536 + n]
open(f"{d}/store/small.emb", "wb").write(a)
P
refuses "a chunk of another packing" BUNDLE_CHUNK; cp "$D/good.emb" "$good"
again --hostile kms-other-key;  refuses "KMS releases other bytes" KEY_RELEASE
again --hostile kms-plaintext;  refuses "KMS answers with Plaintext" AWS_ANSWER
again --hostile kms-key-id;     refuses "KMS names another key" AWS_ANSWER
again --hostile kms-cut;        refuses "KMS's answer is cut" TRUNCATED
again --hostile replay;         refuses "KMS is shown a replayed document" AWS_REFUSED
                                refuses "the enclave is shown a replayed document" NONCE_MISMATCH
again --hostile skew=-600000000; refuses "the NSM's clock is wrong" CERT_NOT_YET_VALID
again --debug;                  refuses "debug mode" DEBUG_ENCLAVE
again --hostile kms-definite;   works "CMS with definite lengths"
again
# another configuration is another measurement: KMS says no
cp "$D/enclave.json" "$D/kept.json"
sed -i 's/"test-1"/"test-2"/' "$D/enclave.json"
again; refuses "a configuration that the key policy does not know" AWS_REFUSED
config 2 ''; measure_and_allow; again
refuses "a version below the floor" MANIFEST_FLOOR
cp "$D/second.emb" "$good"; works "the next version at the floor"
# configurations that do not boot
for bad_config in '{"clients": "nobody"}' '{"extra": 1}' '{"nsm": 7}' '{"models": []}' '{"limits": {"sessions": 0}}' '{"listen": "nowhere"}'; do
    config 1 "$bad_config"
    refuses "configuration $bad_config" CONFIG_REFUSED
done
echo '{' > "$D/enclave.json"; refuses "a configuration that is no JSON" CONFIG_REFUSED
"$BIN/em-enclave" > /dev/null 2>&1; [ $? = 2 ] && ok "no configuration: exit 2" || bad "no configuration: exit 2"
