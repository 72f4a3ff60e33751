#!/bin/bash
# The peers, pinned by version and hash, outside the tree.  Prints where one is, or nothing where it
# cannot be had; why goes to standard error.
#   bench/peers.sh                the python of ONNX Runtime's virtual environment
#   bench/peers.sh llama [avx2]   the python of llama.cpp's, built here (minutes, once)
#   bench/peers.sh candle [avx2]  a program of candle's, built here (minutes, once)
#   bench/peers.sh files          the folder of packages taken for the files they hold
#   bench/peers.sh held           a folder with what holds others to AVX2: hold.so to preload, and an
#                                 onnxruntime that heeds it (bench/encoder/hold_avx2.c)
# llama.cpp and candle are built for this processor, or with `avx2` for one that has no AVX-512.
set -u
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml
pip=(--quiet --disable-pip-version-check --require-hashes)
mkdir -p "$cache"
want=$(mktemp) # what an installation is to be made of; it keeps a copy
trap 'rm -f "$want"' EXIT

cannot() { echo "$*" >&2; exit 0; }
needs() { for tool in "$@"; do command -v "$tool" > /dev/null || cannot "$tool is not on this machine"; done; }
# is DIR what $want asks for?
installed() { cmp -s "$1/pins" "$want"; }
last_words() { tail -n 3 "$1" | tr '\n' ' '; }
# programs built for one processor are not run on another
cpu_flags() { grep -m1 ^flags /proc/cpuinfo | sha256sum | cut -c1-16; }

venv() { # venv DIR PINS
    needs python3
    rm -rf "$1"
    python3 -m venv "$1" >&2 && "$1/bin/python" -m pip install "${pip[@]}" --only-binary :all: -r "$2" >&2 && return
    rm -rf "$1"; cannot "its packages could not be installed"
}

onnx() {
    local dir=$cache/venv-peers
    cp bench/peers.txt "$want"
    installed "$dir" || { venv "$dir" bench/peers.txt; cp "$want" "$dir/pins"; }
    echo "$dir/bin/python"
}

llama() {
    local dir=$cache/venv-llama${1:+-$1} log=$cache/llama-build.log processor=-DGGML_NATIVE=ON
    [ "${1-}" = avx2 ] && processor='-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON'
    { cat bench/peers_llama.txt bench/peers_llama_source.txt; echo "# cpu ${1:-$(cpu_flags)}"; } > "$want"
    installed "$dir" && { echo "$dir/bin/python"; return; }
    needs cmake c++ make
    # pip would give back what it once built for another processor: hence no cache
    echo "Building llama.cpp into $dir (minutes, once)" >&2
    venv "$dir" bench/peers_llama.txt
    CMAKE_ARGS="$processor -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) nice -n 5 "$dir/bin/python" -m pip install \
        "${pip[@]}" --no-cache-dir --no-deps --no-build-isolation --no-binary llama_cpp_python \
        -r bench/peers_llama_source.txt > "$log" 2>&1 || { rm -rf "$dir"; cannot "it did not build: $(last_words "$log")"; }
    cp "$want" "$dir/pins"
    echo "$dir/bin/python"
}

candle() {
    local dir=$cache/candle${1:+-$1} log=$cache/candle-build.log processor=native
    [ "${1-}" = avx2 ] && processor=x86-64-v3
    cat bench/candle/Cargo.toml bench/candle/Cargo.lock bench/candle/src/main.rs > "$want"
    echo "# cpu ${1:-$(cpu_flags)}" >> "$want"
    if ! installed "$dir"; then
        needs cargo rustc
        echo "Building candle into $dir (minutes, once)" >&2
        CARGO_TARGET_DIR=$dir RUSTFLAGS="-C target-cpu=$processor" nice -n 5 cargo build --release --locked \
            --manifest-path bench/candle/Cargo.toml > "$log" 2>&1 || cannot "it did not build: $(last_words "$log")"
        if [ "${1-}" = avx2 ]; then
            needs objdump python3
            python3 bench/encoder/hold_avx2.py "$dir/release/em-bench-candle" "$dir/held" >&2 || cannot "it cannot be held to AVX2"
            mv "$dir/held" "$dir/release/em-bench-candle" && chmod +x "$dir/release/em-bench-candle"
        fi
        cp "$want" "$dir/pins"
    fi
    echo "$dir/release/em-bench-candle"
}

files() {
    local dir=$cache/peer-files
    cp bench/peers_files.txt "$want"
    if ! installed "$dir"; then
        needs python3
        rm -rf "$dir"
        python3 -m pip install "${pip[@]}" --no-deps --only-binary :all: --target "$dir" \
            -r bench/peers_files.txt >&2 ||
            { rm -rf "$dir"; cannot "its packages could not be fetched"; }
        cp "$want" "$dir/pins"
    fi
    echo "$dir"
}

held() {
    local dir=$cache/held from python
    python=$(onnx); [ -n "$python" ] || exit 0
    cat bench/peers.txt bench/encoder/hold_avx2.c bench/encoder/hold_avx2.py > "$want"
    if ! installed "$dir"; then
        needs cc objdump python3
        rm -rf "$dir"; mkdir -p "$dir"
        cp -r "$(dirname "$python")"/../lib/python3*/site-packages/onnxruntime "$dir/"
        cc -O2 -D_GNU_SOURCE -shared -fPIC -o "$dir/hold.so" bench/encoder/hold_avx2.c || cannot "hold_avx2.c did not compile"
        for from in "$dir"/onnxruntime/capi/onnxruntime_pybind11_state*.so; do
            python3 bench/encoder/hold_avx2.py "$from" "$dir/copy" >&2 && mv "$dir/copy" "$from" || cannot "it cannot be held to AVX2"
        done
        cp "$want" "$dir/pins"
    fi
    echo "$dir"
}

case ${1-onnx} in
onnx | llama | candle | files | held) "${1-onnx}" ${2+"$2"} ;;
*) cannot "no peer is called $1" ;;
esac
