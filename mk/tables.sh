#!/bin/bash
# Makes the tokenizer's Unicode tables (engine/wordpiece_tables.[ch]) out of the Python package
# `tokenizers`, pinned in mk/tables.txt, in a virtual environment outside the tree.
#   tables.sh          the tables
#   tables.sh --venv   only the environment; prints its python
set -eu
venv=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/venv-tables
python=$venv/bin/python
if ! "$python" -c 'import tokenizers' 2>/dev/null || ! cmp -s mk/tables.txt "$venv/pins"; then
    rm -rf "$venv"
    mkdir -p "${venv%/*}"
    if ! python3 -m venv "$venv" > /dev/null 2>&1; then
        rm -rf "$venv"
        echo 'no virtual environment could be made; type: apt-get install -y python3-venv' >&2
        exit 2
    fi
    if ! "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: -r mk/tables.txt >&2; then
        rm -rf "$venv"
        echo 'the package named in mk/tables.txt could not be installed (is a package registry in reach?)' >&2
        exit 2
    fi
    cp mk/tables.txt "$venv/pins"
fi
if [ "${1:-}" = --venv ]; then echo "$python"; exit 0; fi
"$python" mk/tables.py engine
