"""Ids to embed: real sentences of our own (tests/tools), cut and joined to the lengths wanted."""
import json
import os
import struct

CLS, SEP = 101, 102


class Texts:
    def __init__(self, golden, folder):
        with open(golden, encoding="utf-8") as f:
            rows = [json.loads(line)["ids"] for line in f]
        self.words = [i for row in rows for i in row[1:-1]]
        self.folder = folder

    def file(self, tokens, texts):
        """A file of `texts` rows of `tokens` ids, each [CLS] words [SEP] and unlike the others."""
        path = os.path.join(self.folder, f"ids-{tokens}x{texts}")
        ids, at = [], 0
        for _ in range(texts):
            ids += [CLS] + [self.words[(at + i) % len(self.words)] for i in range(tokens - 2)] + [SEP]
            at += tokens - 2
        with open(path, "wb") as f:
            f.write(struct.pack(f"<{len(ids)}I", *ids))
        return path
