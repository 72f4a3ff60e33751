/* covers: shared/trust/evidence_file.c shared/trust/evidence.c
 *
 * Evidence files: what reads is written back byte for byte, and the whole verification
 * says in its report what it returns. */
#include "trust/evidence.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_RECORDS = 64 };

static size_t split(em_bytes records, em_evidence_record *ret_records)
{
    em_cbor c = em_cbor_over(records);
    uint64_t n = em_cbor_array(&c, EM_MAX_EVIDENCE_RECORDS);

    for (uint64_t i = 0; i < n && n <= MAX_RECORDS; i++) {
        em_cbor_array_of(&c, 2);
        ret_records[i].type = (em_record_type)em_cbor_uint(&c);
        ret_records[i].body = em_cbor_bytes(&c);
    }
    return (size_t)n;
}

static void write_back(em_bytes in, const em_evidence *e)
{
    static em_evidence_record request[MAX_RECORDS], answer[MAX_RECORDS];
    em_evidence_parts parts = {.receipt = e->receipt,
                               .companion = e->companion,
                               .hello = e->hello,
                               .attest = e->attest,
                               .policy = e->policy,
                               .request = request,
                               .answer = answer,
                               .crls = e->crl,
                               .n_crls = e->n_crls};
    size_t len;

    if (e->has_request) parts.n_request = split(e->request, request);
    if (e->has_answer) parts.n_answer = split(e->answer, answer);
    if (parts.n_request > MAX_RECORDS || parts.n_answer > MAX_RECORDS) return;
    if (em_evidence_file_len(&parts, &len) != EM_OK || len != in.len) abort();
    uint8_t *buf = malloc(len);
    em_out o = em_out_over(buf, len);
    if (em_evidence_file_write(&parts, &o) != EM_OK || !em_same(em_write_view(&o), in))
        abort();
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_ed25519_public signer;
    static em_tensor tensors[EM_MAX_TENSORS];
    uint8_t seed[EM_ED25519_SEED_LEN];
    em_ed25519_secret secret;
    em_bytes in = {data, size};
    em_evidence_ask ask = {.signers = &signer, .n_signers = 1, .tensors = tensors};
    em_evidence e;
    em_evidence_facts f;
    em_report report;

    memset(seed, 0x52, sizeof seed); /* who signed the seeds' policies */
    if (signer.b[0] == 0 &&
        (em_setup() != EM_OK || em_ed25519_from_seed(seed, &secret, &signer) != EM_OK))
        abort();
    if (em_evidence_verify(in, &ask, &report, &f) != report.err) abort();
    if (em_evidence_file_read(in, &e) == EM_OK) write_back(in, &e);
    return 0;
}
