# stage.bash - sourced by the tests of whole programs: a folder, a twin, keys, a small model, a
# policy, and functions that start and stop the programs in $O.  Everything ends with the script.
O=${O:-build}
case $O in /*) BIN=$O ;; *) BIN=$PWD/$O ;; esac
D=$(mktemp -d /tmp/em-test-XXXXXX)
export XDG_STATE_HOME=$D/state
pids=()
cleanup() {
    [ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null
    wait 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$D"
}
trap cleanup EXIT
ok() { echo "ok $1"; }
bad() { echo "not ok $1"; }
# check NAME COMMAND...: ok when the command succeeds
check() { local name=$1; shift; if "$@" > "$D/check.log" 2>&1; then ok "$name"; else bad "$name"; tail -n 20 "$D/check.log" | sed 's/^/  /'; fi; }
need() { "$@" > "$D/need.log" 2>&1 || { echo "not ok stage: $*"; tail -n 20 "$D/need.log"; exit 1; }; }

# wait_for FILE TEXT: until TEXT stands in FILE (20 s)
wait_for() { for _ in $(seq 400); do grep -q -- "$2" "$1" 2>/dev/null && return 0; sleep 0.05; done; return 1; }

config() { # config FLOOR [EXTRA JSON members, each with a comma before]
    python3 - "$D" "$1" "$arn" "$publisher" "${2:-}" <<'P'
import json, sys
d, floor, arn, publisher, extra = sys.argv[1:]
c = {"version": "test-1", "deployment": "test", "clients": "anyone",
     "nsm": f"unix:{d}/nsm.sock", "listen": f"unix:{d}/listen.sock", "store": f"unix:{d}/store.sock",
     "credentials": f"unix:{d}/cred.sock",
     "kms": {"connect": f"unix:{d}/kms-forward.sock", "roots": [open(f"{d}/twin/tls-root.pem").read()]},
     "models": [{"id": "small", "object": "small.emb", "kms_key": arn,
                 "publishers": [{"key": publisher, "floor": int(floor)}]}]}
if extra: c.update(json.loads(extra))
json.dump(c, open(f"{d}/enclave.json", "w"), indent=1)
P
}
measure_and_allow() { # key policy and client policy for the present configuration
    need "$BIN/em" measure "$BIN/em-enclave" "$D/enclave.json" --json
    cp "$D/need.log" "$D/pcrs.json"
    python3 - "$D" <<'P'
import json, sys
d = sys.argv[1]; p = json.load(open(f"{d}/pcrs.json"))
json.dump({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt"},
    {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Condition": {"StringEqualsIgnoreCase": {
        "kms:RecipientAttestation:PCR0": p["pcr0"], "kms:RecipientAttestation:PCR1": p["pcr1"]}}}]},
    open(f"{d}/key-policy.json", "w"))
P
    need "$BIN/em-twin" key --state "$D/twin" --key "$arn" --policy "$D/key-policy.json"
    policy_number=$((${policy_number:-0} + 1))
    need "$BIN/em" policy make --id test --number $policy_number --key "$D/signer" --out "$D/test.policy" \
        --root "$D/twin/nsm-root.pem" --pcrs "$D/pcrs.json" --role arn:aws:iam::111122223333:role/ephemeralml \
        --publisher "small=$D/publisher.pub:1" ${PUBLISHER_ARGS:-}
}
start_twin() { # further arguments of em-twin run
    : > "$D/twin.out" # what it said before is not what we wait for
    "$BIN/em-twin" run --state "$D/twin" --program "$BIN/em-enclave" --config "$D/enclave.json" \
        --nsm "unix:$D/nsm.sock" --kms "unix:$D/kms.sock" "$@" > "$D/twin.out" 2> "$D/twin.err" &
    twin_pid=$!; pids+=($!)
    wait_for "$D/twin.out" '^ready' || { echo "not ok stage: the twin does not start"; cat "$D/twin.err"; exit 1; }
}
start_host() { # further arguments of em-host
    : > "$D/host.out"
    "$BIN/em-host" --listen tcp:127.0.0.1:0 --enclave "unix:$D/listen.sock" --store "$D/store" --store-listen "unix:$D/store.sock" \
        --credentials "$D/twin/credentials.json" --credentials-listen "unix:$D/cred.sock" \
        --forward "unix:$D/kms-forward.sock=unix:$D/kms.sock" "$@" > "$D/host.out" 2> "$D/host.err" &
    host_pid=$!; pids+=($!)
    wait_for "$D/host.out" '^ready' || { echo "not ok stage: the host does not start"; cat "$D/host.err"; exit 1; }
    TO=$(sed -n 's/^ready .*listen=\([^ ]*\) enclave.*/\1/p' "$D/host.out")
}
start_enclave() { # succeeds once it is ready
    : > "$D/enclave.err"
    "$BIN/em-enclave" "$D/enclave.json" > "$D/enclave.out" 2> "$D/enclave.err" &
    enclave_pid=$!; pids+=($!)
    for _ in $(seq 600); do
        grep -q READY "$D/enclave.err" && return 0
        kill -0 $enclave_pid 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
stop() { # stop PID: SIGTERM, then its exit code in $rc
    kill "$1" 2>/dev/null; wait "$1" 2>/dev/null; rc=$?
}
pack() { # pack FOLDER NUMBER FILE
    need "$BIN/em" model pack "$1" --id small --number "$2" --key "$D/publisher" --out "$3" --kms-key "$arn" \
        --kms "unix:$D/kms.sock" --kms-roots "$D/twin/tls-root.pem" --credentials "$D/twin/credentials.json" ${PACK_ARGS:-}
}
embed() { "$BIN/em" embed --to "$TO" --deployment test --policy "$D/test.policy" "$@"; }

# stage_up [FOLDER]: everything up to a serving enclave
stage_prepare() {
    need "$BIN/em" key new "$D/publisher"; publisher=$(cut -d' ' -f1 "$D/need.log")
    need "$BIN/em" key new "$D/signer"
    need "$BIN/em" policy trust "$D/signer.pub"
    need "$BIN/em-twin" init --state "$D/twin"
    need "$BIN/em-twin" key --state "$D/twin"; arn=$(cat "$D/need.log")
    config 1 "${CONFIG_EXTRA:-}"
    measure_and_allow
    mkdir -p "$D/store"
}
stage_up() {
    stage_prepare
    model=${1:-$D/model}
    [ -n "${1:-}" ] || need "$BIN/em" model synth "$D/model"
    start_twin
    pack "$model" 1 "$D/store/small.emb"
    start_host
    start_enclave || { echo "not ok stage: the enclave does not start"; cat "$D/enclave.err"; exit 1; }
}
