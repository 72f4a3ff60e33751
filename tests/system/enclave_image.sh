#!/bin/bash
# plain build only: what the measured program is made of, and what it opens.
set -u
. tests/system/stage.bash
e=$BIN/em-enclave
file_says=$(readelf -lW "$e")
echo "$file_says" | grep -q INTERP && bad "em-enclave asks for no loader" || ok "em-enclave asks for no loader"
readelf -dW "$e" 2>/dev/null | grep -q NEEDED && bad "em-enclave needs no shared library" || ok "em-enclave needs no shared library"
readelf -hW "$e" | grep -q 'DYN' && ok "em-enclave is position independent" || bad "em-enclave is position independent"
echo "$file_says" | grep GNU_STACK | grep -q 'RW ' && ok "em-enclave has no executable stack" || bad "em-enclave has no executable stack"

stage_up
stop $enclave_pid
[ "$rc" = 0 ] && ok "em-enclave stops on SIGTERM with 0" || bad "em-enclave stops on SIGTERM with $rc"

# a hostile environment: OpenSSL's configuration and a module it would load
mkdir -p "$D/evil"
printf 'openssl_conf = x\n[x]\nproviders = p\n[p]\nevil = e\n[e]\nmodule = %s/evil/evil.so\nactivate = 1\n' "$D" > "$D/evil/openssl.cnf"
OPENSSL_CONF=$D/evil/openssl.cnf OPENSSL_MODULES=$D/evil OPENSSL_ENGINES=$D/evil SSL_CERT_FILE=$D/evil/roots.pem \
    MALLOC_TRACE=$D/evil/trace GLIBC_TUNABLES=glibc.malloc.check=3 LD_PRELOAD=$D/evil/evil.so \
    strace -f -e trace=open,openat,execve,connect -o "$D/strace" "$e" "$D/enclave.json" 2> "$D/enclave.err" > "$D/enclave.out" &
pids+=($!)
if wait_for "$D/enclave.err" READY; then ok "em-enclave starts in a hostile environment"; else bad "em-enclave starts in a hostile environment"; fi
pkill -TERM -f "$e $D/enclave.json"; sleep 0.5
opened=$(grep -oE 'open(at)?\([^)]*' "$D/strace" | grep -oE '"[^"]*"' | tr -d '"' | sort -u)
rest=$(echo "$opened" | grep -vxF -e "$D/enclave.json" -e /dev/urandom -e /etc/localtime -e '')
[ -z "$rest" ] && ok "em-enclave opens its configuration and what docs/TRUST.md names, nothing else" || { bad "em-enclave opens other files"; echo "$rest" | sed 's/^/  /'; }
grep -q "$D/evil" "$D/strace" && grep -v LD_PRELOAD "$D/strace" | grep -E 'open' | grep -q "$D/evil" && bad "OPENSSL_CONF is not read" || ok "OPENSSL_CONF is not read"
