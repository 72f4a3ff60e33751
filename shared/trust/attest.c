#include "trust/attest.h"
#include "crypto/sha2.h"

enum { TBS_MAX = EM_MAX_DOCUMENT + 32 };

static bool pcr_is_zero(const em_document *d, unsigned i)
{
    return em_all_zero(em_view(d->pcr[i], EM_PCR_LEN));
}

/* PROTOCOL 1.3: the root is one of those that were asked for, by its digest. */
static em_err check_root(const em_attest_ask *ask, const em_document *d,
                         em_root *ret_root)
{
    em_root root;

    em_x509_fingerprint(d->cabundle[0], root.sha256);
    for (size_t i = 0; i < ask->roots_n; i++) {
        if (!em_same(EM_BYTES(root.sha256), EM_BYTES(ask->roots[i].sha256))) continue;
        *ret_root = root;
        return EM_OK;
    }
    return EM_ERR_ROOT_UNKNOWN;
}

/* A certificate that does not even parse makes no valid chain. */
static em_err check_chain(const em_attest_ask *ask, const em_document *d, uint64_t at_ms,
                          const em_root *root, em_x509_chain *ret_chain)
{
    em_x509_chain chain;
    em_err err = em_x509_chain_verify(d->cabundle, d->cabundle_n, d->certificate, at_ms,
                                      ask->cache, &chain);

    if (err == EM_ERR_X509_MALFORMED) return EM_ERR_CHAIN_INVALID;
    EM_TRY(err);
    if (!em_same(EM_BYTES(chain.root_sha256), EM_BYTES(root->sha256)))
        return EM_ERR_CHAIN_INVALID;
    *ret_chain = chain;
    return EM_OK;
}

/* PROTOCOL 1.4: over the payload as received. */
static em_err check_signature(const em_document *d, const em_p384_public *leaf)
{
    uint8_t buf[TBS_MAX];
    em_bytes tbs;

    EM_TRY(em_cose_tbs(&d->cose, (em_bytes){0}, buf, sizeof buf, &tbs));
    em_err err = em_p384_verify(leaf, tbs, d->cose.signature);
    return err == EM_ERR_BAD_KEY ? EM_ERR_CHAIN_INVALID : err;
}

/* PROTOCOL 1.5.  A document from the future says that one of two clocks is wrong; an old
 * one, that somebody kept it. */
static em_err check_fresh(const em_attest_ask *ask, uint64_t timestamp_ms)
{
    uint64_t window = ask->fresh_ms ? ask->fresh_ms : (uint64_t)EM_FRESH_DEFAULT_MS;

    if (timestamp_ms > ask->at_ms)
        return timestamp_ms - ask->at_ms > EM_CLOCK_LEEWAY_MS ? EM_ERR_FUTURE_DOCUMENT
                                                              : EM_OK;
    return ask->at_ms - timestamp_ms > window ? EM_ERR_STALE_DOCUMENT : EM_OK;
}

/* PROTOCOL 1.6: an absent nonce equals nothing, not even an empty one. */
static em_err check_nonce(const em_attest_ask *ask, const em_document *d)
{
    if (d->nonce.is != EM_PRESENT || !em_same(d->nonce.bytes, ask->nonce))
        return EM_ERR_NONCE_MISMATCH;
    return EM_OK;
}

/* PROTOCOL 1.8: what PCR4 is on an instance that module_id names. */
static em_err check_pcr4(const em_document *d)
{
    static const uint8_t zeros[EM_PCR_LEN] = {0};
    const em_bytes parts[] = {EM_BYTES(zeros), em_document_instance(d->module_id)};
    uint8_t want[EM_SHA384_LEN];

    em_sha2_384_of(parts, EM_COUNT(parts), want);
    return em_same(EM_BYTES(want), em_view(d->pcr[4], EM_PCR_LEN)) ? EM_OK
                                                                   : EM_ERR_PCR4_MISMATCH;
}

static em_err judge_debug(const em_document *d, em_report *report)
{
    unsigned i = 0;

    while (i < 3 && !pcr_is_zero(d, i)) i++;
    return em_report_judge(report, EM_CHECK_DOC_DEBUG,
                           i < 3 ? EM_ERR_DEBUG_ENCLAVE : EM_OK, i < 3 ? i : 0);
}

static em_err judge_pcr4(const em_document *d, em_mode mode, em_report *report)
{
    bool is_there = (d->pcr_present >> 4 & 1) && !pcr_is_zero(d, 4);

    /* other roots than AWS's may follow the rule and need not */
    if (!is_there || (mode != EM_MODE_PRODUCTION && check_pcr4(d) != EM_OK)) {
        em_report_drop(report, EM_CHECK_DOC_PCR4);
        return EM_OK;
    }
    return em_report_judge(report, EM_CHECK_DOC_PCR4, check_pcr4(d), 4);
}

/* Steps 5 to 8: what the signed payload says. */
static em_err judge_contents(const em_attest_ask *ask, const em_document *d, em_mode mode,
                             em_report *report)
{
    if (ask->when == EM_ATTEST_LIVE)
        EM_TRY(em_report_judge(report, EM_CHECK_DOC_TIME,
                               check_fresh(ask, d->timestamp_ms),
                               (int64_t)(ask->at_ms - d->timestamp_ms)));
    else
        em_report_drop(report, EM_CHECK_DOC_TIME);

    if (ask->has_nonce)
        EM_TRY(em_report_judge(report, EM_CHECK_DOC_NONCE, check_nonce(ask, d), 0));
    else
        em_report_skip(report, EM_CHECK_DOC_NONCE, EM_SKIP_NOT_GIVEN);

    EM_TRY(judge_debug(d, report));
    return judge_pcr4(d, mode, report);
}

static void copy_field(const em_document_field *from, em_attested_field *ret_field)
{
    ret_field->is = from->is;
    ret_field->len = from->bytes.len;
    if (from->bytes.len > 0) memcpy(ret_field->b, from->bytes.at, from->bytes.len);
}

/* Everything was proved: copy what the document says out of it. */
static void make_facts(em_bytes document, const em_document *d,
                       const em_x509_chain *chain, em_attested *ret_facts)
{
    em_attested *f = ret_facts;

    f->timestamp_ms = d->timestamp_ms;
    f->not_before_ms = chain->not_before_ms;
    f->not_after_ms = chain->not_after_ms;
    memcpy(f->chain_sha256, chain->chain_sha256, sizeof f->chain_sha256);
    em_sha2_256(document, f->document_sha256);
    f->module_id_len = d->module_id.len;
    memcpy(f->module_id, d->module_id.at, d->module_id.len);
    f->pcr_present = d->pcr_present;
    for (unsigned i = 0; i < EM_MAX_PCRS; i++)
        if (d->pcr_present >> i & 1) memcpy(f->pcr[i], d->pcr[i], EM_PCR_LEN);
    copy_field(&d->public_key, &f->public_key);
    copy_field(&d->user_data, &f->user_data);
    copy_field(&d->nonce, &f->nonce);
}

static em_err judge_form(em_bytes document, em_report *report, em_document *ret_claims)
{
    em_cose_sign1 cose;

    EM_TRY(em_report_judge(report, EM_CHECK_DOC_ENVELOPE,
                           em_document_envelope(document, &cose), 0));
    return em_report_judge(report, EM_CHECK_DOC_PAYLOAD,
                           em_document_parse(document, ret_claims), 0);
}

em_err em_attest_verify(em_bytes document, const em_attest_ask *ask, em_report *report,
                        em_attested *ret_facts)
{
    em_document d;
    em_root root;
    em_x509_chain chain;

    em_report_expect(report, EM_CHECK_DOC_ENVELOPE, EM_CHECK_DOC_PCR4);
    if (ask->when < EM_ATTEST_LIVE || ask->when > EM_ATTEST_SELF_DATED ||
        ask->fresh_ms > EM_FRESH_MAX_MS || ask->at_ms > INT64_MAX)
        return EM_ERR_ARGUMENT;

    EM_TRY(judge_form(document, report, &d));
    uint64_t at_ms = ask->when == EM_ATTEST_SELF_DATED ? d.timestamp_ms : ask->at_ms;

    EM_TRY(em_report_judge(report, EM_CHECK_DOC_ROOT, check_root(ask, &d, &root), 0));
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_CHAIN,
                           check_chain(ask, &d, at_ms, &root, &chain),
                           (int64_t)d.cabundle_n + 1));
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_SIGNATURE,
                           check_signature(&d, &chain.leaf), 0));
    em_mode mode = em_roots_mode(&root);
    EM_TRY(judge_contents(ask, &d, mode, report));

    *ret_facts = (em_attested){
        .mode = mode,
        .when = ask->when,
        .judged_at_ms = at_ms,
        .nonce_checked = ask->has_nonce,
        .root = root,
    };
    make_facts(document, &d, &chain, ret_facts);
    return EM_OK;
}

em_bytes em_attest_pcr(const em_attested *facts, unsigned i)
{
    if (i >= EM_MAX_PCRS || !(facts->pcr_present >> i & 1)) return (em_bytes){0};
    return EM_BYTES(facts->pcr[i]);
}

em_bytes em_attest_bytes(const em_attested_field *field)
{
    return em_view(field->b, field->len);
}
