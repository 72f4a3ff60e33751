"""Whole processes: from start to the first vector, model in the page cache, and the most memory."""
import os
import statistics
import time

from sides import Gone, Side

TIMES = 7


def figures(entry, ids, tokens, model_bytes):
    """Medians of some processes, one after the other; None where it did not work."""
    first, ready, peak = [], [], 0
    try:
        for _ in range(TIMES):
            began = time.monotonic()
            side = Side(entry.command(2), 2, entry.environment(2))
            try:
                ready.append((time.monotonic() - began) * 1e3)
                side.ask(f"use {ids} {tokens} 1", "ok")
                side.ask("once", "ns")
                first.append((time.monotonic() - began) * 1e3)
                peak = max(peak, side.peak_memory())
            finally:
                side.end()
    except (Gone, OSError):
        return None
    return {"ready_ms": statistics.median(ready), "first_ms": statistics.median(first), "peak_bytes": peak,
            "model_bytes": model_bytes, "memory_ratio": peak / model_bytes}


def chosen(roster):
    """Each precision of ours, and ONNX Runtime reading a finished file."""
    found = []
    for entry in roster.entries:
        if entry.name.startswith("ours "):
            found.append((entry, os.path.getsize(os.path.join(roster.work, entry.column + ".image"))))
    return found + roster.finished_files
