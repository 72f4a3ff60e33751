"""Turns: each side runs a few times, then the next, so that whatever else the machine does meets all."""
import statistics
import struct
import time

from sides import Gone, Side

ENOUGH_NS = 25e6  # of counted runs a turn
MOST_RUNS = 10
FAR_BEHIND = 1.5  # an entry this much slower than the best of its column is left alone
SHOW = 3  # turns before anything is left alone
AT_LAST = 4  # times the seconds of a row: then one turn has to do


class Taken:
    """What one entry took in one row: a median a turn, aligned with the turns of the others."""

    def __init__(self):
        self.turns, self.least, self.out, self.why = [], None, None, None

    def median(self):
        return statistics.median(self.turns)


def start_all(entries, threads):
    """The sides that came up, and why the others did not."""
    sides, missing = {}, {}
    for entry in entries:
        try:
            sides[entry.name] = Side(entry.command(threads), threads, entry.environment(threads))
        except (Gone, OSError) as why:
            missing[entry.name] = str(why)
    return sides, missing


def one_turn(side, runs):
    return [int(ns) for ns in side.ask(f"run {runs}", "ns").split()]


def behind(entries, taken, entry):
    """Is another entry of the same column so much faster that this one cannot be its best?"""
    mine = taken[entry.name]
    rivals = [taken[e.name] for e in entries if e.column == entry.column and e.name != entry.name]
    return any(len(r.turns) >= SHOW and len(mine.turns) >= SHOW and mine.median() > FAR_BEHIND * r.median()
               for r in rivals)


def row(entries, sides, ids, tokens, texts, turns, seconds):
    """Measures one row: `turns` turns, but SHOW once `seconds` are over, and one where that takes
    far longer, as on a machine that others use."""
    taken, runs = {entry.name: Taken() for entry in entries if entry.name in sides}, {}
    began = time.monotonic()

    def attempt(name, what):
        try:
            return what(sides[name])
        except Gone as why:
            taken[name].why = str(why)
            if sides[name].process.poll() is not None or str(why).startswith("no answer"):
                sides.pop(name).end()  # out of step: it cannot be asked again
            return None

    for name, t in taken.items():
        attempt(name, lambda side: side.ask(f"use {ids} {tokens} {texts}", "ok"))
        first = None if t.why else attempt(name, lambda side: one_turn(side, 1))
        if first:  # not counted: caches and pages are cold
            runs[name] = max(1, min(MOST_RUNS, round(ENOUGH_NS / first[0])))
            raw = attempt(name, lambda side: side.ask("out", "out"))
            t.out = struct.unpack(f"<{texts * 384}f", bytes.fromhex(raw)) if raw else None
    for turn in range(turns):
        spent = time.monotonic() - began
        if (turn >= SHOW and spent > seconds) or (turn >= 1 and spent > AT_LAST * seconds):
            break
        order = entries[turn % len(entries):] + entries[:turn % len(entries)]
        for entry in order:
            t = taken.get(entry.name)
            if t is None or t.why or behind(entries, taken, entry):
                continue
            got = attempt(entry.name, lambda side: one_turn(side, runs[entry.name]))
            if got:
                t.turns.append(statistics.median(got))
                t.least = min(got + ([t.least] if t.least else []))
    return taken


def best_of(entries, taken, column):
    """The entry of a column with the least median, and what it took."""
    found = [(taken[e.name].median(), e) for e in entries
             if e.column == column and e.name in taken and taken[e.name].turns]
    if not found:
        return None
    entry = min(found, key=lambda pair: pair[0])[1]
    return entry, taken[entry.name]


def paired(ours, theirs):
    """How many times as fast as they we are: the turns' ratios as quartile, median, quartile."""
    ratios = [b / a for a, b in zip(ours.turns, theirs.turns)]
    return statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3


def compared(ours, theirs):
    """Greatest difference of any number, and least cosine of any text (vectors of length one)."""
    difference = max(abs(a - b) for a, b in zip(ours, theirs))
    cosine = min(sum(a * b for a, b in zip(ours[i:i + 384], theirs[i:i + 384])) / (
        sum(a * a for a in ours[i:i + 384]) * sum(b * b for b in theirs[i:i + 384]))**0.5
                 for i in range(0, len(ours), 384))
    return difference, cosine
