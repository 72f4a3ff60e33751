#!/bin/bash
# The peers, pinned, in a throw-away virtual environment outside the tree; prints its python, or
# nothing where they cannot be had.
set -u
venv=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/venv-peers
if ! cmp -s bench/peers.txt "$venv/pins"; then
    rm -rf "$venv"; mkdir -p "${venv%/*}"
    python3 -m venv "$venv" >&2 && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --only-binary :all: -r bench/peers.txt >&2 && cp bench/peers.txt "$venv/pins" || { rm -rf "$venv"; exit 0; }
fi
echo "$venv/bin/python"
