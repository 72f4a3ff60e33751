"""peer_llama.py GGUF THREADS: llama.cpp's encoder as a side, by its C functions.

A batch goes in groups of at most 512 tokens, as its server would: within one group its attention
computes every token against every other, so larger groups only get slower."""
import sys

import llama_cpp as ll
import numpy as np

import answer

GROUP = 512


class Encoder:
    def __init__(self, path, threads):
        ll.llama_log_set(quiet, None)
        ll.llama_backend_init()
        model = ll.llama_model_default_params()
        model.n_gpu_layers = 0
        self.model = ll.llama_model_load_from_file(path.encode(), model)
        if not self.model:
            raise SystemExit("llama.cpp cannot read the file")
        context = ll.llama_context_default_params()
        context.n_ctx = context.n_batch = context.n_ubatch = GROUP
        context.n_seq_max = GROUP // 8
        context.n_threads = context.n_threads_batch = threads
        context.embeddings, context.pooling_type = True, ll.LLAMA_POOLING_TYPE_MEAN
        self.context = ll.llama_init_from_model(self.model, context)
        if not self.context:
            raise SystemExit("llama.cpp cannot make a context")
        self.batches = []

    def use(self, ids, tokens, texts):
        for batch, _ in self.batches:
            ll.llama_batch_free(batch)
        each = max(1, GROUP // tokens)
        self.batches = [self.batch(ids[first * tokens:(first + each) * tokens], tokens)
                        for first in range(0, texts, each)]

    @staticmethod
    def batch(ids, tokens):
        batch = ll.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.logits[i] = token, i % tokens, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, i // tokens
        return batch, len(ids) // tokens

    def embed(self):
        rows = []
        for batch, texts in self.batches:
            if ll.llama_encode(self.context, batch) != 0:
                raise answer.Cannot("llama_encode failed")
            rows += [np.ctypeslib.as_array(ll.llama_get_embeddings_seq(self.context, s), (384,)).copy()
                     for s in range(texts)]
        out = np.stack(rows)
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out.tobytes()


@ll.llama_log_callback
def quiet(_level, _text, _arg):
    pass


def main():
    encoder = Encoder(sys.argv[1], int(sys.argv[2]))
    info = ll.llama_print_system_info().decode()
    known = [w for w in ("AVX512_VNNI", "AVX512", "AVX2") if f"{w} = 1" in info]
    answer.answer_lines(f"llama_cpp_python {ll.__version__} {' '.join(known)}", encoder.use, encoder.embed)


if __name__ == "__main__":
    main()
