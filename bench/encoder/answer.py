"""What a peer's process does with the lines of bench/encoder.c, whoever the peer is."""
import struct
import sys
import time

WARM_UP = 0.01  # seconds before runs are counted; none where one run takes ten times that


class Cannot(Exception):
    """This peer has no answer for this row; the reason goes into the table."""


def answer_lines(detail, use, embed):
    """`use(ids, tokens, texts)` prepares a batch; `embed()` gives its vectors as f32 bytes."""
    took, out = 0.0, b""

    def timed():
        nonlocal took, out
        started = time.perf_counter_ns()
        out = embed()
        took = time.perf_counter_ns() - started
        return took

    print("ready", detail, flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        try:
            if word == "use":
                tokens, texts = int(rest[1]), int(rest[2])
                with open(rest[0], "rb") as f:
                    ids = struct.unpack(f"<{tokens * texts}I", f.read())
                use(ids, tokens, texts)
                took = 0
                print("ok", flush=True)
            elif word == "run":
                started = time.perf_counter()
                while took < 1e8 and time.perf_counter() - started < WARM_UP:
                    timed()
                print("ns", *[timed() for _ in range(int(rest[0]))], flush=True)
            elif word == "once":
                print("ns", timed(), flush=True)
            elif word == "out":
                print("out", bytes(out).hex(), flush=True)
        except Cannot as why:
            print("cannot", why, flush=True)
