#include "trust/policy.h"
#include "trust/sign1.h"

/* {1: -8 (EdDSA), 3: "application/em-policy+cbor"} */
static const uint8_t protected_header[] = {
    0xA2, 0x01, 0x27, 0x03, 0x78, 0x1A, 'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o',
    'n',  '/',  'e',  'm',  '-',  'p',  'o', 'l', 'i', 'c', 'y', '+', 'c', 'b', 'o', 'r'};

static em_err open_policy(em_bytes signed_policy, em_cose_sign1 *ret_parts)
{
    return em_sign1_open(signed_policy, EM_BYTES(protected_header), ret_parts) == EM_OK
               ? EM_OK
               : EM_ERR_POLICY_MALFORMED;
}

em_err em_policy_parse(em_bytes signed_policy, em_policy_body *ret_claims)
{
    em_cose_sign1 parts;

    EM_TRY(open_policy(signed_policy, &parts));
    return em_policy_body_read(parts.payload, ret_claims);
}

/* ---- claims become facts ---- */

static em_err find_signer(const em_cose_sign1 *parts, const em_ed25519_public *signers,
                          size_t n, em_ed25519_public *ret_signer)
{
    for (size_t i = 0; i < n; i++) {
        if (em_sign1_verify(parts, &signers[i]) != EM_OK) continue;
        *ret_signer = signers[i];
        return EM_OK;
    }
    return EM_ERR_POLICY_SIGNER;
}

static em_err check_dates(const em_policy_body *body, uint64_t at_ms)
{
    if (at_ms < body->not_before_ms) return EM_ERR_POLICY_NOT_YET;
    return at_ms > body->not_after_ms ? EM_ERR_POLICY_EXPIRED : EM_OK;
}

/* The signature is judged before the body is read; the report's form line speaks of both
 * envelope and body. */
static em_err judge(em_bytes signed_policy, const em_ed25519_public *signers, size_t n,
                    em_report *report, em_policy *ret_policy)
{
    em_cose_sign1 parts;

    em_report_expect(report, EM_CHECK_POLICY_FORM, EM_CHECK_POLICY_DATES);
    em_err err = open_policy(signed_policy, &parts);
    if (err != EM_OK) return em_report_judge(report, EM_CHECK_POLICY_FORM, err, 0);
    EM_TRY(em_report_judge(report, EM_CHECK_POLICY_SIGNER,
                           find_signer(&parts, signers, n, &ret_policy->signer), 0));
    EM_TRY(em_report_judge(report, EM_CHECK_POLICY_FORM,
                           em_policy_body_read(parts.payload, &ret_policy->body), 0));
    em_sha2_256(parts.payload, ret_policy->hash);
    return EM_OK;
}

em_err em_policy_verify(em_bytes signed_policy, const em_ed25519_public *signers,
                        size_t n, uint64_t at_ms, em_report *report,
                        em_policy *ret_policy)
{
    em_policy policy;

    EM_TRY(judge(signed_policy, signers, n, report, &policy));
    EM_TRY(em_report_judge(report, EM_CHECK_POLICY_DATES,
                           check_dates(&policy.body, at_ms),
                           (int64_t)policy.body.version));
    *ret_policy = policy;
    return EM_OK;
}

em_err em_policy_verify_undated(em_bytes signed_policy, const em_ed25519_public *signers,
                                size_t n, em_policy *ret_policy)
{
    em_policy policy;

    EM_TRY(judge(signed_policy, signers, n, NULL, &policy));
    *ret_policy = policy;
    return EM_OK;
}

/* ---- PROTOCOL 1.9: facts against policy ---- */

static bool pcr_fits(const em_attested *facts, unsigned i, em_bytes want)
{
    return want.len == 0 || em_same(em_attest_pcr(facts, i), want);
}

static bool tuple_fits(const em_policy_tuple *t, const em_attested *facts,
                       uint64_t protocol, uint64_t at_ms)
{
    return protocol >= t->protocol && at_ms <= t->not_after_ms &&
           pcr_fits(facts, 0, t->pcr0) && pcr_fits(facts, 1, t->pcr1) &&
           pcr_fits(facts, 2, t->pcr2) && pcr_fits(facts, 3, t->pcr3) &&
           pcr_fits(facts, 4, t->pcr4) && pcr_fits(facts, 8, t->pcr8);
}

static bool names_root(const em_policy_body *b, const em_root *root)
{
    for (size_t i = 0; i < b->n_roots; i++)
        if (em_same(EM_BYTES(b->root[i].sha256), EM_BYTES(root->sha256))) return true;
    return false;
}

/* The first tuple that fits and binds an account; else the first that fits. */
static em_err find_tuple(const em_policy_body *b, const em_attested *facts,
                         uint64_t protocol, uint64_t at_ms, size_t *ret_tuple)
{
    size_t found = b->n_tuples;

    if (facts->mode != b->mode) return EM_ERR_POLICY_MODE;
    if (!names_root(b, &facts->root)) return EM_ERR_ROOT_UNKNOWN;
    for (size_t i = 0; i < b->n_tuples; i++) {
        if (!tuple_fits(&b->tuple[i], facts, protocol, at_ms)) continue;
        if (found == b->n_tuples || b->tuple[found].any_account) found = i;
    }
    if (found == b->n_tuples) return EM_ERR_POLICY_NO_MATCH;
    *ret_tuple = found;
    return EM_OK;
}

static em_err check_revoked(const em_policy *policy, const em_attested *facts,
                            unsigned *ret_pcr)
{
    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        if (em_attest_pcr(facts, i).len == 0) continue;
        *ret_pcr = i;
        EM_TRY(em_policy_measurement_stands(policy, facts->pcr[i]));
    }
    *ret_pcr = 0;
    return EM_OK;
}

em_err em_policy_match(const em_policy *policy, const em_attested *facts,
                       uint64_t protocol, uint64_t at_ms, em_report *report,
                       size_t *ret_tuple)
{
    size_t tuple = 0;
    unsigned pcr = 0;

    em_report_expect(report, EM_CHECK_DOC_TUPLE, EM_CHECK_DOC_REVOKED);
    em_err err = find_tuple(&policy->body, facts, protocol, at_ms, &tuple);
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_TUPLE, err, (int64_t)tuple));
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_ACCOUNT, EM_OK,
                           policy->body.tuple[tuple].any_account));
    err = check_revoked(policy, facts, &pcr);
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_REVOKED, err, pcr));
    *ret_tuple = tuple;
    return EM_OK;
}

static em_err stands(const uint8_t *const *list, size_t n, em_bytes what)
{
    for (size_t i = 0; i < n; i++)
        if (em_same(em_view(list[i], what.len), what)) return EM_ERR_POLICY_REVOKED;
    return EM_OK;
}

em_err em_policy_key_stands(const em_policy *policy, const uint8_t key[32])
{
    const em_policy_body *b = &policy->body;

    return stands(b->revoked_key, b->n_revoked_keys, em_view(key, 32));
}

em_err em_policy_manifest_stands(const em_policy *policy, const uint8_t hash[32])
{
    const em_policy_body *b = &policy->body;

    return stands(b->revoked_manifest, b->n_revoked_manifests, em_view(hash, 32));
}

em_err em_policy_measurement_stands(const em_policy *policy,
                                    const uint8_t pcr[EM_PCR_LEN])
{
    const em_policy_body *b = &policy->body;

    return stands(b->revoked_measurement, b->n_revoked_measurements,
                  em_view(pcr, EM_PCR_LEN));
}

/* ---- making one ---- */

em_err em_policy_encode(const em_policy_body *body, em_out *o)
{
    return em_policy_body_write(body, o);
}

em_err em_policy_sign(em_bytes body, const em_ed25519_secret *secret, em_out *o)
{
    em_policy_body read;

    EM_TRY(em_policy_body_read(body, &read));
    return em_sign1_write(EM_BYTES(protected_header), body, secret, o);
}
