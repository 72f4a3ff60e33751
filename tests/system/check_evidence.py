"""An evidence file that an enclave of the local cloud made, and the document in it, at the door."""
import hashlib, os, re, sys
from check_client import *

D = sys.argv[1]
read = lambda name: open(os.path.join(D, name), "rb").read()
file, policy, root = read("evidence"), read("test.policy"), hashlib.sha256(read("root.der")).hexdigest()


def public(name):
    """The last 32 bytes of an Ed25519 SPKI in PEM."""
    return base64.b64decode(re.search(b"-----BEGIN PUBLIC KEY-----(.*?)-----END", read(name), re.S).group(1))[-32:].hex()


def items(b, at=0):
    """(value, end) of the CBOR item at `at`; byte strings as bytes, maps as dicts."""
    major, info = b[at] >> 5, b[at] & 31
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    n = int.from_bytes(b[at + 1:at + 1 + size], "big") if size else info
    at += 1 + size
    if major == 0: return n, at
    if major == 1: return -1 - n, at
    if major == 2: return b[at:at + n], at + n
    if major == 3: return b[at:at + n].decode(), at + n
    if major == 7: return None, at
    if major == 6: return items(b, at)
    out = []
    while b[at] != 0xFF if info == 31 else len(out) < n * (2 if major == 5 else 1):
        v, at = items(b, at)
        out.append(v)
    at += info == 31
    return (dict(zip(out[::2], out[1::2])) if major == 5 else out), at


request = {"op": "evidence", "evidence_b64": b64(file), "signer_hex": public("signer.pub")}
facts = expect("evidence of a running enclave", request, "accept", "OK")
checks = {c["name"]: c["result"] for c in facts.get("checks", [])}
ok("evidence: every check but what may be skipped passes", len(checks) > 20 and "fail" not in checks.values()
   and {n for n, r in checks.items() if r == "skip"} <= {"DOC_CRL", "RECEIPT_REPLAY", "RECEIPT_REQUEST", "RECEIPT_RESPONSE"}, checks)
ok("evidence: facts", facts.get("mode") == "evaluation" and facts.get("self_dated") is True and facts.get("model_id") == "small"
   and facts.get("deployment") == "test" and all(len(c) == 3 for c in facts["checks"]), facts)

parts, _ = items(file)
attest, _ = items(parts["attest"][6:]) # behind the record's head
document = attest["document"]
nitro = {"op": "nitro-document", "document_b64": b64(document), "at": "document", "roots": [root]}
own = expect("nitro-document: the twin's, under its own root", nitro, "accept", "OK")
ok("nitro-document: facts", own.get("mode") == "evaluation" and own.get("root") == root and own.get("debug") is False and len(own.get("pcrs", {})) >= 3
   and len(own.get("public_key", "")) == 64, own)
expect("nitro-document: not under AWS's", {k: v for k, v in nitro.items() if k != "roots"}, "reject", "ROOT_UNKNOWN")
nonce = hashlib.sha256(b"em/1 nonce" + parts["hello"]).hexdigest()
expect("nitro-document: answers C1", {**nitro, "nonce_hex": nonce, "pcrs": own["pcrs"]}, "accept", "OK")
expect("nitro-document: answers no other", {**nitro, "nonce_hex": nonce[:-2] + f"{int(nonce[-2:], 16) ^ 1:02x}"}, "reject", "NONCE_MISMATCH")
expect("nitro-document: other measurements", {**nitro, "pcrs": {"8": own["pcrs"]["0"]}}, "reject", "PCR_MISMATCH")

at = own["timestamp_ms"]
facts = expect("evidence: at a given time", {**request, "at": at + 1000}, "accept", "OK")
ok("evidence: which is told", facts.get("self_dated") is False and facts.get("judged_at_ms") == at + 1000, facts)
expect("evidence: at the document's time by name", {**request, "at": "document"}, "accept", "OK")
expect("evidence: the policy given again", {**request, "policy_b64": b64(policy)}, "accept", "OK")
refused = [("another signer", {**request, "signer_hex": public("other.pub")}, "reject", "POLICY_SIGNER"),
           ("another's policy", {**request, "policy_b64": b64(read("other.policy"))}, "reject", "POLICY_SIGNER"),
           ("no policy", {**request, "policy_b64": ""}, "reject", None), ("a year later", {**request, "at": at + 365 * 86400_000}, "reject", "POLICY_EXPIRED"),
           ("a year before", {**request, "at": at - 365 * 86400_000}, "reject", None), ("trailing", {**request, "evidence_b64": b64(file + b"\0")}, "reject", "EVIDENCE_MALFORMED")]
expect_all("evidence: refusals", refused)
v, c, facts = ask(refused[0][1])
ok("evidence: a refusal names the check", [x["name"] for x in facts["checks"] if x["result"] == "fail"] == ["POLICY_SIGNER"], facts)
expect_all("evidence: no cut and no flip is accepted", [(n, {**request, "evidence_b64": b64(b)}, "reject", None) for n, b in cuts_and_flips(file, 160)])
payload, _ = items(items(document)[0][2])
key = items(payload["user_data"])[0]["receipt_key"]
asked = {"expected_attestation_doc_hash_hex": hashlib.sha256(document).hexdigest(), "max_age_secs": 3600}
air = {"op": "air-receipt", "receipt_hex": parts["receipt"].hex(), "public_key_hex": key.hex(), "policy": asked}
facts = expect("air-receipt: the enclave's", air, "accept", "OK")
ok("air-receipt: its measurements are the document's", facts["enclave_measurements"]["pcr0"] == own["pcrs"]["0"] and facts["security_mode"] == "evaluation", facts)
expect("air-receipt: no production", {**air, "policy": {"reject_evaluation": True}}, "reject", "EVALUATION_MODE_REJECTED")
end()
