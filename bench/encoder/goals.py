"""The goals: ratios of one run on the machine at hand, by what it can execute."""


def f32(avx512, tokens):
    return (1.4 if tokens <= 16 else 1.15) if avx512 else (1.6 if tokens <= 16 else 1.25)


def bf16(avx512, tokens, threads):
    if tokens > 16:
        return None
    return (2.4 if threads == 1 else 3.0) if avx512 else 2.0


def int8(avx512, tokens):
    return (2.0 if tokens <= 16 else 1.4) if avx512 else (3.0 if tokens <= 16 else 1.7)


PEAK = 0.85  # of the FMA peak, f32 from 128 tokens
SCALING = 1.9  # two processors over one, batches
FIRST_RESULT_MS = 100
MEMORY = 1.15  # over the weights
NINE_TOKENS_MS = 4.0  # f32, one processor, AVX2


def verdict(value, goal, lower_is_better=False):
    if goal is None:
        return ""
    return "met" if (value <= goal if lower_is_better else value >= goal) else "missed"
