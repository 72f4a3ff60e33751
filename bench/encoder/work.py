"""How much there is to do in one run of MiniLM-L6, and what the machine could do in that time."""
import os
import subprocess

LAYERS, HIDDEN, WIDE = 6, 384, 1536
MATRIX = LAYERS * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * WIDE)  # weights that are multiplied
BYTES = {"f32": 4, "bf16": 2, "int8": 1}


def operations(precision, tokens, texts):
    """Multiplications and additions; of int8 those of its matrices alone, which are integers."""
    every = 2 * MATRIX
    if precision != "int8":
        every += LAYERS * 4 * HIDDEN * tokens  # scores and what they weigh
    return every * tokens * texts


def weight_bytes(precision):
    return MATRIX * BYTES[precision]


def peaks(build, isa):
    """What bench/peak measured: name -> thousand millions a second."""
    try:
        lines = subprocess.run([os.path.join(build, "bench", "peak")] + ([isa] if isa else []),
                               stdout=subprocess.PIPE, text=True, timeout=120, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return {}
    return {line.split()[0]: float(line.split()[1]) for line in lines}


def merged(a, b):
    """The better of two measurements of each."""
    return {name: max(a.get(name, 0), b.get(name, 0)) for name in {**a, **b}}


def arithmetic_peak(found, precision, level, threads):
    """The instruction that this level multiplies with: fma; for int8 vpdpbusd, or vpmaddwd."""
    kind = "fma" if precision != "int8" else "vnni" if level == "avx512" else "madd"
    return found.get(f"{kind}.{level}.{threads}")


def reading_peak(found, precision, threads):
    """Reading as many bytes as the weights have."""
    return found.get({"f32": "read.40MiB", "bf16": "read.20MiB", "int8": "read.10MiB"}[precision] + f".{threads}")
