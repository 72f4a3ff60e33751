#!/bin/bash
# The peers, pinned by version and hash, outside the tree.  Prints where one is, or nothing where it
# cannot be had; why goes to standard error.
#   bench/peers.sh          the python of ONNX Runtime's virtual environment
#   bench/peers.sh llama    the python of llama.cpp's, built here (minutes, once)
#   bench/peers.sh files    the folder of packages taken for the files they hold
#   bench/peers.sh candle   a program of candle's, built here (minutes, once)
set -u
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml
pip=(--quiet --disable-pip-version-check --require-hashes)
mkdir -p "$cache"

cannot() { echo "$*" >&2; exit 0; }
needs() { for tool in "$@"; do command -v "$tool" > /dev/null || cannot "$tool is not on this machine"; done; }
# installed DIR PINS: is DIR what these pins made?
installed() { cmp -s "$2" "$1/pins"; }
last_words() { tail -n 3 "$1" | tr '\n' ' '; }

venv() { # venv DIR PINS
    needs python3
    rm -rf "$1"
    python3 -m venv "$1" >&2 && "$1/bin/python" -m pip install "${pip[@]}" --only-binary :all: -r "$2" >&2 && return
    rm -rf "$1"; cannot "its packages could not be installed"
}

onnx() {
    local dir=$cache/venv-peers pins=bench/peers.txt
    installed "$dir" $pins || { venv "$dir" $pins; cp $pins "$dir/pins"; }
    echo "$dir/bin/python"
}

llama() {
    local dir=$cache/venv-llama log=$cache/llama-build.log
    pins=$(mktemp); trap 'rm -f "$pins"' EXIT  # not local: the trap outlives the function
    cat bench/peers_llama.txt bench/peers_llama_source.txt > "$pins"
    echo "# cpu $(cpu_flags)" >> "$pins"
    installed "$dir" "$pins" && { echo "$dir/bin/python"; return; }
    needs cmake c++ make
    echo "Building llama.cpp into $dir (minutes, once)" >&2
    venv "$dir" bench/peers_llama.txt
    CMAKE_ARGS='-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF' CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) nice -n 5 "$dir/bin/python" -m pip install "${pip[@]}" --no-deps --no-build-isolation \
        --no-binary llama_cpp_python -r bench/peers_llama_source.txt > "$log" 2>&1 || { rm -rf "$dir"; cannot "it did not build: $(last_words "$log")"; }
    cp "$pins" "$dir/pins"
    echo "$dir/bin/python"
}

files() {
    local dir=$cache/peer-files pins=bench/peers_files.txt
    if ! installed "$dir" $pins; then
        needs python3
        rm -rf "$dir"
        python3 -m pip install "${pip[@]}" --no-deps --only-binary :all: --target "$dir" -r $pins >&2 || { rm -rf "$dir"; cannot "its packages could not be fetched"; }
        cp $pins "$dir/pins"
    fi
    echo "$dir"
}

candle() {
    local dir=$cache/candle log=$cache/candle-build.log want=$cache/candle/want.new
    mkdir -p "$dir"
    { cat bench/candle/Cargo.lock bench/candle/src/main.rs; cpu_flags; } | sha256sum > "$want"
    if ! cmp -s "$want" "$dir/pins"; then
        needs cargo rustc
        echo "Building candle into $dir (minutes, once)" >&2
        CARGO_TARGET_DIR=$dir RUSTFLAGS='-C target-cpu=native' nice -n 5 cargo build --release --locked \
            --manifest-path bench/candle/Cargo.toml > "$log" 2>&1 || cannot "it did not build: $(last_words "$log")"
        mv "$want" "$dir/pins"
    fi
    echo "$dir/release/em-bench-candle"
}

# programs built for one processor are not run on another
cpu_flags() { grep -m1 ^flags /proc/cpuinfo | sha256sum | cut -c1-16; }

case ${1-onnx} in
onnx | llama | files | candle) "${1-onnx}" ;;
*) cannot "no peer is called $1" ;;
esac
