"""peer_onnx.py FOLDER THREADS GRAPH [FILE]: ONNX Runtime as a side.
peer_onnx.py FOLDER write GRAPH FILE: writes a graph for "file".

GRAPH: plain, fused (both f32, bench/onnx_minilm.py), dynamic (our weights as int8, one scale a
column, activations quantised as they come, with its own fused operators), published (the int8 file
of a package) or file (one that "write" wrote)."""
import os
import sys

import numpy as np
import onnxruntime as ort

import answer


def quantised(g, name, weight):
    """A matrix [in][out] as int8, a scale a column."""
    scale = np.abs(weight).max(0) / 127
    rows = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
    return [g.constant(name + ".q", rows), g.constant(name + ".scale", scale.astype(np.float32)),
            g.constant(name + ".zero", np.zeros(len(scale), np.int8))]


def dynamic_layer(minilm, g, x, p):
    own = {"domain": "com.microsoft"}
    parts = [f"{p}attention.self.{part}" for part in ("query", "key", "value")]
    weight, scale, zero = quantised(g, p + "qkv", np.concatenate([g.w[n + ".weight"].T for n in parts], 1))
    bias = g.constant(p + "qkv.bias", np.concatenate([g.w[n + ".bias"] for n in parts]))
    bytes_of = g.op("DynamicQuantizeLinear", [x], outputs=3)
    x_scale, x_zero = g.nodes[-1].output[1:]
    y = g.op("QAttention", [bytes_of, weight, bias, x_scale, scale, "", x_zero, zero],
             num_heads=minilm.HEADS, **own)

    def dense(y, name):
        return g.op("DynamicQuantizeMatMul", [y, *quantised(g, name, g.w[name + ".weight"].T)], **own)

    def skip(name, y, x):
        norm = name + "LayerNorm"
        return g.op("SkipLayerNormalization", [dense(y, name + "dense"), x, g.weight(norm + ".weight"),
                                               g.weight(norm + ".bias"), g.weight(name + "dense.bias")],
                    epsilon=minilm.EPS, **own)

    x = skip(p + "attention.output.", y, x)
    up = p + "intermediate.dense"
    y = g.op("BiasGelu", [dense(x, up), g.weight(up + ".bias")], **own)
    return skip(p + "output.", y, x)


def options(threads):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    o.log_severity_level = 3
    if os.environ.get("BENCH_SPIN") == "0":
        o.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return o


def model(folder, graph):
    """The graph over our weights; what makes graphs is not loaded where a file is read."""
    from safetensors.numpy import load_file
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    import onnx_minilm as minilm
    layer = {"plain": minilm.plain_layer, "fused": minilm.fused_layer,
             "dynamic": lambda g, x, p: dynamic_layer(minilm, g, x, p)}[graph]
    return minilm.model(load_file(folder + "/model.safetensors"), layer).SerializeToString()


def main():
    folder, threads, graph = sys.argv[1:4]
    if threads == "write":
        with open(sys.argv[4], "wb") as f:
            f.write(model(folder, graph))
        return
    source = sys.argv[4] if graph in ("published", "file") else model(folder, graph)
    peer = ort.InferenceSession(source, options(int(threads)), providers=["CPUExecutionProvider"])
    feed = {}

    def use(ids, tokens, texts):
        rows = np.array(ids, np.int64).reshape(texts, tokens)
        feed.clear()
        if graph == "published":
            feed.update(input_ids=rows, attention_mask=np.ones_like(rows), token_type_ids=np.zeros_like(rows))
        else:
            feed["ids"] = rows

    def embed():
        out = peer.run(None, feed)[0]
        if graph == "published":  # last_hidden_state
            out = out.mean(1)
            out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out.tobytes()

    answer.answer_lines(f"onnxruntime {ort.__version__}", use, embed)


if __name__ == "__main__":
    main()
