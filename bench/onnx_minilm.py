#!/usr/bin/env python3
"""all-MiniLM-L6-v2 in f32: our encoder and ONNX Runtime in turn, same weights, same ids.

    pip install onnxruntime onnx numpy safetensors
    bench/onnx_minilm.py MODEL_FOLDER build/tests/engine/golden [--json FILE]

Builds two ONNX graphs from model.safetensors (plain operators, which the runtime fuses as it
can; and its own fused operators) and times the better of them.  The two sides run in turn,
so that whatever else the machine does meets both; medians of each, and their ratio."""
import argparse
import json
import statistics
import subprocess
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

LAYERS, HIDDEN, HEADS, EPS = 6, 384, 12, 1e-12
SIZE = HIDDEN // HEADS
SHAPES = [(9, 1), (16, 1), (32, 1), (128, 1), (256, 1), (512, 1), (32, 32)]


class Graph:
    def __init__(self, weights):
        self.w, self.nodes, self.constants, self.n = weights, [], {}, 0

    def constant(self, name, value):
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name, transpose=False):
        value = self.w[name]
        return self.constant(name, value.T if transpose else value)

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        self.n += 1
        names = [f"t{self.n}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0]

    def dense(self, x, name):
        y = self.op("MatMul", [x, self.weight(name + ".weight", True)])
        return self.op("Add", [y, self.weight(name + ".bias")])

    def norm(self, x, name):
        return self.op("LayerNormalization", [x, self.weight(name + ".weight"), self.weight(name + ".bias")],
                       axis=-1, epsilon=EPS)


def embeddings(g):
    word = g.op("Gather", [g.weight("embeddings.word_embeddings.weight"), "ids"])
    kind = g.constant("type0", g.w["embeddings.token_type_embeddings.weight"][0])
    at = g.op("Slice", [g.weight("embeddings.position_embeddings.weight"), g.constant("zero", np.array([0])),
                        g.op("Slice", [g.op("Shape", ["ids"]), g.constant("one", np.array([1])),
                                       g.constant("two", np.array([2]))])])
    return g.norm(g.op("Add", [g.op("Add", [word, kind]), at]), "embeddings.LayerNorm")


def plain_layer(g, x, p):
    heads = g.constant("heads", np.array([0, 0, HEADS, SIZE]))
    back = g.constant("back", np.array([0, 0, HIDDEN]))
    split = {}
    for part, order in ("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]):
        y = g.op("Reshape", [g.dense(x, f"{p}attention.self.{part}"), heads])
        split[part] = g.op("Transpose", [y], perm=order)
    scores = g.op("Div", [g.op("MatMul", [split["query"], split["key"]]),
                          g.constant("root", np.array(SIZE**0.5, np.float32))])
    y = g.op("MatMul", [g.op("Softmax", [scores], axis=-1), split["value"]])
    y = g.op("Reshape", [g.op("Transpose", [y], perm=[0, 2, 1, 3]), back])
    x = g.norm(g.op("Add", [g.dense(y, p + "attention.output.dense"), x]), p + "attention.output.LayerNorm")
    y = g.dense(x, p + "intermediate.dense")
    erf = g.op("Erf", [g.op("Div", [y, g.constant("root2", np.array(2**0.5, np.float32))])])
    y = g.op("Mul", [y, g.op("Add", [erf, g.constant("1", np.array(1, np.float32))])])
    y = g.op("Mul", [y, g.constant("half", np.array(0.5, np.float32))])
    return g.norm(g.op("Add", [g.dense(y, p + "output.dense"), x]), p + "output.LayerNorm")


def fused_layer(g, x, p):
    own = {"domain": "com.microsoft"}
    parts = [f"{p}attention.self.{part}" for part in ("query", "key", "value")]
    weight = g.constant(p + "qkv", np.concatenate([g.w[n + ".weight"].T for n in parts], 1))
    bias = g.constant(p + "qkv.bias", np.concatenate([g.w[n + ".bias"] for n in parts]))
    y = g.op("Attention", [x, weight, bias], num_heads=HEADS, **own)

    def skip(name, y, x):
        y = g.op("MatMul", [y, g.weight(name + "dense.weight", True)])
        norm = name + "LayerNorm"
        return g.op("SkipLayerNormalization", [y, x, g.weight(norm + ".weight"), g.weight(norm + ".bias"),
                                               g.weight(name + "dense.bias")], epsilon=EPS, **own)

    x = skip(p + "attention.output.", y, x)
    y = g.op("MatMul", [x, g.weight(p + "intermediate.dense.weight", True)])
    y = g.op("BiasGelu", [y, g.weight(p + "intermediate.dense.bias")], **own)
    return skip(p + "output.", y, x)


def model(weights, layer):
    g = Graph(weights)
    x = embeddings(g)
    for i in range(LAYERS):
        x = layer(g, x, f"encoder.layer.{i}.")
    x = g.op("ReduceMean", [x, g.constant("tokens", np.array([1]))], keepdims=0)
    g.nodes.append(helper.make_node("LpNormalization", [x], ["out"], axis=-1, p=2))
    graph = helper.make_graph(
        g.nodes, "minilm", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", HIDDEN])], list(g.constants.values()))
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18),
                                                                helper.make_opsetid("com.microsoft", 1)])


def session(weights, layer, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(model(weights, layer).SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("golden")
    parser.add_argument("--json")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--shapes", help="TOKENSxTEXTS,...")
    args = parser.parse_args()
    shapes = [tuple(map(int, s.split("x"))) for s in args.shapes.split(",")] if args.shapes else SHAPES
    weights = load_file(args.model + "/model.safetensors")
    report = []
    print(f"ONNX Runtime {ort.__version__}; milliseconds, medians of {args.turns} turns")
    print("tokens x texts  threads   ours    peer (graph)   ratio   greatest difference of value 0")
    for threads in (1, 2):
        peers = {"plain": session(weights, plain_layer, threads), "fused": session(weights, fused_layer, threads)}
        for tokens, texts in shapes:
            ids = np.array([1000 + i * 7919 % 28000 for i in range(tokens * texts)], np.int64).reshape(texts, tokens)
            ours = subprocess.Popen([args.golden, "--time", str(tokens), str(texts), str(threads)],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            took = {"ours": [], "plain": [], "fused": []}
            burst = 4 if tokens * texts < 200 else 2
            for _ in range(args.turns):
                for _ in range(burst):
                    ours.stdin.write("\n")
                    ours.stdin.flush()
                    ms, value = ours.stdout.readline().split()
                    took["ours"].append(float(ms))
                for name, peer in peers.items():
                    for _ in range(burst):
                        start = time.perf_counter()
                        out = peer.run(None, {"ids": ids})[0]
                        took[name].append((time.perf_counter() - start) * 1e3)
                    time.sleep(0.02)  # its threads spin for a while
            ours.stdin.close()
            ours.wait()
            median = {name: statistics.median(times) for name, times in took.items()}
            best = min(peers, key=lambda name: median[name])
            row = {"tokens": tokens, "texts": texts, "threads": threads, "ours_ms": median["ours"],
                   "peer_ms": median[best], "graph": best, "ratio": median[best] / median["ours"],
                   "difference": abs(float(value) - float(out[0][0]))}
            report.append(row)
            print(f"{tokens:5} x {texts:<5} {threads:8} {row['ours_ms']:9.2f} {row['peer_ms']:9.2f} ({best}) "
                  f"{row['ratio']:7.2f}   {row['difference']:.1e}", flush=True)
    if args.json:
        with open(args.json, "w", encoding="ascii") as f:
            json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
