#!/bin/bash
# The door over what a running enclave made: its evidence file and the document inside.
set -u
. tests/system/stage.bash
export PYTHONDONTWRITEBYTECODE=1
stage_up
need embed --evidence "$D/evidence" "what is it that you see?"
need sh -c "openssl x509 -in '$D/twin/nsm-root.pem' -outform DER -out '$D/root.der' 2>/dev/null || python3 -c '
import base64, re, sys
t = open(sys.argv[1]).read()
open(sys.argv[2], \"wb\").write(base64.b64decode(re.search(\"-----BEGIN CERTIFICATE-----(.*?)-----END\", t, re.S).group(1)))' '$D/twin/nsm-root.pem' '$D/root.der'"
need "$BIN/em" key new "$D/other"
need "$BIN/em" policy make --id test --number 9 --key "$D/other" --out "$D/other.policy" --root "$D/twin/nsm-root.pem" \
    --pcrs "$D/pcrs.json" --role arn:aws:iam::111122223333:role/ephemeralml --publisher "small=$D/publisher.pub:1"
python3 tests/system/check_evidence.py "$D"
