#!/usr/bin/env python3
"""Makes the golden ids of pairs of texts that the tests carry, by `tokenizers`: which tokens the strategy
"longest_first" leaves of two texts, and where the second begins.

    golden_pairs.py > tests/golden/wordpiece_pair.json    (in the environment of mk/tables.sh)

Vocabulary, texts and the tokenizer (the first run's) are those of tests/golden/wordpiece.json.  A row is
[first text, second text, most tokens, tokens before truncation, tokens of type 0, ids].
"""
import json
import pathlib
import random

import tokenizers
from tokenizers import Tokenizer

golden = json.load(open(pathlib.Path(__file__).parent.parent / "tests/golden/wordpiece.json"))
vocab = {w: i for i, w in enumerate(golden["vocab"])}
plain = dict(golden["runs"][0]["tokenizer"])
special = lambda t, type_id: {"SpecialToken": {"id": t, "type_id": type_id}}
whole = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": plain["added_tokens"], "normalizer": plain["normalizer"],
    "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": None, "model": dict(plain["model"], vocab=vocab),
    "post_processor": {
        "type": "TemplateProcessing", "single": [special("[CLS]", 0), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]", 0)],
        "pair": [special("[CLS]", 0), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]", 0), {"Sequence": {"id": "B", "type_id": 1}}, special("[SEP]", 1)],
        "special_tokens": {t: {"id": t, "ids": [vocab[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
}
tokenizer = Tokenizer.from_str(json.dumps(whole))
first, second = "a b c d e f g h i j k l".split(), "z y x w v u t s r q p o".split()
asked = [(" ".join(first[:m]), " ".join(second[:n]), most) for m in range(10) for n in range(10) for most in range(3, 15)]
draw = random.Random(7)
texts = [t for t in golden["texts"] if len(t) < 60]
asked += [(draw.choice(texts), draw.choice(texts), draw.choice((3, 4, 8, 16, 24, 64))) for _ in range(300)]
asked += [("", "", 3), ("hello " * 600, "a", 512), ("a", "hello " * 600, 512), ("hello " * 300, "a " * 300, 512), ("a " * 300, "hello " * 400, 256)]

rows = []
for one, other, most in asked:
    tokenizer.no_truncation()
    before = tokenizer.encode(one, other)
    tokenizer.enable_truncation(most, strategy="longest_first")
    got = tokenizer.encode(one, other)
    assert len(got.ids) <= most and got.type_ids == sorted(got.type_ids)
    rows.append(json.dumps([one, other, most, len(before.ids), got.type_ids.count(0), got.ids], separators=(",", ":")))
print('{"made": %s,\n"tokenizer": %s,\n"rows": [\n%s\n]}' % (
    json.dumps("mk/golden_pairs.py with tokenizers " + tokenizers.__version__), json.dumps(plain), ",\n".join(rows)))
