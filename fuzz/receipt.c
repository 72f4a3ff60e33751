/* covers: shared/trust/receipt.c shared/trust/receipt_claims.c
 *
 * AIR receipts, and the input again as a payload: claims that read are written back byte
 * for byte, and every failure that carries a name says it. */
#include "trust/receipt.h"
#include "crypto/setup.h"
#include "trust/receipt_check.h"
#include "trust/receipt_put.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_claims(em_bytes payload)
{
    static uint8_t buf[EM_MAX_RECEIPT];
    em_out o = EM_OUT(buf);
    em_receipt_claims c;
    em_report report;

    em_report_init(&report);
    em_err err = em_receipt_claims_read(payload, &report, &c);
    bool has_name = err == EM_ERR_MISSING_CLAIM || err == EM_ERR_WRONG_TYPE ||
                    err == EM_ERR_BAD_HASH_LENGTH;
    if (has_name && report.subject_len == 0) abort();
    if (err != EM_OK) return;
    em_receipt_put(&o, &c);
    if (em_write_end(&o) != EM_OK || !em_same(em_write_view(&o), payload)) abort();
    if (em_receipt_check(&c, &report) != EM_OK) return;
    if (c.cti.len != EM_RECEIPT_CTI_LEN || c.iat == 0 || c.iss.len == 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[EM_ED25519_SEED_LEN] = {1};
    static em_ed25519_public key;
    em_bytes in = {data, size};
    em_ed25519_secret secret;
    em_receipt_ask ask = {
        .has_now = true, .now_s = 1800000000, .reject_evaluation = true};
    em_report report;
    em_receipt r;

    if (key.b[0] == 0 &&
        (em_setup() != EM_OK || em_ed25519_from_seed(seed, &secret, &key) != EM_OK))
        abort();
    em_report_init(&report);
    if (em_receipt_verify(in, &key, &ask, &report, &r) != report.err) abort();
    read_claims(in);
    return 0;
}
