#!/usr/bin/env python3
"""Makes the golden token ids that the tests carry: our own vocabulary and texts, ids by `tokenizers`.

    golden_tokens.py > tests/golden/wordpiece.json    (`make golden`, in the environment of mk/tables.sh)

The file holds the vocabulary (an id is a place in it) and the texts once, and runs: a tokenizer.json without its
vocabulary, a length, and for each text [tokens before truncation, ids after it].
"""
import itertools
import json
import random

import tokenizers
from tokenizers import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary():
    words = list(SPECIAL)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words += list(letters) + ["##" + c for c in letters] + list("ABCDEXYZ") + ["##A", "##B", "##Z"]
    words += list("0123456789") + ["##0", "##1", "##2", "##42"] + list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    words += ["the", "quick", "un", "##aff", "##able", "##ing", "embed", "##ded", "enclave", "en", "##clave", "attest",
              "##ation", "Attest", "hello", "Hello", "HELLO", "a" * 99, "##" + "a" * 50, "######", "##'", "[", "CLS"]
    words += ["café", "cafe", "caf", "é", "##é", "e\u0301", "##\u0301", "\u0301", "i\u0307", "##\u0307", "naive", "naïve",
              "straße", "strasse", "ß", "##ß", "##ss", "æ", "ø", "l", "ł", "##ł"]
    words += ["σ", "##σ", "ς", "##ς", "οδος", "οδοσ", "привет", "прив", "##ет", "ё", "е", "##ё", "Привет", "й", "и", "##й"]
    words += ["中", "国", "日本", "##国", "\u6c34", "か", "が", "##か", "カ", "\u3099", "##\u3099", "한", "##국", "ᄒ", "##ᅡ", "##ᆫ", "ᄀ"]
    words += ["नमस", "न", "##म", "##स", "##त", "##\u0947", "##\u094d", "ไทย", "ไ", "##ท", "##ย", "##\u0e48", "سلام", "س", "##ل", "##ا",
              "##م", "שלום", "ש", "##ל", "\u0b95", "##\u0bca", "##\u0bc6", "##\u0bbe"]
    words += ["😀", "##😀", "👩", "##👩", "\u200d", "##\u200d", "\ufe0f", "🇪", "🇺", "€", "©", "½", "##½", "™", "ﬁ", "fi"]
    words += ["\ufffd", "\ue000", "##\ue000", "\U0010fffd", "\u0378", "##\u0378", "\U0001d165", "##\U0001d165", "\U0001d16d", "##\U0001d16d",
              "\u302e", "##\u302e", "\u00ad", "\x00", "##\x00", "\x01", "##\x7f", "—", "…", "、", "。", "¿", "«", "»", "٪"]
    return {w: i for i, w in enumerate(dict.fromkeys(words))}


def texts():
    out = ["", " ", "   \t\n\r  ", "hello", "Hello", "HELLO", "hello hello", "unaffable", "the quick embedding", "enclaveattestation",
           "hello, world!", "don't", "a.b.c", "...", "!?!?", "(a)[b]{c}", "##able", "un##able", "# # #", "a##b", "#####", "e-mail@x.y", "$5+5=10"]
    out += ["[CLS]", "[cls]", "[CLS] hello [SEP]", "a[MASK]b", "[[CLS]]", "[CLS", "[UNK][PAD]", "x [MASK] y", "[MASK]", " [MASK] ", "[ MASK ]",
            "[MASK][MASK]", "the<user>quick", "<user>", "<USER>", "<user><user>", "a <user>  b", "ab", "abab", "xaba aba  c", "xab", "ab ab", "abx ab", "ABc",
            "café ab", "\u00adab", "\u3000ab\u3000ab", "ab\x0b\x0cab", "éab", "_ab", "ab_", "ab\u0301", "中ab国", "ab ", "  ab  ", "tok tokk", "TÖK tök", "to\u0308k"]
    out += ["a" * n for n in (4, 5, 6, 99, 100, 101, 102, 199, 200, 201)] + ["é" * 100, "é" * 101, "e\u0301" * 100, "e\u0301" * 101,
            "中" * 101, "x" * 5000, "a" * 100 + "." + "a" * 101, "\u0301" * 200, "a" + "\u0301" * 150, "a" * 90 + "\x00" * 20 + "a" * 10, "\u200b".join("a" * 110)]
    out += ["a\x00b", "\x00", "\x00\x00 a", "a\x01b\x7fc", "a\u0080b\u0085c\u009fd", "a\u00a0b", "a\u1680b\u2000c\u2028d\u2029e\u202ff\u205fg\u3000h",
            "a\u200bb\u200cc\u200dd\u200ee\u200ff", "\ufeffhello", "hel\u00adlo", "a\u061cb\u180eb", "\u2066a\u2069", "a\ufffdb", "\ufffd", "a\ue000b", "\ue000", "\U000f0000",
            "\U0010fffd a", "\ud7ff\ue000", "\ud7ff", "\uffff", "\ufffe", "\U0010ffff", "a\u0378b", "\U000e0001a", "a\u2060b", "\u0600\u0601"]
    out += ["café", "cafe\u0301", "CAFÉ", "naïve", "É", "E\u0301", "e\u0301\u0302", "e\u0316\u0301", "e\u0301\u0316", "\u0301", "\u0301a", "ǖ ǘ", "Ǆ ǅ ǆ", "straße STRASSE ẞ",
            "İstanbul ISTANBUL ı", "Łódź łódź", "æøå ÆØÅ", "ΟΔΟΣ οδος ΟΔΟΣ.", "Σ", "aΣ", "ᾳ ᾼ ὠ", "\u0345\u0301\u0327", "a\u0344b", "ﬁ ﬂ", "K \u212a Å \u212b Ω \u2126", "𝐇𝐞𝐥𝐥𝐨", "ℌ", "Ａ", "Ⓐ Ⅷ"]
    out += ["привет Привет", "Ёж ё", "Йод и\u0306", "中国", "中国人", "hello中国", "水\u2f64", "\uf900\ufa6d\U0002f800\U0002fa1d", "\U00020000\U0002a6df\U0002a700\U0002b920\U0002b81f\U0002b820",
            "\u3400\u4dbf\u4dc0\u9fff\ua000", "日本語テスト", "がか\u3099", "カﾞｶ", "한국어", "\u1112\u1161\u11ab", "\uac00\ud7a3", "ㅎ", "\u302e\u302f", "한\u302f\u302e", "나라〮"]
    out += ["नमस्ते", "क़ \u0958", "ไทย", "ก่ำ", "\u0e33", "سلام", "سَلَام", "مرحبا، كيف؟", "שלום", "שָׁלוֹם", "\u202bשלום\u202c", "தமிழ் \u0b95\u0bca \u0b95\u0bc6\u0bbe", "བོད་ \u0f73\u0f75\u0f81", "ᮊ᮪ ꦏ꧀ ꦥ", "\u1b05\u1b35 \u1b06",
            "\U0001d15e\U0001d165\U0001d16d", "\U0001d16d\U0001d165a", "a\U0001d16d\u0301\U0001d165\u302e", "\U00016ff0\U00016ff1\u302e", "\U0001e8d0\u0345a\u0334", "\u034f\u0301\u034f\U0001d165\u034f\U0001d16d"]
    out += ["😀", "a😀b", "👩\u200d👩\u200d👧", "❤\ufe0f", "🇪🇺", "👍🏽", "5€ ©2024 ½ ™", "1½", "—…、。¿«»", "٪", "a\u2019b", "a\u2010b\u2015c", "\u00b7 \u00a7 \u00b6", "` ^ ~ | $", "\u055a\u066a\u07f7", "₂ ²"]
    pools = ["abAB .,!", "éÉèü\u0301\u0302\u0316 a", "中国か한국 a", "нпиЙё \u0306", "\x00\x01\t\n \u200b\u00ada", "𝐇😀\u200d\ufe0f\U0001d165\U0001d16d\u302e\u0301",
             "[CLS] <user>ab", "σΣςİıßẞ", "#a'b-"]
    draw = random.Random(20)
    out += ["".join(draw.choices(p, k=draw.randrange(1, 24))) for p in pools for _ in range(5)]
    out += ["".join(chr(draw.choice([draw.randrange(0x300, 0x3100), draw.randrange(0xE000, 0x20000)])) for _ in range(16)) for _ in range(8)]
    return list(dict.fromkeys(out))


def added(content, id, **flags):
    a = dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    a.update(flags)
    return a


def tokenizer(vocab, tokens, prefix="##", chars=100, clean=True, chinese=True, strip=None, lower=True):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
        "normalizer": {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": strip, "lowercase": lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                           "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                           "special_tokens": {t: {"id": t, "ids": [vocab[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix, "max_input_chars_per_word": chars, "vocab": vocab},
    }


def main():
    vocab, lines = vocabulary(), texts()
    plain = [added(t, vocab[t]) for t in SPECIAL]
    n = len(vocab)
    runs = [(tokenizer(vocab, plain, clean=c, chinese=h, strip=s, lower=low), m)
            for (c, h, s, low), m in zip(itertools.product((True, False), (True, False), (None, True, False), (True, False)), itertools.cycle((16, 2, 3, 64, 8)))]
    runs += [
        (tokenizer(vocab, [], chars=5), 16),
        (tokenizer(vocab, plain, prefix=""), 16),
        (tokenizer(vocab, plain, prefix="a"), 16),
        (tokenizer(vocab, plain[:4] + [added("[MASK]", vocab["[MASK]"], lstrip=True), added("<user>", n, rstrip=True), added("ab", n + 1, single_word=True)]), 32),
        (tokenizer(vocab, plain + [added("<User>", n, normalized=True), added("ab", n + 1, normalized=True, single_word=True), added("TÖK", n + 2, normalized=True),
                                   added("é", n + 3, normalized=True, lstrip=True), added("hello hello", n + 4, normalized=True, rstrip=True)]), 32),
        (tokenizer(vocab, plain + [added("ab", n, normalized=True, single_word=True), added("aba", n + 1, normalized=True), added("TÖK", n + 2, normalized=True),
                                   added("[C", n + 3), added("é", n + 4, single_word=True)], lower=False, clean=False), 32),
        (tokenizer(vocab, plain + [added("a", n, lstrip=True, rstrip=True), added("the quick", n + 1, rstrip=True), added("中", n + 2, normalized=True), added("b ", n + 3, normalized=True),
                                   added("\u0301", n + 4)], strip=False), 32),
        (tokenizer(vocab, plain[:4] + [added(" ", n, lstrip=True, rstrip=True), added("a ", n + 1, rstrip=True), added("[MASK]", vocab["[MASK]"], lstrip=True, rstrip=True)]), 32),
        (tokenizer(vocab, plain + [added(" ", n, normalized=True, lstrip=True, rstrip=True), added("b", n + 1, normalized=True, rstrip=True), added("a", n + 2, rstrip=True)], clean=False), 32),
        (tokenizer(vocab, plain + [added("aba", n, normalized=True, single_word=True, rstrip=True), added("ba", n + 1, normalized=True), added(" ", n + 2, normalized=True)]), 32),
    ]
    # the vocabulary stands in the file once: runs refer to it
    print('{"made": %s,\n"vocab": %s,\n"texts": [\n%s\n],\n"runs": [' % (
        json.dumps("mk/golden_tokens.py with tokenizers " + tokenizers.__version__), json.dumps(list(vocab)), ",\n".join(map(json.dumps, lines))))
    for i, (run, most) in enumerate(runs):
        t = Tokenizer.from_str(json.dumps(run))
        whole = t.encode_batch(lines)
        t.enable_truncation(most)
        cut = t.encode_batch(lines)
        run["model"].pop("vocab")
        for a in run["added_tokens"]:  # one that is in the vocabulary has that id
            a["id"] = t.token_to_id(a["content"])
        for unused in ("version", "truncation", "padding", "pre_tokenizer", "post_processor", "decoder"):
            run.pop(unused)
        got = ",\n".join("[%d, %s]" % (len(w.ids), json.dumps(c.ids, separators=(",", ":"))) for w, c in zip(whole, cut))
        print('{"tokenizer": %s, "max": %d, "results": [\n%s]}%s' % (json.dumps(run), most, got, "," if i + 1 < len(runs) else "]}"))


main()
