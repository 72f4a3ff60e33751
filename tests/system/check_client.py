"""Drives `em check` from outside, with nothing but the standard library: requests out, answers in,
and what makes artefacts of its own (CBOR, Ed25519, HPKE) independently of the project's code."""
import base64, concurrent.futures, hashlib, hmac, json, os, struct, subprocess, sys

O = os.environ.get("O", "build")
EM = os.path.join(os.path.abspath(O), "em")
EXIT = {"accept": 0, "reject": 10, "unsupported": 20, "malformed": 30, "error": 1}
failed = 0


def b64(b):
    return base64.b64encode(b).decode()


def ok(name, good, why=""):
    global failed
    if good:
        print(f"ok {name}")
    else:
        failed += 1
        print(f"not ok {name}: {why}")
    return good


def skip(name, why):
    print(f"skip {name}: {why}")


class Broken(Exception):
    """The door did not keep its form."""


def unique(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        raise Broken("a member twice")
    return dict(pairs)


def ask(request, args=()):
    """A request (an object, or raw bytes) to (verdict, code, facts); checks the answer's form."""
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    p = subprocess.run([EM, "check", *args], input=raw, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    try:
        out = p.stdout.decode()
        if not out.endswith("\n") or out.count("\n") != 1:
            raise Broken("not one line")
        a = json.loads(out, object_pairs_hook=unique)
        if list(a) != ["verdict", "code", "detail", "facts"] or not isinstance(a["facts"], dict):
            raise Broken(f"members {list(a)}")
        if not isinstance(a["code"], str) or not isinstance(a["detail"], str):
            raise Broken("types")
        if EXIT[a["verdict"]] != p.returncode:
            raise Broken(f"{a['verdict']} with exit {p.returncode}")
        if (a["code"] == "OK") != (a["verdict"] == "accept"):
            raise Broken(f"{a['verdict']} with code {a['code']}")
        if a["verdict"] != "accept" and a["facts"] and list(a["facts"]) != ["checks"]:
            raise Broken("facts of what was not accepted")
        if p.stderr and a["verdict"] != "error":
            raise Broken(f"stderr: {p.stderr[-300:]!r}")
        return a["verdict"], a["code"], a["facts"]
    except (ValueError, KeyError, Broken) as e:
        raise Broken(f"{e!r}: exit {p.returncode}, stdout {p.stdout[:200]!r}, stderr {p.stderr[-400:]!r}") from e


def ask_all(requests):
    """Many requests, a process each, two at a time."""
    def one(r):
        try:
            return ask(r)
        except Broken as e:
            return "broken", str(e), {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, requests))


def expect(name, request, verdict, code=None):
    """One case; gives the facts."""
    try:
        v, c, facts = ask(request)
    except Broken as e:
        ok(name, False, str(e))
        return {}
    want = code if code is not None else c
    ok(name, (v, c) == (verdict, want), f"{v} {c}, not {verdict} {want}")
    return facts


def expect_all(name, cases):
    """cases: (label, request, verdict, code or None); one line for all of them."""
    cases = list(cases)
    bad = []
    for (label, _, verdict, code), (v, c, _) in zip(cases, ask_all([r for _, r, _, _ in cases])):
        if v != verdict or (code is not None and c != code):
            bad.append(f"{label}: {v} {c}, not {verdict} {code}")
    ok(f"{name} ({len(cases)})", bool(cases) and not bad, "; ".join(bad[:5]))


def cuts_and_flips(good, most):
    """Truncations and single flipped bits of bytes, about `most` of them, spread out."""
    step = max(1, len(good) * 2 // most)
    for i in range(0, len(good), step):
        yield f"cut {i}", good[:i]
        yield f"flip {i}", good[:i] + bytes([good[i] ^ 1 << (i * 5 + i // step) % 8]) + good[i + 1:]


# ---- CBOR ----

def head(major, n):
    for info, size, limit in ((None, 0, 24), (24, 1, 1 << 8), (25, 2, 1 << 16), (26, 4, 1 << 32), (27, 8, 1 << 64)):
        if n < limit:
            return bytes([major << 5 | (n if info is None else info)]) + (n.to_bytes(size, "big") if size else b"")


class Raw(bytes):
    """Encoded already."""


def cbor(v):
    if isinstance(v, Raw): return bytes(v)
    if v is None: return b"\xf6"
    if isinstance(v, bool): return b"\xf5" if v else b"\xf4"
    if isinstance(v, int): return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes): return head(2, len(v)) + v
    if isinstance(v, str): return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list): return head(4, len(v)) + b"".join(map(cbor, v))
    pairs = sorted((cbor(k), cbor(x)) for k, x in v.items())
    return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)


def strict(b):
    """Is this one item of the deterministic profile?"""
    def item(at, depth):
        major, info = b[at] >> 5, b[at] & 31
        at += 1
        if major == 7: return at if info in (20, 21, 22) else 1 / 0
        if major == 6 or info > 27: 1 / 0
        size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
        n = int.from_bytes(b[at:at + size], "big") if size else info
        if len(b) < at + size or len(head(0, n)) != 1 + size: 1 / 0
        at += size
        if major in (2, 3):
            if len(b) < at + n: 1 / 0
            if major == 3 and "\0" in b[at:at + n].decode(): 1 / 0
            return at + n
        if major in (4, 5):
            if depth == 16 or n > len(b): 1 / 0
            last = b""
            for _ in range(n):
                start = at
                at = item(at, depth + 1)
                if major == 5:
                    if b[start:at] <= last: 1 / 0
                    last = b[start:at]
                    at = item(at, depth + 1)
        return at
    try:
        return item(0, 0) == len(b)
    except (ZeroDivisionError, IndexError, UnicodeDecodeError):
        return False


# ---- Ed25519, RFC 8032 5.1 ----

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
B_Y = 4 * pow(5, P - 2, P) % P


def recover(y):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2: x = x * pow(2, (P - 1) // 4, P) % P
    return x if x % 2 == 0 else P - x


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


BX = recover(B_Y)
BASE = (BX, B_Y, 1, BX * B_Y % P)


def times(k, p=BASE):
    r = (0, 1, 1, 0)
    while k:
        if k & 1: r = add(r, p)
        p, k = add(p, p), k >> 1
    return r


def pack(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Signer:
    def __init__(self, seed):
        h = hashlib.sha512(seed).digest()
        self.a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix, self.public = h[32:], pack(times(self.a))

    def sign(self, m):
        r = int.from_bytes(hashlib.sha512(self.prefix + m).digest(), "little") % L
        big_r = pack(times(r))
        k = int.from_bytes(hashlib.sha512(big_r + self.public + m).digest(), "little") % L
        return big_r + ((r + k * self.a) % L).to_bytes(32, "little")


def sign1(signer, protected, payload, unprotected=Raw(b"\xa0"), tag=True, external=b"", payload_out=...):
    tbs = cbor(["Signature1", protected, external, payload])
    out = payload if payload_out is ... else payload_out
    return (b"\xd2" if tag else b"") + cbor([protected, unprotected, out, signer.sign(tbs)])


# ---- HPKE, RFC 9180, base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305 ----

def x25519(k, u):
    k = int.from_bytes(k, "little") & ((1 << 254) - 8) | 1 << 254
    x1 = int.from_bytes(u, "little") & (1 << 255) - 1
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in range(254, -1, -1):
        if k >> t & 1: x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x4, z4 = a * a * b * b % P, (a * a - b * b) * (a * a + 121665 * (a * a - b * b)) % P
        x2, z2, x3, z3 = x4, z4, (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        if k >> t & 1: x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def extract(suite, salt, label, ikm):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def expand(suite, prk, label, info, n):
    info, out, t, i = struct.pack(">H", n) + b"HPKE-v1" + suite + label + info, b"", b"", 1
    while len(out) < n:
        t = hmac.digest(prk, t + info + bytes([i]), "sha256")
        out, i = out + t, i + 1
    return out[:n]


def chacha_block(key, counter, nonce):
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    w = s[:]
    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[x] = w[x] + w[y] & 0xFFFFFFFF
            v = w[z] ^ w[x]
            w[z] = (v << n | v >> 32 - n) & 0xFFFFFFFF
    for _ in range(10):
        for i in range(4): quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4): quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *(x + y & 0xFFFFFFFF for x, y in zip(w, s)))


def chacha_seal(key, nonce, aad, plain):
    ct = b"".join(bytes(x ^ y for x, y in zip(plain[i:i + 64], chacha_block(key, 1 + i // 64, nonce)))
                  for i in range(0, len(plain), 64))
    one = chacha_block(key, 0, nonce)
    r, s = int.from_bytes(one[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, int.from_bytes(one[16:32], "little")
    pad = lambda b: b + bytes(-len(b) % 16)
    data, acc = pad(aad) + pad(ct) + struct.pack("<QQ", len(aad), len(ct)), 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ct + ((acc + s) % (1 << 128)).to_bytes(16, "little")


def hpke_seal(eph, receiver, info, aad, plain, seq=0):
    nine = (9).to_bytes(32, "little")
    enc, dh = x25519(eph, nine), x25519(eph, receiver)
    kem, suite = b"KEM\0\x20", b"HPKE\0\x20\0\1\0\3"
    shared = expand(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + receiver, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    key, base = expand(suite, secret, b"key", context, 32), expand(suite, secret, b"base_nonce", context, 12)
    nonce = (int.from_bytes(base, "big") ^ seq).to_bytes(12, "big")
    return enc, chacha_seal(key, nonce, aad, plain)


def end():
    sys.exit(1 if failed else 0)
