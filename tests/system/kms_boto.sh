#!/bin/bash
# AWS's own client library against the twin's KMS over TLS.
set -u
python3 -c 'import boto3' 2>/dev/null || { echo "skip kms_boto: python3 has no boto3 here"; exit 0; }
. tests/system/stage.bash
need "$BIN/em-twin" init --state "$D/twin"
printf '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["kms:Encrypt", "kms:DescribeKey"]},
 {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt",
  "Condition": {"StringEquals": {"kms:RecipientAttestation:PCR0": "00"}}}]}' > "$D/key-policy.json"
need "$BIN/em-twin" key --state "$D/twin" --policy "$D/key-policy.json"; arn=$(cat "$D/need.log")
"$BIN/em-twin" run --state "$D/twin" --kms tcp:127.0.0.1:0 > "$D/twin.out" 2> "$D/twin.err" &
pids+=($!)
wait_for "$D/twin.out" '^ready' || { bad "kms_boto: the twin does not start"; cat "$D/twin.err"; exit 1; }
port=$(sed -n 's/.*kms=tcp:[^ ]*:\([0-9]*\).*/\1/p' "$D/twin.out")
python3 tests/system/kms_boto.py "$port" "$D/twin/tls-root.pem" "$D/twin" "$arn" 2> "$D/boto.err" || { bad "kms_boto: it ends"; tail -5 "$D/boto.err"; }
