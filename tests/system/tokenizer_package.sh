#!/bin/bash
# plain build only
# Our token ids against the Python package's, over every code point and random texts, where the
# package is at hand: in the environment that `make tables` makes (nothing is fetched here).
set -u
python=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/venv-tables/bin/python
program=${O:-build}/tests/engine/wordpiece
real=${SHARED:-../shared}/models/minilm-tokenizer/tokenizer.json
wanted=$(sed -n 's/^tokenizers==\([0-9.]*\).*/\1/p' mk/tables.txt)
found=$("$python" -c 'import tokenizers; print(tokenizers.__version__)' 2>/dev/null)

if [ -z "$found" ]; then
    echo "skip tokenizer_package: no $python (make tables makes it)"
    exit 0
fi
if [ "$found" != "$wanted" ]; then
    echo "skip tokenizer_package: $python has tokenizers $found, the tables are of $wanted (make tables)"
    exit 0
fi
set --
if [ -e "$real" ]; then set -- --tokenizer "$real"; else echo "skip tokenizer_package_real_model: no $real"; fi
# what the package prints when it breaks on a text itself is of no interest
exec "$python" mk/compare_tokens.py "$program" --others 16 "$@" 2>/dev/null
