#!/usr/bin/env python3
"""Makes engine/wordpiece_tables.c and .h: what the package `tokenizers` does to each code point.

Every one of the 0x110000 - 0x800 code points is put through the package's own functions, one
step at a time, because the steps follow different versions of Unicode.  What a step does to one
code point it does wherever that stands, but for NFD, which also sorts combining marks: their
classes are found by asking the package to sort pairs.

    tables.py FOLDER    (mk/tables.sh runs it, in a virtual environment)
"""
import functools
import os
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xAC00 + 11172)

# flags, as the generated header names them
FLAGS = ["DROP", "BLANK", "SPACE", "PUNCT", "CHINESE", "MARK", "WORD"]
DROP, BLANK, SPACE, PUNCT, CHINESE, MARK, WORD = (1 << i for i in range(len(FLAGS)))


def step(**on):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    options.update(on)
    return normalizers.BertNormalizer(**options).normalize_str


def each(function):
    """What function gives where that is not the character itself."""
    return {c: got for c in POINTS if (got := function(chr(c))) != chr(c)}


def need(claim, text):
    if not claim:
        sys.exit("tables.py: this version of tokenizers breaks a rule that the engine relies on: " + text)


def hangul(c):
    i = c - 0xAC00
    jamo = [0x1100 + i // 588, 0x1161 + i % 588 // 28] + ([0x11A7 + i % 28] if i % 28 else [])
    return "".join(map(chr, jamo))


def one_token(**flags):
    """Which code points let an added token match after (before) them, by its ids."""
    t = Tokenizer(models.WordPiece(vocab={"?": 0}, unk_token="?"))
    t.add_tokens([AddedToken("qq", normalized=False, **flags)])
    after = [e.ids for e in t.encode_batch(["qq" + chr(c) for c in POINTS])]
    before = [e.ids for e in t.encode_batch([chr(c) + "qq" for c in POINTS])]
    return dict(zip(POINTS, after)), dict(zip(POINTS, before))


def classes(points, nfd):
    """Ranks of canonical combining classes, 0 for starters: only their order is ever used."""
    low, high = "\u0334", "\u0345"  # the least and the greatest class there is
    marks = [c for c in points if nfd(chr(c) + low) == low + chr(c) or nfd(high + chr(c)) == chr(c) + high]

    def order(a, b):
        if nfd(chr(b) + chr(a)) == chr(a) + chr(b) != chr(b) + chr(a):
            return -1
        return 1 if nfd(chr(a) + chr(b)) == chr(b) + chr(a) != chr(a) + chr(b) else 0

    marks.sort(key=functools.cmp_to_key(order))
    rank, ranks = 0, {}
    for i, c in enumerate(marks):
        rank += i == 0 or order(marks[i - 1], c) != 0
        ranks[c] = rank
    need(rank < 255, "fewer than 255 combining classes")
    first = {}
    for c in marks:
        first.setdefault(ranks[c], c)
    for c in marks:  # every mark against one of every class, both ways
        for r, d in first.items():
            want = -1 if ranks[c] < r else int(ranks[c] > r)
            need(order(c, d) == want and order(d, c) == -want, "combining classes are an order")
    return ranks


def gather():
    clean, chinese = each(step(clean_text=True)), each(step(handle_chinese_chars=True))
    strip, lower = each(step(strip_accents=True)), each(step(lowercase=True))
    nfd_of = normalizers.NFD().normalize_str
    nfd = each(nfd_of)
    flags = dict.fromkeys(POINTS, 0)

    for c, got in clean.items():
        need(got in ("", " "), "clean_text drops or blanks")
        flags[c] |= DROP if got == "" else BLANK
    for c, got in chinese.items():
        need(got == " " + chr(c) + " ", "handle_chinese_chars puts spaces around")
        need(len(nfd.get(c, chr(c))) == 1 and c not in HANGUL, "an ideograph decomposes to one")
        flags[c] |= CHINESE
    need(all(nfd[c] == hangul(c) for c in HANGUL), "Hangul syllables decompose by the standard's formula")
    for c in POINTS:
        pieces = nfd.get(c, chr(c))
        need(nfd_of(pieces) == pieces and len(pieces) <= 4, "NFD is complete in one step")
        if c not in nfd and strip.get(c) == "":
            flags[c] |= MARK
    for c in POINTS:
        want = "".join(d for d in nfd.get(c, chr(c)) if not flags[ord(d)] & MARK)
        need(strip.get(c, chr(c)) == want, "strip_accents is NFD less category Mn")
    ranks = classes([c for c in POINTS if c not in nfd], nfd_of)

    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    for c in POINTS:
        got = [piece for piece, _ in split("a" + chr(c) + "b")]
        need(got in (["a", "b"], ["a", chr(c), "b"], ["a" + chr(c) + "b"]), "the pre-tokenizer's three cases")
        flags[c] |= {1: 0, 2: SPACE, 3: PUNCT}[len(got)]

    after, before = one_token(single_word=True)
    for c in POINTS:
        need(set(after[c]) <= {0, 1} and (1 in after[c]) == (1 in before[c]), "\\w is the same on both sides")
        flags[c] |= 0 if 1 in after[c] else WORD
    after, before = one_token(rstrip=True)[0], one_token(lstrip=True)[1]
    for c in POINTS:
        stripped = bool(flags[c] & SPACE)
        need((after[c] == [1]) == stripped and (before[c] == [1]) == stripped, "\\s is what the pre-tokenizer splits at")

    # whatever the options, text does not grow: EM_WORDPIECE_MOST rests on it
    for c in POINTS:
        for kept in (chr(c), strip.get(c, chr(c))):
            grown = "".join(lower.get(ord(d), d) for d in kept)
            need(len(grown) <= len(chr(c).encode()), "no more characters come out than bytes go in")
    for c in range(128):
        need(c not in nfd and c not in ranks and not flags[c] & (MARK | CHINESE), "ASCII is plain")
    return flags, nfd, lower, ranks


def rows(numbers, form="{}", width=90):
    line, lines = "    ", []
    for number in numbers:
        text = form.format(number) + ","
        if len(line) + len(text) > width:
            lines.append(line)
            line = "    "
        line += text
    return "\n".join(lines + [line])


def main():
    flags, nfd, lower, ranks = gather()

    pieces, at = [], {}  # decompositions and long lower cases, one array

    def place(text):
        key = tuple(map(ord, text))
        if key not in at:
            at[key] = len(pieces)
            pieces.extend(key)
        return at[key]

    records, numbers = [], {}

    def record(c):
        parts = nfd[c] if c in nfd and c not in HANGUL else ""
        low = lower.get(c, chr(c))
        delta = ord(low) - c if len(low) == 1 else place(low)
        row = (delta, place(parts) if parts else 0, flags.get(c, 0), len(parts), ranks.get(c, 0), len(low))
        if row not in numbers:
            numbers[row] = len(records)
            records.append(row)
        return numbers[row]

    record(0xE000)  # record 0: private use
    of = [0 if 0xD800 <= c < 0xE000 else record(c) for c in range(0x110000)]

    best = None
    for bits in range(4, 9):
        blocks, index = {}, []
        for i in range(0, 0x110000, 1 << bits):
            block = tuple(of[i:i + (1 << bits)])
            index.append(blocks.setdefault(block, len(blocks)))
        size = len(index) * (1 if len(blocks) <= 256 else 2) + len(blocks) * 2 * (1 << bits)
        if len(blocks) <= 65536 and (best is None or size < best[0]):
            best = (size, bits, index, list(blocks))
    size, bits, index, blocks = best
    kind = "uint8_t" if len(blocks) <= 256 else "uint16_t"
    total = size + 12 * len(records) + 4 * len(pieces)
    made = ("made by mk/tables.py from the Python package tokenizers %s"
            % tokenizers.__version__)
    folder = sys.argv[1]

    with open(os.path.join(folder, "wordpiece_tables.h"), "w") as f:
        f.write(f"""/* wordpiece_tables.h - what the tokenizer does to each code point; {made}.
 *
 * Trust:  constants; a code point is checked (at most U+10FFFF) by whoever looks it up.
 * Memory: {total // 1024} KiB of constants.
 */
#ifndef EM_ENGINE_WORDPIECE_TABLES_H
#define EM_ENGINE_WORDPIECE_TABLES_H

#include "base/em.h"

#define EM_WORDPIECE_TABLES_PACKAGE "tokenizers {tokenizers.__version__}"

enum {{
    EM_WORDPIECE_TABLES_BITS = {bits}, /* of a code point within its block */
    EM_WORDPIECE_TABLES_DROP = {DROP},    /* clean_text drops it */
    EM_WORDPIECE_TABLES_BLANK = {BLANK},   /* clean_text makes it a space */
    EM_WORDPIECE_TABLES_SPACE = {SPACE},   /* white space: words end here */
    EM_WORDPIECE_TABLES_PUNCT = {PUNCT},   /* punctuation: a word of its own */
    EM_WORDPIECE_TABLES_CHINESE = {CHINESE}, /* gets spaces on both sides */
    EM_WORDPIECE_TABLES_MARK = {MARK},   /* category Mn: strip_accents drops it after NFD */
    EM_WORDPIECE_TABLES_WORD = {WORD},   /* a word character beside an added token */
}};

typedef struct em_wordpiece_tables_record {{
    int32_t lower;         /* lower_n 1: add it; else where the lower case is in pieces */
    uint16_t decompose_at; /* in pieces */
    uint8_t flags;
    uint8_t decompose_n; /* full canonical decomposition; 0: none, or a Hangul syllable */
    uint8_t rank;        /* of its combining class; 0 for a starter */
    uint8_t lower_n;     /* code points of its lower case */
}} em_wordpiece_tables_record;

extern const {kind} em_wordpiece_tables_block[{len(index)}];
extern const uint16_t em_wordpiece_tables_index[{len(blocks)} << EM_WORDPIECE_TABLES_BITS];
extern const em_wordpiece_tables_record em_wordpiece_tables_records[{len(records)}];
extern const uint32_t em_wordpiece_tables_pieces[{len(pieces)}];

/* `c` is at most 0x10FFFF. */
static inline const em_wordpiece_tables_record *em_wordpiece_tables_of(uint32_t c)
{{
    size_t block = em_wordpiece_tables_block[c >> EM_WORDPIECE_TABLES_BITS];
    size_t at = block << EM_WORDPIECE_TABLES_BITS | (c & ((1u << EM_WORDPIECE_TABLES_BITS) - 1));

    return &em_wordpiece_tables_records[em_wordpiece_tables_index[at]];
}}

#endif
""")
    with open(os.path.join(folder, "wordpiece_tables.c"), "w") as f:
        f.write(f"/* {made}. */\n#include \"engine/wordpiece_tables.h\"\n\n")
        f.write("const %s em_wordpiece_tables_block[%d] = {\n%s\n};\n\n" % (kind, len(index), rows(index)))
        f.write("const uint16_t em_wordpiece_tables_index[%d << EM_WORDPIECE_TABLES_BITS] = {\n%s\n};\n\n"
                % (len(blocks), rows([r for b in blocks for r in b])))
        f.write("const em_wordpiece_tables_record em_wordpiece_tables_records[%d] = {\n%s\n};\n\n"
                % (len(records), rows(["{%d, %d, %d, %d, %d, %d}" % r for r in records])))
        f.write("const uint32_t em_wordpiece_tables_pieces[%d] = {\n%s\n};\n" % (len(pieces), rows(pieces, "0x{:X}")))
    print(f"tables: {len(records)} records, {len(blocks)} blocks of {1 << bits}, "
          f"{max(ranks.values())} combining classes, {total} bytes, {made}")


main()
