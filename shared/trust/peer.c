#include "trust/peer.h"
#include "crypto/crl.h"

enum { X25519_LEN = 32 };

/* ---- C1 and E1 ---- */

typedef struct opening {
    em_hello_c1 c1;
    em_hello_e1 e1;
} opening;

static em_err read_opening(const em_peer_ask *ask, opening *ret_opening)
{
    EM_TRY(em_hello_parse_c1(ask->c1, &ret_opening->c1));
    return em_hello_parse_e1(ask->e1, &ret_opening->e1);
}

static em_err attest(const em_peer_ask *ask, em_bytes document, em_report *report,
                     em_attested *ret_facts)
{
    const em_policy_body *policy = &ask->policy->body;
    uint8_t nonce[32];

    em_hello_nonce(ask->c1, nonce);
    const em_attest_ask want = {
        .roots = policy->root,
        .roots_n = policy->n_roots,
        .when = ask->when,
        .at_ms = ask->at_ms,
        .fresh_ms = policy->freshness_ms,
        .has_nonce = true,
        .nonce = EM_BYTES(nonce),
        .cache = ask->cache,
    };
    return em_attest_verify(document, &want, report, ret_facts);
}

/* Revocation has been checked when every certificate below the root had a list; with
 * fewer the line says skip, whatever the lists that were there said in favour. */
static em_err judge_crls(const em_peer_ask *ask, em_bytes document, uint64_t at_ms,
                         em_report *report)
{
    em_document d;
    size_t covered = 0;

    if (ask->n_crls == 0) {
        em_report_skip(report, EM_CHECK_DOC_CRL, EM_SKIP_NO_CRL);
        return EM_OK;
    }
    EM_TRY(em_document_parse(document, &d));
    em_err err = em_crl_check(d.cabundle, d.cabundle_n, d.certificate, ask->crls,
                              ask->n_crls, at_ms, &covered);
    EM_TRY(em_report_judge(report, EM_CHECK_DOC_CRL, err, (int64_t)covered));
    if (covered < d.cabundle_n) em_report_skip(report, EM_CHECK_DOC_CRL, EM_SKIP_NO_CRL);
    return EM_OK;
}

/* ---- user_data ---- */

static em_err read_user_data(const em_attested *facts, em_user_data *ret_data)
{
    if (facts->public_key.is != EM_PRESENT || facts->public_key.len != X25519_LEN)
        return EM_ERR_USER_DATA;
    return em_hello_parse_user_data(em_attest_bytes(&facts->user_data),
                                    EM_PURPOSE_SESSION, ret_data);
}

/* ---- manifests ---- */

static size_t index_of(const em_user_data *data, const uint8_t hash[EM_MANIFEST_HASH_LEN])
{
    size_t i = 0;

    while (i < data->n_manifests &&
           !em_same(EM_BYTES(data->manifest[i]), em_view(hash, EM_MANIFEST_HASH_LEN)))
        i++;
    return i;
}

/* As many manifests as hashes, each attested, none twice: then none is missing. */
static em_err check_set(const em_hello_e1 *e1, const em_user_data *data, em_peer *peer)
{
    bool seen[EM_MAX_MODELS] = {0};

    if (e1->n_manifests != data->n_manifests) return EM_ERR_MANIFEST_MISSING;
    for (size_t i = 0; i < e1->n_manifests; i++) {
        em_peer_model *m = &peer->model[i];
        EM_TRY(em_manifest_hash(e1->manifest[i], m->hash));
        size_t at = index_of(data, m->hash);
        if (at == data->n_manifests || seen[at]) return EM_ERR_MANIFEST_MISSING;
        seen[at] = true;
    }
    peer->n_models = e1->n_manifests;
    return EM_OK;
}

static void keep_text(em_bytes from, char *to, size_t *ret_len)
{
    /* the manifest's reader held each to the limit that sizes the array */
    memcpy(to, from.at, from.len);
    to[from.len] = 0;
    *ret_len = from.len;
}

static em_err check_manifest(const em_peer_ask *ask, em_bytes manifest, uint64_t at_ms,
                             em_peer_model *model)
{
    const em_policy *policy = ask->policy;
    em_manifest m;

    EM_TRY(em_manifest_verify(manifest, policy->body.publisher, policy->body.n_publishers,
                              at_ms, ask->tensors, &m));
    EM_TRY(em_policy_manifest_stands(policy, m.hash));
    EM_TRY(em_policy_key_stands(policy, m.publisher.b));
    keep_text(m.body.id, model->id, &model->id_len);
    keep_text(m.body.version, model->version, &model->version_len);
    keep_text(m.body.profile, model->profile, &model->profile_len);
    model->number = m.body.number;
    model->publisher = m.publisher;
    memcpy(model->tokenizer_sha256, m.body.tokenizer_sha256, EM_SHA256_LEN);
    return EM_OK;
}

static em_err judge_manifests(const em_peer_ask *ask, const em_hello_e1 *e1,
                              em_report *report, em_peer *peer)
{
    size_t i = 0;

    EM_TRY(em_report_judge(report, EM_CHECK_SESSION_MANIFESTS,
                           check_set(e1, &peer->user_data, peer),
                           (int64_t)e1->n_manifests));
    for (; i < e1->n_manifests; i++) {
        em_err err = check_manifest(ask, e1->manifest[i], peer->attested.judged_at_ms,
                                    &peer->model[i]);
        if (err == EM_ERR_POLICY_REVOKED)
            return em_report_judge(report, EM_CHECK_DOC_REVOKED, err, (int64_t)i);
        if (err != EM_OK)
            return em_report_judge(report, EM_CHECK_SESSION_PUBLISHERS, err, (int64_t)i);
    }
    return em_report_judge(report, EM_CHECK_SESSION_PUBLISHERS, EM_OK, (int64_t)i);
}

/* ---- the whole ---- */

static em_err judge_peer(const em_peer_ask *ask, em_report *report, em_peer *peer)
{
    opening o;

    EM_TRY(em_report_judge(report, EM_CHECK_SESSION_FORM, read_opening(ask, &o), 0));
    memcpy(peer->c1_nonce, o.c1.nonce, sizeof peer->c1_nonce);
    keep_text(o.c1.deployment, peer->deployment, &peer->deployment_len);

    EM_TRY(attest(ask, o.e1.document, report, &peer->attested));
    uint64_t at_ms = peer->attested.judged_at_ms;
    EM_TRY(em_policy_match(ask->policy, &peer->attested, EM_PROTOCOL_VERSION, at_ms,
                           report, &peer->tuple));
    peer->any_account = ask->policy->body.tuple[peer->tuple].any_account;
    memcpy(peer->policy_hash, ask->policy->hash, sizeof peer->policy_hash);
    EM_TRY(judge_crls(ask, o.e1.document, at_ms, report));

    EM_TRY(em_report_judge(report, EM_CHECK_SESSION_PURPOSE,
                           read_user_data(&peer->attested, &peer->user_data), 0));
    em_err err = em_policy_key_stands(ask->policy, peer->user_data.receipt_key.b);
    if (err != EM_OK) return em_report_judge(report, EM_CHECK_DOC_REVOKED, err, 0);
    return judge_manifests(ask, &o.e1, report, peer);
}

em_err em_peer_verify(const em_peer_ask *ask, em_report *report, em_peer *ret_peer)
{
    em_peer peer = {0};

    em_report_expect(report, EM_CHECK_SESSION_FORM, EM_CHECK_SESSION_PUBLISHERS);
    EM_TRY(judge_peer(ask, report, &peer));
    *ret_peer = peer;
    return EM_OK;
}

em_err em_peer_find(const em_peer *peer, em_bytes model_id,
                    const em_peer_model **ret_model)
{
    for (size_t i = 0; i < peer->n_models; i++) {
        if (!em_same(em_view(peer->model[i].id, peer->model[i].id_len), model_id))
            continue;
        *ret_model = &peer->model[i];
        return EM_OK;
    }
    return EM_ERR_MODEL_UNKNOWN;
}
