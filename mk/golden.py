#!/usr/bin/env python3
"""Golden ids and embeddings of all-MiniLM-L6-v2 over texts of our own, computed independently:
ids by the `tokenizers` package, vectors in float64 by numpy.

    mk/golden.py MODEL_FOLDER tests/tools/golden_minilm.jsonl

One JSON object a line: text, tokens (before truncation), ids (after, at most 256), f32le."""
import base64
import json
import math
import sys

import numpy as np
from tokenizers import Tokenizer

TEXTS = [
    "", " ", "a", "Hello, world!", "What is the capital of France?",
    "Confidential inference that a hospital can check for itself.",
    "The quick brown fox jumps over the lazy dog. 0123456789",
    "Der Fluß führt Hochwasser; die Brücke ist gesperrt.",
    "Où est la bibliothèque ? Élève, garçon, cœur.",
    "El niño comió una piña en España.",
    "日本語の文章を埋め込む。", "한국어 문장을 벡터로 바꾼다.", "这是一个中文句子。",
    "Γνῶθι σεαυτόν", "Быстрая коричневая лиса", "السلام عليكم", "שלום עולם", "สวัสดีชาวโลก",
    "\u0130stanbul \u212Bngstr\u00F6m \uFB01sh \u1E9E", "e\u0301 vs \u00E9", "👩‍👩‍👧‍👦 🇨🇭 ☕️",
    "tab\there\nnewline\r\nnul\u0000end", "\u200Bzero\u200Dwidth\uFEFF", "[CLS] [SEP] [MASK] [UNK] [PAD]",
    "##ing un##likely", "don't can't o'clock co-operate", "a.b,c;d:e!f?g(h)i[j]k{l}m",
    "$1,234.56 + 7% = ?", "https://example.org/a/b?c=d&e=f#g", "x" * 100, "x" * 101, "y" * 300,
    "word " * 300, "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "The enclave attests; the client verifies; the host is blind.",
    "A receipt that a stranger can verify offline, years later.",
    "\u00A0non\u2003breaking\u3000spaces\u00A0", "\U0001F600\U0001F4A9 \U00010348",
    "MiXeD cAsE AND ACCENTS: ÀÉÎÕÜ", "ﷺ ½ ² Ⅷ ㎏",
]


def gelu(x):
    return x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def norm(x, w, b):
    m = x.mean(-1, keepdims=True)
    v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / np.sqrt(v + 1e-12) * w + b


def read_safetensors(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    return {k: np.frombuffer(raw, "<f4", offset=8 + n + v["data_offsets"][0],
                             count=(v["data_offsets"][1] - v["data_offsets"][0]) // 4)
            .reshape(v["shape"]).astype(np.float64)
            for k, v in head.items() if k != "__metadata__" and v["dtype"] == "F32"}


def embed(w, ids, heads):
    n = len(ids)
    x = (w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:n]
         + w["embeddings.token_type_embeddings.weight"][0])
    x = norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    for i in range(6):
        p = f"encoder.layer.{i}."
        dense = lambda y, name: y @ w[p + name + ".weight"].T + w[p + name + ".bias"]
        split = lambda y: y.reshape(n, heads, -1).transpose(1, 0, 2)
        q, k, v = (split(dense(x, "attention.self." + s)) for s in ("query", "key", "value"))
        s = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        s = np.exp(s - s.max(-1, keepdims=True))
        s /= s.sum(-1, keepdims=True)
        a = (s @ v).transpose(1, 0, 2).reshape(n, -1)
        x = norm(x + dense(a, "attention.output.dense"), w[p + "attention.output.LayerNorm.weight"],
                 w[p + "attention.output.LayerNorm.bias"])
        h = dense(gelu(dense(x, "intermediate.dense")), "output.dense")
        x = norm(x + h, w[p + "output.LayerNorm.weight"], w[p + "output.LayerNorm.bias"])
    x = x.mean(0)
    return x / np.linalg.norm(x)


def main():
    folder, out = sys.argv[1:]
    t = Tokenizer.from_file(folder + "/tokenizer.json")
    t.no_truncation()
    t.no_padding()
    w = read_safetensors(folder + "/model.safetensors")
    with open(out, "w") as f:
        for text in TEXTS:
            whole = t.encode(text).ids
            ids = whole if len(whole) <= 256 else whole[:255] + [102]
            v = embed(w, ids, 12).astype("<f4")
            f.write(json.dumps({"text": text, "tokens": len(whole), "ids": ids,
                                "f32le": base64.b64encode(v.tobytes()).decode()}) + "\n")


main()
