#!/usr/bin/env python3
"""Compares engine/wordpiece with the package `tokenizers`: every code point, and random texts.

    compare_tokens.py PROGRAM [--tokenizer FILE] [--random N] [--points N] [--others N]

PROGRAM is the test tests/engine/wordpiece, which answers in frames.  FILE is a real tokenizer.json
to be compared too; N: random texts a part (default 30000), and of the code points every N-th one
(default 1: all of them), --others for options that no model known to us has and that
combine steps which are compared one by one.  Prints "ok" or "not ok" a part, with the first differences; exit 1 if any.
tests/system/tokenizer_package.sh runs it.
"""
import argparse
import itertools
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, normalizers

failed = False


def stop(text):
    print("not ok " + text)
    sys.exit(1)


def ask(program, args, texts):
    """What our side answers, one byte string a text."""
    with tempfile.TemporaryFile() as to, tempfile.TemporaryFile() as back:
        for text in texts:
            raw = text.encode()
            to.write(struct.pack("<I", len(raw)) + raw)
        to.seek(0)
        done = subprocess.run([program] + args, stdin=to, stdout=back, check=False)
        if done.returncode != 0:
            stop(f"{program} {' '.join(args)}: exit {done.returncode}")
        back.seek(0)
        data = back.read()
    answers, at = [], 0
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        answers.append(data[at + 4:at + 4 + size])
        at += 4 + size
    if len(answers) != len(texts):
        stop(f"{program}: {len(answers)} answers to {len(texts)} texts")
    return answers


def verdict(name, count, differences):
    global failed
    failed |= bool(differences)
    print(f"{'not ok' if differences else 'ok'} {name}: {count} compared, {len(differences)} differ", flush=True)
    for text, ours, theirs in differences[:5]:
        print(f"  {text!a}\n    ours   {ours!a}\n    theirs {theirs!a}")


def scalars(every=1):
    return [c for c in range(0, 0x110000, every) if not 0xD800 <= c < 0xE000]


def chunks(texts, size, glue):
    return [glue.join(texts[i:i + size]) for i in range(0, len(texts), size)]


# what a code point stands in: alone, in a word, among marks that NFD sorts past each other
CONTEXTS = ["{}", "A{}b", "\u302e{}\U0001d165\u0301\u0345\u302ea", "\U0001d16d\u034f{}{}\u0344\U0001d165x"]


def compare_normal(program, all_points, others):
    for clean, chinese, strip, lower in itertools.product((False, True), repeat=4):
        bits = clean + 2 * chinese + 4 * strip + 8 * lower
        points = all_points if bits in (0, 1, 2, 4, 8, 15, 3, 11) else all_points[::others]
        texts = [t for context in CONTEXTS for t in chunks([context.replace("{}", chr(c)) for c in points], 256, "\n")]
        ours = ask(program, ["--normal", str(bits)], texts)
        for given in {strip, None if strip == lower else strip}:
            n = normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=chinese, strip_accents=given, lowercase=lower)
            differ = []
            for text, got in zip(texts, ours):
                want = n.normalize_str(text)
                if got.decode() != want:
                    for piece in text.split("\n") if len(differ) < 5 else ():  # which one it was
                        one = ask(program, ["--normal", str(bits)], [piece])[0].decode()
                        if one != n.normalize_str(piece):
                            differ.append((piece, one, n.normalize_str(piece)))
                    differ = differ or [(text, got.decode(), want)]  # only the whole of it does
            verdict(f"normal forms (clean {clean}, chinese {chinese}, strip {given}, lower {lower})", len(points) * len(CONTEXTS), differ)


def make(vocab, added=(), prefix="##", chars=100, clean=True, chinese=True, strip=None, lower=True):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added),
        "normalizer": {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": strip, "lowercase": lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", vocab["[SEP]"]], "cls": ["[CLS]", vocab["[CLS]"]]},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix, "max_input_chars_per_word": chars, "vocab": vocab},
    }


def token(id, content, **flags):
    one = dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    one.update(flags)
    return one


def encode(tokenizer, texts):
    """Ids of each text; None where the package itself breaks: it panics on added tokens of white
    space that reach into what another one swallowed."""
    try:
        return [e.ids for e in tokenizer.encode_batch_fast(texts)]
    except BaseException as e:  # pyo3's PanicException is none of Exception's
        if "PanicException" not in type(e).__name__:
            raise
    ids = []
    for text in texts:
        try:
            ids.append(tokenizer.encode(text).ids)
        except BaseException as e:
            if "PanicException" not in type(e).__name__:
                raise
            ids.append(None)
    return ids


def compare_ids(program, tokenizer, texts, most=1 << 30):
    """How many texts were compared and where they differ; ids cut to `most`, counts before that."""
    theirs = Tokenizer.from_str(json.dumps(tokenizer))
    theirs.no_truncation()
    theirs.no_padding()
    for one in tokenizer["added_tokens"]:  # what is in the vocabulary has that id
        one["id"] = theirs.token_to_id(one["content"])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(tokenizer, f)
        f.flush()
        ours = ask(program, ["--ids", f.name, str(most)], texts)
    whole = encode(theirs, texts)
    if most < 1 << 30:
        theirs.enable_truncation(most)
        cut = encode(theirs, texts)
    else:
        cut = whole
    differ, count = [], 0
    for text, got, all_ids, ids in zip(texts, ours, whole, cut):
        if all_ids is None:
            continue
        count += 1
        numbers = list(struct.unpack(f"<{len(got) // 4}I", got))
        if numbers != [len(all_ids)] + ids:
            differ.append((text[:200], numbers[:40], ([len(all_ids)] + ids)[:40]))
    return count, differ


def broad_vocabulary():
    """A token, plain and continuing, for each code point below U+3000 and many above."""
    vocab = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}
    for c in itertools.chain(range(1, 0x3000), range(0x3001, 0xD800, 5), range(0xE000, 0x20000, 7), range(0x20000, 0x110000, 97)):
        vocab.setdefault(chr(c), len(vocab))
        vocab.setdefault("##" + chr(c), len(vocab))
    draw = random.Random(3)
    for _ in range(5000):
        letters = "".join(draw.choices("abcdeéσиか中\u0301", k=draw.randrange(2, 7)))
        vocab.setdefault(draw.choice(["", "##"]) + letters, len(vocab))
    return vocab


def random_texts(draw, n):
    pools = [
        lambda: draw.choice("abcdeABCDE"), lambda: draw.choice("  \t\n.,-'[]#"), lambda: chr(draw.randrange(0x20, 0x7F)),
        lambda: chr(draw.randrange(1, 0x250)), lambda: chr(draw.randrange(0x300, 0x370)), lambda: chr(draw.randrange(0x370, 0x590)),
        lambda: chr(draw.randrange(0x590, 0x1100)), lambda: chr(draw.randrange(0x1100, 0x3100)), lambda: chr(draw.randrange(0x3100, 0xD800)),
        lambda: chr(draw.randrange(0xE000, 0x10000)), lambda: chr(draw.randrange(0x10000, 0x20000)), lambda: chr(draw.randrange(0x20000, 0x110000)),
        lambda: draw.choice("\u0301\u0316\u0345\u034f\U0001d165\U0001d16d\u302e\u302f\u0f73\u0344\u05b0\U00016ff0"),
        lambda: draw.choice(["[CLS]", "[MASK]", "[UNK]", "[SEP", "the", "Embedding", "a" * 99, "é" * 101, "\x00", "\ufffd", "İ", "Σ", "中国", "한국"]),
    ]
    out = []
    for _ in range(n):
        some = draw.sample(pools, draw.randrange(1, 5))
        out.append("".join(draw.choice(some)() for _ in range(draw.choice((3, 8, 20, 60)))))
    return out


def compare_broad(program, all_points, others, n):
    vocab = broad_vocabulary()
    plain = [token(vocab[t], t) for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    for i, options in enumerate([{}, dict(lower=False), dict(clean=False, chinese=False, strip=False), dict(clean=False, strip=True, lower=False), dict(strip=False)]):
        points = all_points[::1 if i < 3 else others]
        texts = [t for context in ("{}", "a{}b", "{}{} .{}") for t in chunks([context.replace("{}", chr(c)) for c in points], 64, " \n ")]
        count, differ = compare_ids(program, make(vocab, plain, **options), texts)
        verdict(f"ids of code points, {options or 'default options'}", 3 * len(points) if count == len(texts) else 0, differ)
        some = random_texts(random.Random(100 + i), n)
        verdict(f"ids of random texts, {options or 'default options'}", *compare_ids(program, make(vocab, plain, **options), some, (16, 2, 128, 3, 64)[i]))


def compare_added(program, n):
    """Added tokens of every kind over few letters, where matches touch and overlap."""
    draw, differ, count = random.Random(5), [], 0
    base = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcd é.中_") + ["##" + c for c in "abcdé_"] + ["ab", "##ab", "##cd"])}
    letters = "aabbcAB  é\u0301.中_İ"
    for _ in range(200):
        options = dict(clean=draw.random() < 0.7, chinese=draw.random() < 0.7, strip=draw.choice((None, True, False)), lower=draw.random() < 0.6, chars=draw.choice((100, 4)), prefix=draw.choice(("##", "##", "", "a")))
        n_of = normalizers.BertNormalizer(clean_text=options["clean"], handle_chinese_chars=options["chinese"], strip_accents=options["strip"], lowercase=options["lower"])
        added, raw, normal = [], set(), set()
        for _ in range(draw.randrange(1, 9)):
            content = "".join(draw.choices(letters, k=draw.randrange(1, 5)))
            flags = {f: draw.random() < 0.4 for f in ("single_word", "lstrip", "rstrip", "normalized")}
            form, seen = (n_of.normalize_str(content), normal) if flags["normalized"] else (content, raw)
            if content == "" or form == "" or form in seen or any(a["content"] == content for a in added):
                continue  # the package takes no empty one, and of two equal ones whichever
            seen.add(form)
            added.append(token(len(base) + len(added), content, **flags))
        texts = ["".join(draw.choices(letters + "  \t\x0b", k=draw.randrange(1, 30))) for _ in range(max(10, n // 100))]
        compared, new = compare_ids(program, make(base, added, **options), texts)
        differ += [(t, o, (w, added, options)) for t, o, w in new]
        count += compared
    verdict("ids with added tokens of all kinds, 200 tokenizers", count, differ)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--tokenizer")
    p.add_argument("--random", type=int, default=30000)
    p.add_argument("--points", type=int, default=1)
    p.add_argument("--others", type=int, default=1)
    a = p.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    points = scalars(a.points)

    compare_normal(a.program, points, a.others)
    compare_broad(a.program, points, a.others, a.random)
    compare_added(a.program, a.random)
    if a.tokenizer:
        with open(a.tokenizer, encoding="utf-8") as f:
            real = json.load(f)
        some = random_texts(random.Random(7), a.random)
        verdict("ids of random texts, a real model's tokenizer", *compare_ids(a.program, real, some, 256))
    sys.exit(failed)


main()
