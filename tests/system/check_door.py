"""The door itself, with artefacts of our own making: requests of every malformed kind, each verdict
and exit code, each code of an AIR receipt, and mutations that must never be accepted."""
import json, os, shutil, subprocess, sys, tempfile
from check_client import *

RFC = b"https://spec.cyntrisec.com/air/v1".decode()
KEY = Signer(bytes(range(32)))
NOW = 1_790_000_000
IAT = NOW - 10
HEADER = cbor({1: -8, 3: 61})

# ---- requests that are none ----

CBOR = {"op": "cbor", "hex": "a10102"}
RAW = [
    (b"", "JSON_SYNTAX"), (b" ", "JSON_SYNTAX"), (b"\n", "JSON_SYNTAX"), (b"nothing", "JSON_SYNTAX"),
    (b"\0", "JSON_SYNTAX"), (b"{", "JSON_SYNTAX"), (b'{"op":"cbor","hex":"00"', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":"00"}x', "JSON_SYNTAX"), (b'{"op":"cbor","hex":"00"}{}', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":"00",}', "JSON_SYNTAX"), (b"{'op':'cbor'}", "JSON_SYNTAX"),
    (b'\xef\xbb\xbf{"op":"cbor","hex":"00"}', "JSON_SYNTAX"), (b'{"op":"cbor","hex":"\xff"}', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":"\\ud800"}', "JSON_SYNTAX"), (b'{"op":"cbor","hex":"00","\\u0000":1}', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":"\\x30"}', "JSON_SYNTAX"), (b'{"op":"cbor","hex":00}', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":NaN}', "JSON_SYNTAX"), (b'{"op":"cbor","hex":"00","n":1e999}', "JSON_SYNTAX"),
    (b'{"op":"cbor","hex":"00","n":99999999999999999999}', "JSON_SYNTAX"),
    (b"[" * 100000, "JSON_SYNTAX"), (b'{"a":' * 100000, "JSON_SYNTAX"),
    (b'"cbor"', "JSON_SYNTAX"), (b"1", "JSON_SYNTAX"), (b"null", "JSON_SYNTAX"),
    (b"[]", "JSON_TYPE"), (b'[{"op":"cbor","hex":"00"}]', "JSON_TYPE"),
    (b"{}", "JSON_MEMBER"), (b'{"hex":"00"}', "JSON_MEMBER"), (b'{"op":"cbor"}', "JSON_MEMBER"),
    (b'{"op":"cbor","hex":"00","hex":"00"}', "JSON_DUPLICATE"), (b'{"op":"cbor","op":"cbor","hex":"00"}', "JSON_DUPLICATE"),
    (b'{"op":"cbor","hex":"00","o\\u0070":"cbor"}', "JSON_DUPLICATE"),
    (b'{"op":"air-receipt","receipt_hex":"","public_key_hex":"' + b"00" * 32 + b'","policy":{"max_age_secs":1,"max_age_secs":1}}',
     "JSON_DUPLICATE"),
    (b'{"op":1}', "JSON_TYPE"), (b'{"op":null,"hex":"00"}', "JSON_TYPE"), (b'{"op":["cbor"],"hex":"00"}', "JSON_TYPE"),
    (b'{"OP":"cbor","hex":"00"}', "JSON_MEMBER"), (b'{"op":"cbor","Hex":"00"}', "JSON_MEMBER"),
    (b" " * (32 << 20) + b"{}", "LIMIT"), (b'{"op":"cbor","hex":"' + b"0" * (32 << 20) + b'"}', "LIMIT"),
]


def change(base, **members):
    """A request with members set, or left out where they are ...; "policy__x" reaches inside."""
    r = json.loads(json.dumps(base))
    for path, value in members.items():
        at, *inner = path.split("__")
        into, name = (r.setdefault(at, {}), inner[0]) if inner else (r, at)
        if value is ...:
            into.pop(name, None)
        else:
            into[name] = value
    return r


def malformed(name, base, cases):
    expect_all(name, [(str(c)[:80], change(base, **c), "malformed", code)
                      for c, code in cases])


def wrong_types(names, text=True):
    for n in names:
        for value in (None, 1, True, [], {}, 1.5) if text else (None, "1", True, [], {}, 1.5, 1.0, -1):
            yield {n: value}, None


def bad_hex(*names):
    for n in names:
        for value in ("0", "0g", "AB", "0x00", " 00", "00 ", "0\u00000", "\u0660\u0660", "00\n"):
            yield {n: value}, "HEX"


def bad_base64(*names):
    for n in names:
        for value in ("A", "AA", "AAA", "AAAA=", "AA==AA==", "AB==", "AAB=", "_-__", "AA\n==", " AAAA", "=", "A\u0000==", "AAA=A"):
            yield {n: value}, "BASE64"


def door():
    expect_all("what is no request is malformed", [(raw[:60], raw, "malformed", code) for raw, code in RAW])
    facts = expect("a request is accepted", CBOR, "accept", "OK")
    ok("facts say what it is", facts == {"type": "map", "length": 3}, facts)
    expect("a request of 32 MiB is read", json.dumps(CBOR).encode().ljust(32 << 20), "accept", "OK")
    expect_all("an unknown op is unsupported", [(o, {"op": o}, "unsupported", "UNSUPPORTED") for o in
                                                ("", "CBOR", "cbor ", "cbor\0", "\0", "x" * 100000, "\U0001f511", "--list")])
    malformed("cbor: members", CBOR, [({"x": 1}, "JSON_MEMBER"), ({"hex": ...}, "JSON_MEMBER"), *wrong_types(["hex"]), *bad_hex("hex")])
    for args in (("--nonsense",), ("cbor",), ("--list", "x"), ("-",)):
        v, c, _ = ask(CBOR, args)
        ok(f"arguments {args} are malformed", v == "malformed", f"{v} {c}")
    p = subprocess.run([EM, "check", "--list"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    ok("--list names the ops", p.returncode == 0 and p.stdout.split() == [
        "nitro-document", "air-receipt", "cbor", "cose-sign1", "hpke-open", "kms-cms", "evidence", "tokenize", "embed"], p.stdout)
    for flag in ("--help", "--version"):
        p = subprocess.run([EM, "check", flag], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        ok(f"{flag} answers", p.returncode == 0 and "em check" in p.stdout and not p.stderr, p.stdout)
    with open(os.devnull, "w") as full:
        p = subprocess.run([EM, "check"], stdin=subprocess.DEVNULL, stdout=full)
        ok("end of input at once is malformed", p.returncode == 30, p.returncode)
    closed = subprocess.run(["sh", "-c", f'exec "{EM}" check <&-'], capture_output=True)
    ok("no standard input at all is an error", closed.returncode == 1 and json.loads(closed.stdout)["code"] == "IO", closed)


# ---- cbor ----

def cbor_op():
    codes = [("", "CBOR_SHORT"), ("0000", "CBOR_TRAILING"), ("1817", "CBOR_NOT_SHORTEST"), ("9fff", "CBOR_INDEFINITE"),
             ("a201000000", "CBOR_UNSORTED"), ("a200000000", "CBOR_DUPLICATE"), ("61ff", "CBOR_NOT_UTF8"),
             ("6100", "CBOR_NUL"), ("81" * 17 + "00", "CBOR_DEPTH"), ("f90000", "CBOR_FLOAT"), ("c000", "CBOR_TAG"),
             ("f7", "CBOR_SIMPLE"), ("1c", "CBOR_RESERVED"), ("9bffffffffffffffff", "CBOR_SHORT"), ("5bffffffffffffffff", "CBOR_SHORT")]
    expect_all("cbor: each error by name", [(h, {"op": "cbor", "hex": h}, "reject", c) for h, c in codes])
    expect_all("cbor: at the limit of depth", [("16", {"op": "cbor", "hex": "81" * 16 + "00"}, "accept", "OK")])
    expect_all("cbor: random bytes as an independent decoder says", [
        (b.hex(), {"op": "cbor", "hex": b.hex()}, "accept" if strict(b) else "reject", None)
        for b in [bytes((i * 7 + k * k * (i % 13 + 1) + i // 5) % 256 for k in range(i % 4 + 1)) for i in range(150)]])


# ---- receipts ----

NITRO = {"pcr0": b"\1" * 48, "pcr1": b"\2" * 48, "pcr2": b"\3" * 48, "measurement_type": "nitro-pcr"}
CLAIMS = {1: "issuer", 6: IAT, 7: bytes(range(16)), 10: b"nonce-of-a-client", 265: RFC, -65537: "minilm", -65538: "1.0",
          -65539: b"\xaa" * 32, -65540: b"\xbb" * 32, -65541: b"\xcc" * 32, -65542: b"\xdd" * 32, -65543: NITRO,
          -65544: "policy 1", -65545: 2 ** 64 - 1, -65546: 12, -65547: 100, -65548: "evaluation", -65549: "sha256-manifest"}
NAMES = {1: "iss", 6: "iat", 7: "cti", 10: "eat_nonce", 265: "eat_profile", -65537: "model_id", -65538: "model_version",
         -65539: "model_hash", -65540: "request_hash", -65541: "response_hash", -65542: "attestation_doc_hash",
         -65543: "enclave_measurements", -65544: "policy_version", -65545: "sequence_number", -65546: "execution_time_ms",
         -65547: "memory_peak_mb", -65548: "security_mode", -65549: "model_hash_scheme"}


def receipt(claims=None, header=HEADER, **how):
    payload = claims if isinstance(claims, bytes) else cbor(CLAIMS if claims is None else claims)
    return sign1(KEY, header, payload, **how)


def air(bytes_, **members):
    return change({"op": "air-receipt", "receipt_hex": bytes_.hex(), "public_key_hex": KEY.public.hex(), "now_secs": NOW}, **members)


def claims_but(changes, drop=()):
    c = {**CLAIMS, **changes}
    for k in drop:
        c.pop(k)
    return c


def pairs(claims):
    return [(cbor(k), cbor(v)) for k, v in sorted(claims.items(), key=lambda kv: cbor(kv[0]))]


def unsorted_map(ps):
    return head(5, len(ps)) + b"".join(k + v for k, v in ps)


def measured(**members):
    m = {**NITRO, **members}
    return claims_but({-65543: {k: v for k, v in m.items() if v is not ...}})


def air_cases():
    good = receipt()
    yield "reject", "RECEIPT_TOO_LARGE", receipt(cbor(CLAIMS) + bytes(65536))
    yield "reject", "COSE_DECODE_FAILED", b""
    yield "reject", "COSE_DECODE_FAILED", good + b"\0"
    yield "reject", "COSE_DECODE_FAILED", receipt(tag=False)
    yield "reject", "COSE_DECODE_FAILED", b"\xd8\x12" + good[1:]
    yield "reject", "COSE_DECODE_FAILED", b"\xd1" + good[1:]
    yield "reject", "COSE_DECODE_FAILED", b"\xd2" + good
    yield "reject", "NON_EMPTY_UNPROTECTED", receipt(unprotected={4: b"kid"})
    for h in ({1: -7, 3: 61}, {3: 61}, {}, {1: "EdDSA", 3: 61}):
        yield "reject", "BAD_ALG", receipt(header=cbor(h))
    yield "reject", "BAD_ALG", receipt(header=b"")
    for h in ({1: -8}, {1: -8, 3: 60}, {1: -8, 3: "application/cwt"}):
        yield "reject", "BAD_CONTENT_TYPE", receipt(header=cbor(h))
    yield "reject", "MISSING_PAYLOAD", receipt(payload_out=None)
    yield "reject", "MISSING_PAYLOAD", receipt(b"")
    for p in (cbor([]), cbor(b"x"), cbor(CLAIMS)[:-1], cbor(CLAIMS) + b"\0", b"\xbf" + cbor(CLAIMS)[1:] + b"\xff",
              unsorted_map(pairs(CLAIMS)[::-1]), cbor(claims_but({6: Raw(b"\x1b" + IAT.to_bytes(8, "big"))})),
              cbor(claims_but({1: Raw(b"\x61\xff")})), cbor(claims_but({1: "a\0b"})), cbor(claims_but({6: Raw(b"\xc1\x01")}))):
        yield "reject", "PAYLOAD_NOT_MAP", receipt(p)
    for k, name in NAMES.items():
        gone = claims_but({}, [k])
        yield ("accept", "OK", receipt(gone)) if k in (10, -65549) else ("reject", f"MISSING_CLAIM:{name}", receipt(gone))
        for wrong in (None, [], -1):
            yield "reject", f"WRONG_TYPE:{name}", receipt(claims_but({k: wrong}))
        ps = pairs(CLAIMS)
        twice = next(p for p in ps if p[0] == cbor(k))
        yield "reject", f"DUPLICATE_CLAIM:{name}", receipt(unsorted_map(ps + [twice]))
    for k, x in ((2, "2"), (-1, "-1"), (-65550, "-65550"), ("foo", "foo"), ("", ""), ("\u00e9\u6c34\n", "\u00e9\u6c34\n"), (2 ** 64 - 1, str(2 ** 64 - 1)),
                 (-2 ** 64, str(-2 ** 64))):
        yield "reject", f"UNKNOWN_CLAIM:{x}", receipt(claims_but({k: 0}))
    for k in (-65539, -65540, -65541, -65542):
        for n in (0, 31, 33):
            yield "reject", f"BAD_HASH_LENGTH:{NAMES[k]}", receipt(claims_but({k: b"\1" * n}))
    yield "reject", "WRONG_PROFILE", receipt(claims_but({265: RFC + "/"}))
    for n in (0, 63, 65):
        parts = [HEADER, Raw(b"\xa0"), cbor(CLAIMS), b"\1" * n]
        yield "reject", "BAD_SIG_LENGTH", b"\xd2" + cbor(parts)
    yield "reject", "SIG_FAILED", b"\xd2" + cbor([HEADER, Raw(b"\xa0"), cbor(CLAIMS), b"\1" * 64])
    yield "reject", "BAD_CTI_LENGTH", receipt(claims_but({7: b"\1" * 15}))
    yield "reject", "ZERO_MODEL_HASH", receipt(claims_but({-65539: bytes(32)}))
    for m in ("pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"):
        yield "reject", "BAD_MEASUREMENT_LENGTH", receipt(measured(**{m: b"\1" * 47}))
        yield "reject", f"WRONG_TYPE:{m}", receipt(measured(**{m: "x"}))
    for m in ("pcr0", "pcr1", "pcr2", "measurement_type"):
        yield "reject", f"MISSING_CLAIM:{m}", receipt(measured(**{m: ...}))
    yield "reject", "UNKNOWN_CLAIM:pcr5", receipt(measured(pcr5=b"\1" * 48))
    yield "reject", "UNKNOWN_MTYPE:measurement_type", receipt(measured(measurement_type="sev"))
    yield "reject", "UNKNOWN_MODEL_HASH_SCHEME:model_hash_scheme", receipt(claims_but({-65549: "md5"}))
    yield "reject", "UNKNOWN_SECURITY_MODE:security_mode", receipt(claims_but({-65548: "Production"}))
    yield "accept", "OK", receipt(claims_but({-65548: "production"}))
    for k, v in ((6, 0), (7, bytes(16)), (10, b"\1" * 7), (10, b"\1" * 65), (1, ""), (1, "x" * 257), (-65537, ""), (-65537, "x" * 257),
                 (-65538, ""), (-65538, "x" * 129), (-65544, ""), (-65544, "x" * 257), (-65548, ""), (-65548, "x" * 65)):
        yield "reject", f"BAD_VALUE:{NAMES[k]}", receipt(claims_but({k: v}))
    yield "reject", "BAD_VALUE:pcr8", receipt(measured(pcr8=b"\1" * 48, measurement_type="tdx-mrtd-rtmr"))
    yield "accept", "OK", receipt(measured(pcr3=b"\1" * 48, pcr4=b"\1" * 48, measurement_type="tdx-mrtd-rtmr"))
    for k, v in ((10, b"\1" * 8), (10, b"\1" * 64), (1, "x" * 256), (-65538, "x" * 128)):
        yield "accept", "OK", receipt(claims_but({k: v}))
    # the first fault in the order of the list
    yield "reject", "MISSING_CLAIM:iss", receipt(claims_but({2: 0, 6: "x"}, [1]))
    yield "reject", "WRONG_TYPE:iat", receipt(claims_but({2: 0, 6: "x"}))
    yield "reject", "UNKNOWN_CLAIM:2", receipt(claims_but({2: 0, -65539: b""}))
    yield "reject", "ZERO_MODEL_HASH", receipt(claims_but({7: bytes(16), -65539: bytes(32)}))
    yield "reject", "UNKNOWN_SECURITY_MODE:security_mode", receipt(claims_but({6: 0, -65548: "x"}))


def air_op():
    expect_all("air-receipt: each code", [(f"{i}", air(r), v, c) for i, (v, c, r) in enumerate(air_cases())])
    facts = expect("air-receipt: a receipt of our own making", air(receipt()), "accept", "OK")
    want = {NAMES[k]: v.hex() if isinstance(v, bytes) else v for k, v in CLAIMS.items()}
    want["enclave_measurements"] = {k: v.hex() if isinstance(v, bytes) else v for k, v in NITRO.items()}
    ok("air-receipt: facts are the claims", facts == want, facts)
    facts = expect("air-receipt: optional claims absent", air(receipt(claims_but({}, [10, -65549]))), "accept", "OK")
    ok("air-receipt: are no facts", "eat_nonce" not in facts and "model_hash_scheme" not in facts and facts["iss"] == "issuer", facts)
    r = receipt()
    asked = [
        ("accept", "OK", dict(policy={})), ("accept", "OK", dict(now_secs=2 ** 62)), ("accept", "OK", dict(now_secs=IAT - 60)),
        ("reject", "TIMESTAMP_FUTURE", dict(now_secs=IAT - 61)), ("reject", "TIMESTAMP_FUTURE", dict(policy__max_skew_secs=0, now_secs=IAT - 1)),
        ("accept", "OK", dict(policy__max_skew_secs=3600, now_secs=IAT - 3600)),
        ("accept", "OK", dict(policy__max_age_secs=10)), ("reject", "TIMESTAMP_STALE", dict(policy__max_age_secs=9)),
        ("accept", "OK", dict(policy__max_age_secs=0, now_secs=IAT)), ("reject", "TIMESTAMP_STALE", dict(policy__max_age_secs=0)),
        ("reject", "CLOCK_ERROR", dict(now_secs=0)), ("accept", "OK", dict(policy__max_age_secs=2 ** 63 - 1)),
        ("accept", "OK", dict(policy__expected_model_hash_hex="aa" * 32)), ("reject", "MODEL_HASH_MISMATCH", dict(policy__expected_model_hash_hex="ab" * 32)),
        ("reject", "MODEL_HASH_MISMATCH", dict(policy__expected_model_hash_hex="")),
        ("accept", "OK", dict(policy__expected_request_hash_hex="bb" * 32)), ("reject", "REQUEST_HASH_MISMATCH", dict(policy__expected_request_hash_hex="aa" * 32)),
        ("accept", "OK", dict(policy__expected_response_hash_hex="cc" * 32)), ("reject", "RESPONSE_HASH_MISMATCH", dict(policy__expected_response_hash_hex="aa" * 32)),
        ("accept", "OK", dict(policy__expected_attestation_doc_hash_hex="dd" * 32)),
        ("reject", "ATTESTATION_DOC_HASH_MISMATCH", dict(policy__expected_attestation_doc_hash_hex="dd" * 31)),
        ("accept", "OK", dict(policy__expected_model_id="minilm")), ("reject", "MODEL_ID_MISMATCH", dict(policy__expected_model_id="minilm\0")),
        ("reject", "MODEL_ID_MISMATCH", dict(policy__expected_model_id="")),
        ("accept", "OK", dict(policy__expected_security_mode="evaluation")), ("reject", "SECURITY_MODE_MISMATCH", dict(policy__expected_security_mode="production")),
        ("accept", "OK", dict(policy__reject_evaluation=False)), ("reject", "EVALUATION_MODE_REJECTED", dict(policy__reject_evaluation=True)),
        ("accept", "OK", dict(policy__expected_platform="nitro-pcr")), ("reject", "PLATFORM_MISMATCH", dict(policy__expected_platform="tdx-mrtd-rtmr")),
        ("accept", "OK", dict(policy__expected_nonce_hex=CLAIMS[10].hex())), ("reject", "NONCE_MISMATCH", dict(policy__expected_nonce_hex="00" * 17)),
        ("reject", "NONCE_MISMATCH", dict(policy__expected_nonce_hex="")),
        ("reject", "NONCE_MISSING", dict(receipt_hex=receipt(claims_but({}, [10])).hex(), policy__expected_nonce_hex="00" * 8)),
        ("accept", "OK", dict(policy__seen_cti_hex=[])), ("accept", "OK", dict(policy__seen_cti_hex=["00" * 16, ""])),
        ("reject", "REPLAY_CTI", dict(policy__seen_cti_hex=["00" * 16, CLAIMS[7].hex()])),
        ("reject", "SIG_FAILED", dict(public_key_hex="00" * 32)), ("reject", "SIG_FAILED", dict(public_key_hex=Signer(b"x").public.hex())),
        # of several, the first in order
        ("reject", "TIMESTAMP_STALE", dict(policy__max_age_secs=9, policy__expected_model_hash_hex="00", policy__seen_cti_hex=[CLAIMS[7].hex()])),
        ("reject", "MODEL_HASH_MISMATCH", dict(policy__expected_model_hash_hex="00", policy__expected_request_hash_hex="00", policy__expected_model_id="x")),
        ("reject", "MODEL_ID_MISMATCH", dict(policy__expected_platform="x", policy__expected_model_id="x", policy__reject_evaluation=True)),
        ("reject", "EVALUATION_MODE_REJECTED", dict(policy__expected_platform="x", policy__reject_evaluation=True)),
        ("reject", "PLATFORM_MISMATCH", dict(policy__expected_platform="x", policy__expected_nonce_hex="00")),
        ("reject", "NONCE_MISMATCH", dict(policy__expected_nonce_hex="00", policy__seen_cti_hex=[CLAIMS[7].hex()])),
    ]
    expect_all("air-receipt: what a policy asks", [(json.dumps(m), air(r, **m), v, c) for v, c, m in asked])
    base = air(r, policy={"max_age_secs": 100})
    hexes = ["policy__expected_nonce_hex", "policy__expected_model_hash_hex", "policy__expected_request_hash_hex",
             "policy__expected_response_hash_hex", "policy__expected_attestation_doc_hash_hex"]
    texts = ["policy__expected_model_id", "policy__expected_security_mode", "policy__expected_platform"]
    malformed("air-receipt: members", base, [
        ({"receipt_hex": ...}, "JSON_MEMBER"), ({"public_key_hex": ...}, "JSON_MEMBER"), ({"x": 1}, "JSON_MEMBER"),
        ({"policy__x": 1}, "JSON_MEMBER"), ({"policy": None}, "JSON_TYPE"), ({"policy": []}, "JSON_TYPE"),
        ({"public_key_hex": "00" * 31}, None), ({"public_key_hex": "00" * 33}, None), ({"public_key_hex": ""}, None),
        ({"policy__seen_cti_hex": "00"}, "JSON_TYPE"), ({"policy__seen_cti_hex": [1]}, "JSON_TYPE"), ({"policy__seen_cti_hex": ["0"]}, "HEX"),
        ({"policy__reject_evaluation": 1}, "JSON_TYPE"), ({"policy__reject_evaluation": "true"}, "JSON_TYPE"), ({"policy__reject_evaluation": None}, "JSON_TYPE"),
        *wrong_types(["receipt_hex", "public_key_hex", *hexes, *texts]),
        *wrong_types(["now_secs", "policy__max_age_secs", "policy__max_skew_secs"], text=False), *bad_hex("receipt_hex", "public_key_hex", hexes[0])])
    expect_all("air-receipt: no cut and no flip is accepted",
               [(n, air(b), "reject", None) for n, b in cuts_and_flips(r, 300)])


# ---- cose-sign1 ----

def cose_op():
    body, external = b"This is the content.", b"outside"
    okp = {"kty": "OKP", "crv": "Ed25519", "x_hex": KEY.public.hex()}
    base = {"op": "cose-sign1", "hex": sign1(KEY, cbor({1: -8}), body).hex(), "key": okp}
    facts = expect("cose-sign1: EdDSA", base, "accept", "OK")
    ok("cose-sign1: facts", facts == {"alg": "EdDSA", "payload_hex": body.hex()}, facts)
    url = b64(KEY.public).rstrip("=").replace("+", "-").replace("/", "_")
    cases = [
        ("accept", "OK", sign1(KEY, cbor({1: -8}), body, tag=False), {}),
        ("accept", "OK", sign1(KEY, cbor({1: -8, 4: b"kid"}), b"", unprotected={4: b"kid"}), {}),
        ("accept", "OK", sign1(KEY, cbor({1: -8}), body, external=external), {"external_hex": external.hex()}),
        ("accept", "OK", sign1(KEY, cbor({1: -8}), body), {"external_hex": ""}),
        ("accept", "OK", sign1(KEY, cbor({1: -8}), body), {"key": {"kty": "OKP", "crv": "Ed25519", "x": url}}),
        ("accept", "OK", sign1(KEY, cbor({1: -8}), body), {"key": {"kty": "OKP", "crv": "Ed25519", "x": b64(KEY.public)}}),
        ("reject", "SIG_FAILED", sign1(KEY, cbor({1: -8}), body, external=external), {}),
        ("reject", "SIG_FAILED", sign1(KEY, cbor({1: -8}), body), {"external_hex": "00"}),
        ("reject", "SIG_FAILED", sign1(KEY, cbor({1: -8}), body), {"key": {**okp, "x_hex": Signer(b"y").public.hex()}}),
        ("reject", "BAD_ALG", sign1(KEY, cbor({1: -35}), body), {}), ("reject", "BAD_ALG", sign1(KEY, cbor({1: "EdDSA"}), body), {}),
        ("reject", "BAD_ALG", sign1(KEY, b"", body, unprotected={1: -8}), {}), ("reject", "BAD_ALG", sign1(KEY, cbor({}), body), {}),
        ("reject", "BAD_UNPROTECTED", sign1(KEY, cbor({1: -8}), body, unprotected={1: -8}), {}),
        ("reject", "BAD_PROTECTED", sign1(KEY, cbor({1: -8, 2: [99], 99: 0}), body), {}),
        ("reject", "BAD_PROTECTED", sign1(KEY, b"\xa2\x01\x27\x01\x27", body), {}),
        ("reject", "BAD_PROTECTED", sign1(KEY, b"\x80", body), {}),
        ("reject", "MISSING_PAYLOAD", sign1(KEY, cbor({1: -8}), body, payload_out=None), {}),
        ("reject", "COSE_DECODE_FAILED", b"", {}), ("reject", "COSE_DECODE_FAILED", sign1(KEY, cbor({1: -8}), body) + b"\0", {}),
        ("reject", "COSE_DECODE_FAILED", cbor([cbor({1: -8}), {}, body]), {}),
        ("reject", "BAD_SIG_LENGTH", cbor([cbor({1: -8}), {}, body, b"\0" * 63]), {}),
        # the forgery that some libraries accept: A and R the identity, S zero
        ("reject", "SIG_FAILED", cbor([cbor({1: -8}), {}, body, b"\1" + bytes(63)]), {"key": {**okp, "x_hex": "01" + "00" * 31}}),
        ("reject", "BAD_KEY", cbor([cbor({1: -35}), {}, body, bytes(96)]), {"key": {"kty": "EC", "crv": "P-384", "x_hex": "00" * 48, "y_hex": "00" * 48}}),
        ("unsupported", None, b"", {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}),
        ("unsupported", None, b"", {"key": {"kty": "OKP", "crv": "Ed448", "x_hex": "00"}}), ("unsupported", None, b"", {"key": {"kty": "RSA", "crv": ""}}),
        ("unsupported", None, b"", {"key": {"kty": "OKP", "crv": "P-384"}}),
    ]
    expect_all("cose-sign1: cases", [(i, {**base, "hex": b.hex(), **m}, v, c) for i, (v, c, b, m) in enumerate(cases)])
    ec = {"kty": "EC", "crv": "P-384", "x_hex": "00" * 48, "y_hex": "00" * 48}
    keys = [{**okp, "x": url}, {**okp, "y_hex": "00"}, {**okp, "d_hex": "00"}, {**okp, "x_hex": "00" * 31}, {**okp, "x_hex": "00" * 33}, {**okp, "x_hex": KEY.public.hex().upper()},
            {"kty": "OKP", "crv": "Ed25519"}, {"crv": "Ed25519", "x_hex": "00" * 32}, {"kty": "OKP", "x_hex": "00" * 32}, {**okp, "kty": 1}, {**okp, "crv": None}, {**okp, "x_hex": 1},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42 + "\n"}, {"kty": "OKP", "crv": "Ed25519", "x": "+-" + "A" * 41},
            {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42 + "B"}, {"kty": "OKP", "crv": "Ed25519", "x": ""}, {"kty": "OKP", "crv": "Ed25519", "x": "A" * 4000},
            {k: v for k, v in ec.items() if k != "y_hex"}, {**ec, "y_hex": "00" * 47}, [], "x", None, {}]
    malformed("cose-sign1: members", base, [*(({"key": k}, None) for k in keys), ({"key": ...}, "JSON_MEMBER"), ({"hex": ...}, "JSON_MEMBER"), ({"x": ""}, "JSON_MEMBER"),
                                            *wrong_types(["hex", "external_hex"]), *bad_hex("hex", "external_hex")])
    expect_all("cose-sign1: no cut and no flip is accepted",
               [(n, {**base, "hex": b.hex()}, "reject", None) for n, b in cuts_and_flips(sign1(KEY, cbor({1: -8}), body), 200)])


# ---- hpke-open ----

def hpke_op():
    sk, eph = bytes(range(1, 33)), bytes(range(50, 82))
    pk = x25519(sk, (9).to_bytes(32, "little"))
    base = {"op": "hpke-open", "aead_id": 3, "sk_hex": sk.hex()}
    def sealed(plain, info=b"info", aad=b"aad", seq=0):
        enc, ct = hpke_seal(eph, pk, info, aad, plain, seq)
        return {**base, "enc_hex": enc.hex(), "info_hex": info.hex(), "aad_hex": aad.hex(), "ct_hex": ct.hex(), "seq": seq}
    good = sealed(b"plain text")
    bad = []
    for r, want in ((good, b"plain text"), (sealed(b""), b""), (sealed(b"x" * 1000, b"", b""), b"x" * 1000), (sealed(b"late", seq=2 ** 40 + 7), b"late"), (sealed(b"last", seq=2 ** 63 - 1), b"last")):
        v, c, facts = ask(r)
        if v != "accept" or facts != {"pt_hex": want.hex()}:
            bad.append(f"{v} {c} {facts}")
    ok("hpke-open: what an independent implementation sealed", not bad, bad)
    expect("hpke-open: seq is 0 where absent", change(good, seq=...), "accept", "OK")
    expect_all("hpke-open: refusals", [
        *((f"{n} altered", change(good, **{n: h(good[n])}), "reject", "OPEN_FAILED") for n in ("sk_hex", "enc_hex", "info_hex", "aad_hex", "ct_hex")
          for h in [lambda x: x[:-2] + f"{int(x[-2:], 16) ^ 32:02x}"]),
        ("seq", change(good, seq=1), "reject", "OPEN_FAILED"), ("AES", change(good, aead_id=2), "reject", "OPEN_FAILED"),
        ("no tag", change(good, ct_hex="00" * 15), "reject", "SHORT"), ("nothing", change(good, ct_hex=""), "reject", "SHORT"),
        ("enc of zeros", change(good, enc_hex="00" * 32), "reject", "ZERO_SHARED"), ("small order", change(good, enc_hex="01" + "00" * 31), "reject", "ZERO_SHARED"),
        ("enc short", change(good, enc_hex="00" * 31), "reject", "BAD_KEY"), ("enc long", change(good, enc_hex="00" * 33), "reject", "BAD_KEY"),
        *((f"aead {a}", change(good, aead_id=a), "unsupported", "UNSUPPORTED") for a in (0, 1, 4, 65535, 65536 + 3, 2 ** 32 + 3, 2 ** 63 - 1))])
    names = ["sk_hex", "enc_hex", "info_hex", "aad_hex", "ct_hex"]
    malformed("hpke-open: members", good, [*(({n: ...}, "JSON_MEMBER") for n in [*names, "aead_id"]), ({"x": ""}, "JSON_MEMBER"), ({"sk_hex": "00" * 31}, None),
                                           *wrong_types(names), *wrong_types(["aead_id", "seq"], text=False), *bad_hex(*names)])
    ct = bytes.fromhex(good["ct_hex"])
    expect_all("hpke-open: no cut and no flip is accepted", [(n, change(good, ct_hex=b.hex()), "reject", None) for n, b in cuts_and_flips(ct, 100)])


# ---- documents, CMS, evidence: forms only; real ones are elsewhere ----

def forms():
    document = {"op": "nitro-document", "document_b64": "", "at": "document"}
    shape = [cbor({1: -35}), {}, b"", bytes(96)]
    cases = [("COSE_DECODE_FAILED", b""), ("COSE_DECODE_FAILED", b"\xd2" + cbor(shape)), ("TOO_LARGE", bytes(16385)), ("COSE_DECODE_FAILED", bytes(16384)),
             ("BAD_PROTECTED", cbor([cbor({1: -8}), *shape[1:]])), ("BAD_PROTECTED", cbor([Raw(b"\x45\xa1\x01\x39\x00\x22"), *shape[1:]])),
             ("BAD_UNPROTECTED", cbor([shape[0], {4: b""}, *shape[2:]])), ("BAD_SIG_LENGTH", cbor([*shape[:3], bytes(95)])),
             ("PAYLOAD_MALFORMED", cbor(shape)), ("PAYLOAD_MALFORMED", cbor([*shape[:2], None, shape[3]])), ("PAYLOAD_MALFORMED", cbor([*shape[:2], cbor({}), shape[3]]))]
    expect_all("nitro-document: forms", [(i, {**document, "document_b64": b64(b)}, "reject", c) for i, (c, b) in enumerate(cases)])
    malformed("nitro-document: members", document, [
        ({"document_b64": ...}, "JSON_MEMBER"), ({"at": ...}, "JSON_MEMBER"), ({"debug": True}, "JSON_MEMBER"), ({"allow_debug": True}, "JSON_MEMBER"), ({"now": 0}, "JSON_MEMBER"),
        *(({"at": v}, None) for v in (None, "now", "Document", "1", "", 1.5, 1.0, -1, True, [], {})),
        *(({"roots": v}, None) for v in (None, "", {}, [1], [None], ["00"], ["00" * 31], ["00" * 33], ["AA" * 32], ["0" * 63], [["00" * 32]])),
        *(({"pcrs": v}, None) for v in (None, "", [], {"32": "00"}, {"00": "00"}, {"-1": "00"}, {"": "00"}, {"a": "00"}, {" 0": "00"}, {"0": 1}, {"0": None}, {"0": "0"}, {"0": "AA"}, {"4294967296": "00"})),
        *wrong_types(["document_b64", "nonce_hex"]), *bad_base64("document_b64"), *bad_hex("nonce_hex")])
    evidence = {"op": "evidence", "evidence_b64": b64(cbor({})), "signer_hex": "00" * 32}
    facts = expect("evidence: what is none", evidence, "reject", "EVIDENCE_MALFORMED")
    checks = {c["name"]: c for c in facts.get("checks", [])}
    ok("evidence: the checks are told on refusal", checks.get("EVIDENCE_FORM", {}).get("result") == "fail"
       and all(set(c) == {"name", "clause", "result"} and c["result"] in ("pass", "fail", "skip") for c in checks.values())
       and [c["result"] for c in checks.values()].count("fail") == 1 and "RECEIPT_SIGNATURE" in checks, facts)
    malformed("evidence: members", evidence, [({"evidence_b64": ...}, "JSON_MEMBER"), ({"signer_hex": ...}, "JSON_MEMBER"), ({"signer_hex": "00" * 31}, None), ({"x": 0}, "JSON_MEMBER"),
                                              ({"at": "now"}, None), ({"at": -1}, None), ({"at": None}, None), *wrong_types(["evidence_b64", "signer_hex", "policy_b64"]),
                                              *bad_base64("evidence_b64", "policy_b64"), *bad_hex("signer_hex")])
    cms = {"op": "kms-cms", "cms_b64": "", "private_key_pkcs8_b64": ""}
    expect_all("kms-cms: no key", [(i, {**cms, "private_key_pkcs8_b64": b64(k)}, "reject", "BAD_KEY") for i, k in enumerate((b"", b"\0", b"\x30\x00", bytes(2000)))])
    malformed("kms-cms: members", cms, [({"cms_b64": ...}, "JSON_MEMBER"), ({"private_key_pkcs8_b64": ...}, "JSON_MEMBER"), ({"x": 0}, "JSON_MEMBER"),
                                        *wrong_types(["cms_b64", "private_key_pkcs8_b64"]), *bad_base64("cms_b64", "private_key_pkcs8_b64")])


def cms_op(folder):
    openssl = shutil.which("openssl")
    if openssl is None:
        return skip("kms-cms: messages of OpenSSL's", "there is no openssl command")
    key, crt, der, plain, out = (os.path.join(folder, n) for n in ("key.pem", "crt.pem", "key.der", "plain", "out"))
    run = lambda *a: subprocess.run([openssl, *a], check=True, capture_output=True)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-subj", "/CN=x", "-days", "2")
    run("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER", "-out", der)
    pkcs8 = open(der, "rb").read()
    bad = []
    for text in (b"", b"x", b"y" * 16, b"z" * 32, bytes(range(256)) * 20):
        for shape in ((), ("-stream", "-indef")):
            open(plain, "wb").write(text)
            run("cms", "-encrypt", "-binary", "-in", plain, "-aes-256-cbc", "-outform", "DER", "-out", out, "-recip", crt,
                "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256", *shape)
            message = open(out, "rb").read()
            v, c, facts = ask({"op": "kms-cms", "cms_b64": b64(message), "private_key_pkcs8_b64": b64(pkcs8)})
            if v != "accept" or facts != {"plaintext_hex": text.hex()}:
                bad.append(f"{len(text)} {shape}: {v} {c}")
    ok("kms-cms: messages of OpenSSL's, of any length", not bad, bad)
    got = ask_all([{"op": "kms-cms", "cms_b64": b64(b), "private_key_pkcs8_b64": b64(pkcs8)} for _, b in cuts_and_flips(message, 120)])
    # CBC carries no integrity: a flipped bit of the content may open, a cut may not
    ok("kms-cms: mutations are answered", all(v in ("accept", "reject") for v, _, _ in got) and any(c == "CMS_MALFORMED" for _, c, _ in got)
       and any(c == "CMS_OPEN_FAILED" for _, c, _ in got), {c for _, c, _ in got})


# ---- tokenize, embed ----

VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "world", "##ing", "a", "b", "!"]


def tokenizer_json(**changes):
    special = lambda t: {"id": VOCAB.index(t), "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    t = {"version": "1.0", "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0},
         "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
         "added_tokens": [special(t) for t in VOCAB[:4]],
         "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
         "pre_tokenizer": {"type": "BertPreTokenizer"},
         "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "decoder": None,
         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                   "vocab": {w: i for i, w in enumerate(VOCAB)}}}
    t.update(changes)
    return t


def engine(folder):
    path = os.path.join(folder, "tokenizer.json")
    json.dump(tokenizer_json(), open(path, "w"))
    base = {"op": "tokenize", "tokenizer": path, "texts": ["Hello world!", "", "helloing b\0a", "caf\u00e9 hello hello hello hello hello"]}
    facts = expect("tokenize: a tokenizer of our own", base, "accept", "OK")
    # NUL is a control character: dropped, so "b\0a" is the word "ba", which is unknown
    want = [[2, 4, 5, 9, 3], [2, 3], [2, 4, 6, 1, 3], [2, 1, 4, 4, 4, 4, 4, 3]]
    ok("tokenize: whole ids, no truncation, no padding", facts == {"items": [{"tokens": len(i), "ids": i} for i in want]}, facts)
    expect("tokenize: no texts", {**base, "texts": []}, "accept", "OK")
    big = expect("tokenize: a text of 8 MiB", {**base, "texts": ["a " * (4 << 20)]}, "accept", "OK")
    ok("tokenize: all of it", big.get("items", [{}])[0].get("tokens") == (4 << 20) + 2, "")
    def written(name, contents):
        p = os.path.join(folder, name)
        open(p, "wb").write(contents if isinstance(contents, bytes) else json.dumps(contents).encode())
        return {**base, "tokenizer": p}
    expect_all("tokenize: files that are none", [
        ("missing", {**base, "tokenizer": os.path.join(folder, "none")}, "error", "IO"), ("folder", {**base, "tokenizer": folder}, "error", "IO"),
        ("empty name", {**base, "tokenizer": ""}, "error", "IO"), ("NUL", {**base, "tokenizer": path + "\0"}, "error", "IO"),
        ("empty", written("e", b""), "reject", None), ("text", written("t", b"hello"), "reject", "JSON_SYNTAX"), ("list", written("l", []), "reject", None),
        ("deep", written("d", b"[" * 100000), "reject", None), ("another model", written("m", tokenizer_json(model={"type": "BPE", "vocab": {}, "merges": []})), "unsupported", "UNSUPPORTED"),
        ("no vocabulary", written("v", tokenizer_json(model={"type": "WordPiece"})), "reject", None)])
    good = json.dumps(tokenizer_json()).encode()
    got = ask_all([written(f"x{i}", b) for i, (_, b) in enumerate(cuts_and_flips(good, 120))])
    ok("tokenize: mutated files are answered", all(v in ("accept", "reject", "unsupported") for v, _, _ in got), [g[:2] for g in got if g[0] in ("broken", "error")][:3])
    malformed("tokenize: members", base, [({"tokenizer": ...}, "JSON_MEMBER"), ({"texts": ...}, "JSON_MEMBER"), ({"x": 0}, "JSON_MEMBER"), ({"texts": "a"}, "JSON_TYPE"),
                                          ({"texts": [1]}, "JSON_TYPE"), ({"texts": ["a", None]}, "JSON_TYPE"), ({"texts": {}}, "JSON_TYPE"), *wrong_types(["tokenizer"])])
    model = {"op": "embed", "model": folder, "texts": ["a"]}
    expect_all("embed: what cannot be had", [
        ("no model", model, "error", "IO"), ("no folder", {**model, "model": os.path.join(folder, "none")}, "error", "IO"), ("NUL", {**model, "model": "\0"}, "error", "IO"),
        *((p, {**model, "precision": p}, "unsupported", "UNSUPPORTED") for p in ("bf8", "int4", "f16", "F32", "")),
        *((i, {**model, "isa": i}, "unsupported", "UNSUPPORTED") for i in ("neon", "sse", "AVX2", "", "avx2\0"))])
    malformed("embed: members", model, [({"model": ...}, "JSON_MEMBER"), ({"texts": ...}, "JSON_MEMBER"), ({"x": 0}, "JSON_MEMBER"), ({"threads": 0}, None), ({"threads": 65}, None),
                                        ({"threads": 2 ** 32 + 1}, None), ({"texts": "a"}, "JSON_TYPE"), *wrong_types(["model", "precision", "isa"]), *wrong_types(["threads"], text=False)])


door()
cbor_op()
air_op()
cose_op()
hpke_op()
forms()
with tempfile.TemporaryDirectory() as tmp:
    cms_op(tmp)
    engine(tmp)
end()
