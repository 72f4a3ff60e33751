"""gguf_minilm.py FOLDER FILE f32|q8_0: all-MiniLM-L6-v2 as the file that llama.cpp reads.

Matrices and the word table as Q8_0 where asked (32 numbers, one f16 scale); norms, biases,
positions and types always f32, as its own converter leaves them.  Ids go in, so no vocabulary."""
import json
import struct
import sys

import numpy as np
from safetensors.numpy import load_file

F32, Q8_0 = 0, 8
U32, FLOAT, BOOL, STRING = 4, 6, 7, 8
ALIGN = 32
NAMES = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm.": "token_embd_norm.",
    "attention.self.query.": "attn_q.",
    "attention.self.key.": "attn_k.",
    "attention.self.value.": "attn_v.",
    "attention.output.dense.": "attn_output.",
    "attention.output.LayerNorm.": "attn_output_norm.",
    "intermediate.dense.": "ffn_up.",
    "output.dense.": "ffn_down.",
    "output.LayerNorm.": "layer_output_norm.",
}


def renamed(name):
    """Its name there, or None for what an embedding needs not."""
    prefix = ""
    if name.startswith("encoder.layer."):
        layer, name = name[len("encoder.layer."):].split(".", 1)
        prefix = f"blk.{layer}."
    for theirs, ours in NAMES.items():
        if name.startswith(theirs):
            return prefix + ours + name[len(theirs):]
    return None


def q8_0(rows):
    blocks = rows.reshape(-1, 32)
    scale = (np.abs(blocks).max(1) / 127).astype(np.float16)
    inverse = np.divide(1, scale, out=np.zeros(len(scale), np.float32), where=scale != 0, dtype=np.float32)
    out = np.empty(len(blocks), [("scale", np.float16), ("q", np.int8, 32)])
    out["scale"], out["q"] = scale, np.clip(np.rint(blocks * inverse[:, None]), -127, 127)
    return out.tobytes()


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def keys(config):
    numbers = [("context_length", "max_position_embeddings"), ("embedding_length", "hidden_size"),
               ("feed_forward_length", "intermediate_size"), ("block_count", "num_hidden_layers"),
               ("attention.head_count", "num_attention_heads"), ("vocab_size", "vocab_size")]
    found = [(f"bert.{key}", U32, struct.pack("<I", config[name])) for key, name in numbers]
    found += [("general.architecture", STRING, text("bert")),
              ("general.file_type", U32, struct.pack("<I", 0)),
              ("bert.attention.layer_norm_epsilon", FLOAT, struct.pack("<f", config["layer_norm_eps"])),
              ("bert.attention.causal", BOOL, b"\0"),
              ("bert.pooling_type", U32, struct.pack("<I", 1)),  # mean
              ("tokenizer.ggml.model", STRING, text("no_vocab")),
              ("tokenizer.ggml.token_type_count", U32, struct.pack("<I", config["type_vocab_size"]))]
    return found


def write(folder, path, quantise):
    with open(folder + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    tensors = [(renamed(name), rows) for name, rows in load_file(folder + "/model.safetensors").items()]
    infos, data = b"", bytearray()
    kept = [(name, rows.astype(np.float32)) for name, rows in tensors if name]
    for name, rows in kept:
        small = rows.ndim == 1 or name in ("position_embd.weight", "token_types.weight")
        kind = F32 if small or not quantise else Q8_0
        infos += text(name) + struct.pack("<I", rows.ndim)
        infos += struct.pack(f"<{rows.ndim}Q", *reversed(rows.shape)) + struct.pack("<IQ", kind, len(data))
        data += rows.tobytes() if kind == F32 else q8_0(rows)
        data += bytes(-len(data) % ALIGN)
    found = keys(config)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(kept), len(found))
    head += b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in found) + infos
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGN) + data)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], sys.argv[3] == "q8_0")
