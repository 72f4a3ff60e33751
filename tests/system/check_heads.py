"""BERT from its definition, in Python's own floats: reads a model folder and says what it gives.

    check_heads.py FOLDER [--pad N] TEXT [PAIR]     one line of JSON: {"tokens", "vector" or "scores"}

Texts must be words of the vocabulary with single spaces between: tokenizing is not what is checked.
"""
import json
import math
import struct
import sys


def tensors(folder):
    data = open(f"{folder}/model.safetensors", "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    out = {}
    for name, t in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        assert t["dtype"] == "F32"
        first, end = t["data_offsets"]
        values = struct.unpack(f"<{(end - first) // 4}f", data[8 + length + first : 8 + length + end])
        width = t["shape"][-1]
        rows = [list(values[i : i + width]) for i in range(0, len(values), width)]
        out[name] = rows if len(t["shape"]) == 2 else rows[0]
    return out


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


def dense(t, name, x):
    return [dot(row, x) + b for row, b in zip(t[name + ".weight"], t[name + ".bias"])]


def norm(t, name, x, eps):
    mean = math.fsum(x) / len(x)
    var = math.fsum((v - mean) ** 2 for v in x) / len(x)
    return [(v - mean) / math.sqrt(var + eps) * w + b for v, w, b in zip(x, t[name + ".weight"], t[name + ".bias"])]


def gelu(x):
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def softmax(x):
    top = max(x)
    e = [math.exp(v - top) for v in x]
    total = math.fsum(e)
    return [v / total for v in e]


def attention(t, name, x, heads):
    q, k, v = ([dense(t, f"{name}.self.{w}", s) for s in x] for w in ("query", "key", "value"))
    d = len(x[0]) // heads
    out = []
    for i in range(len(x)):
        row = []
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            p = softmax([dot(q[i][part], k[j][part]) / math.sqrt(d) for j in range(len(x))])
            row += [math.fsum(p[j] * v[j][c] for j in range(len(x))) for c in range(h * d, (h + 1) * d)]
        out.append(dense(t, name + ".output.dense", row))
    return out


def states(t, config, ids, types):
    eps = config["layer_norm_eps"]
    e = "embeddings."
    x = [norm(t, e + "LayerNorm",
              [a + b + c for a, b, c in zip(t[e + "word_embeddings.weight"][i], t[e + "token_type_embeddings.weight"][k],
                                            t[e + "position_embeddings.weight"][n])], eps)
         for n, (i, k) in enumerate(zip(ids, types))]
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        a = attention(t, name + ".attention", x, config["num_attention_heads"])
        x = [norm(t, name + ".attention.output.LayerNorm", [u + v for u, v in zip(r, s)], eps) for r, s in zip(x, a)]
        up = [[gelu(v) for v in dense(t, name + ".intermediate.dense", r)] for r in x]
        x = [norm(t, name + ".output.LayerNorm", [u + v for u, v in zip(r, dense(t, name + ".output.dense", s))], eps)
             for r, s in zip(x, up)]
    return x


def scores(t, config, first):
    pooled = [math.tanh(v) for v in dense(t, "pooler.dense", first)]
    logits = dense(t, "classifier", pooled)
    said = config.get("sentence_transformers", {}).get("activation_fn", "").rsplit(".", 1)[-1]
    if said == "Identity":
        return logits
    if said == "Sigmoid" or (not said and len(logits) == 1):
        return [1 / (1 + math.exp(-v)) for v in logits]
    return softmax(logits)


def main():
    args = sys.argv[1:]
    folder = args.pop(0)
    pad = 0
    if args[0] == "--pad":
        pad = int(args[1])
        args = args[2:]
    config = json.load(open(f"{folder}/config.json"))
    vocab = json.load(open(f"{folder}/tokenizer.json"))["model"]["vocab"]
    t = tensors(folder)
    ids, types = [vocab["[CLS]"]], [0]
    for kind, text in enumerate(args):
        part = [vocab[w] for w in text.split(" ")] + [vocab["[SEP]"]]
        ids += part
        types += [kind] * len(part)
    real = len(ids)
    ids += [vocab["[PAD]"]] * (pad - real)
    types += [0] * (pad - real)
    x = states(t, config, ids, types)
    if "id2label" in config:
        print(json.dumps({"tokens": real, "scores": dict(zip(config["id2label"].values(), scores(t, config, x[0])))}))
        return
    mean = [math.fsum(r[i] for r in x[:real]) / real for i in range(len(x[0]))]
    length = 1 if pad else math.sqrt(dot(mean, mean))
    print(json.dumps({"tokens": real, "vector": [v / length for v in mean]}))


main()
