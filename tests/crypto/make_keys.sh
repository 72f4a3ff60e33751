#!/bin/bash
# Writes keys_tables.h: an RSA-2048 key of the tests' own, so that none has to be drawn at every
# run and that the CMS fuzzer's seeds open.  Every run draws another: the seeds then need new ones.
set -eu
cd "$(dirname "$0")"
{
    echo '/* keys_tables.h - an RSA-2048 key for tests and fuzzers; made by make_keys.sh.'
    echo ' *'
    echo ' * Trust:  worthless: it is published.'
    echo ' * Memory: static.'
    echo ' */'
    echo '#ifndef EM_TESTS_CRYPTO_KEYS_TABLES_H'
    echo '#define EM_TESTS_CRYPTO_KEYS_TABLES_H'
    echo
    echo '#include <stdint.h>'
    echo
    echo '/* PKCS#8 DER */'
    echo 'static const uint8_t keys_rsa_pkcs8[] = {'
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER 2>/dev/null |
        openssl pkcs8 -topk8 -nocrypt -inform DER -outform DER |
        od -An -v -tx1 -w14 | sed 's/ \(..\)/ 0x\1,/g; s/^ /    /'
    echo '};'
    echo
    echo '#endif'
} > keys_tables.h
