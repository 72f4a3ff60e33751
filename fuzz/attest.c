/* covers: shared/trust/attest.c shared/trust/document.c
 *
 * Attestation documents: whole ones verified under whatever root they bring, and the
 * input again as a payload in a good envelope, so that its schema is reached without
 * luck. */
#include "trust/attest.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_facts(const em_attested *f, const em_document *d)
{
    if (f->timestamp_ms != d->timestamp_ms || f->pcr_present != d->pcr_present) abort();
    for (unsigned i = 0; i < 3; i++)
        if (em_all_zero(em_attest_pcr(f, i))) abort();
    if (f->nonce_checked || f->module_id[f->module_id_len] != 0) abort();
}

static void verify(em_bytes document, const em_document *d)
{
    em_root root;
    em_attested f;
    em_report report;

    em_x509_fingerprint(d->cabundle[0], root.sha256);
    em_attest_ask ask = {.roots = &root, .roots_n = 1, .when = EM_ATTEST_SELF_DATED};
    em_report_init(&report);
    em_err err = em_attest_verify(document, &ask, &report, &f);
    if (err != report.err) abort();
    if (err == EM_OK) check_facts(&f, d);
}

static void as_payload(em_bytes payload)
{
    static const uint8_t protected[] = {0xA1, 0x01, 0x38, 0x22}, signature[96];
    static uint8_t buf[EM_MAX_DOCUMENT + 256];
    em_out o = EM_OUT(buf);
    em_document d;

    em_cose_put_sign1(&o, false, EM_BYTES(protected), payload, EM_BYTES(signature));
    if (em_write_end(&o) == EM_OK && em_document_parse(em_write_view(&o), &d) == EM_OK)
        if ((d.pcr_present & 7) != 7 || d.cabundle_n == 0 || d.module_id.len == 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    em_document d;
    em_bytes in = {data, size};

    if (!ready && em_setup() != EM_OK) abort();
    ready = true;
    if (em_document_parse(in, &d) == EM_OK) verify(in, &d);
    as_payload(in);
    return 0;
}
