#include "client/client_manifest.h"

/* The operations that we know. */
static unsigned ops_of(unsigned ops)
{
    return (ops & 1u << EM_OP_EMBED ? EM_CLIENT_OP_EMBED : 0u) |
           (ops & 1u << EM_OP_CLASSIFY ? EM_CLIENT_OP_CLASSIFY : 0u) |
           (ops & 1u << EM_OP_RERANK ? EM_CLIENT_OP_RERANK : 0u);
}

static em_err models(em_client *c, em_client_model ret_models[8], size_t *ret_n)
{
    em_model_card cards[EM_MAX_MODELS];
    em_bytes body;
    size_t n;

    EM_TRY(em_client_ask(c, EM_OP_MODELS, &body));
    EM_TRY(em_answer_parse_models(body, cards, &n));
    for (size_t i = 0; i < n; i++) {
        const em_peer_model *attested;
        const em_client_words *words;
        em_client_model m = {.number = cards[i].number,
                             .not_after_ms = cards[i].not_after_ms,
                             .dim = cards[i].dim,
                             .max_tokens = cards[i].max_tokens};
        /* what it says of its models must be what it attested */
        EM_TRY(em_peer_find(&c->peer, cards[i].id, &attested));
        if (!em_same(EM_BYTES(attested->hash), EM_BYTES(cards[i].manifest)))
            return EM_ERR_MODEL_HASH_MISMATCH;
        EM_TRY(em_client_manifest_words(c, attested, &words));
        m.ops = ops_of(cards[i].ops);
        m.activation = words->activation;
        m.n_labels = words->n_labels;
        m.n_prompts = words->n_prompts;
        m.label = words->label;
        m.prompt = words->prompt;
        em_client_put_text(m.id, sizeof m.id, cards[i].id);
        em_client_put_text(m.version, sizeof m.version, cards[i].version);
        em_client_put_text(m.profile, sizeof m.profile, cards[i].profile);
        memcpy(m.manifest, cards[i].manifest, sizeof m.manifest);
        ret_models[i] = m;
    }
    *ret_n = n;
    return EM_OK;
}

int em_client_models(em_client *client, em_client_model ret_models[8], size_t *ret_n,
                     em_client_error *ret_error)
{
    return em_client_tell(client, models(client, ret_models, ret_n), ret_error);
}
