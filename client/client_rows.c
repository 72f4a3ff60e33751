#include "client/client_rows.h"

#include "client/client_manifest.h"
#include "os/entropy.h"

/* Where the parts of an answer lie in client->texts. */
typedef struct answer_room {
    em_embed_text *text;
    uint32_t *tokens;
    uint8_t *truncated;
} answer_room;

static answer_room room_of(const em_client *c)
{
    answer_room r;

    r.text = (em_embed_text *)(void *)c->texts.at;
    r.tokens = (uint32_t *)(void *)(r.text + EM_MAX_INPUTS);
    r.truncated = (uint8_t *)(r.tokens + EM_MAX_INPUTS);
    return r;
}

static em_err make_pages(em_client *c)
{
    size_t each = sizeof(em_embed_text) + sizeof(uint32_t) + 1;

    return c->texts.at != NULL ? EM_OK
                               : em_map_anonymous(EM_MAX_INPUTS * each, 0, &c->texts);
}

/* What the next error says; what does not fit is left out. */
static em_out begin_detail(em_client *c)
{
    memset(c->detail, 0, sizeof c->detail);
    return em_out_over(c->detail, sizeof c->detail - 1);
}

static bool does(em_op op, uint32_t labels)
{
    return op == EM_OP_EMBED      ? labels == 0
           : op == EM_OP_CLASSIFY ? labels > 0
                                  : labels == 1;
}

/* The model that is meant; without a name, the only one there is, or the only one that
 * does this. */
static em_err choose_model(em_client *c, const char *name, em_op op,
                           const em_peer_model **ret)
{
    const em_peer_model *found = NULL;
    size_t n = 0;

    if (name != NULL) return em_peer_find(&c->peer, em_view(name, strlen(name)), ret);
    for (size_t i = 0; i < c->peer.n_models; i++) {
        em_manifest_body body;
        EM_TRY(em_client_manifest_read(c, &c->peer.model[i], &body));
        if (!does(op, body.model.shape.labels)) continue;
        found = &c->peer.model[i];
        n++;
    }
    if (n != 1 && c->peer.n_models == 1) found = &c->peer.model[0];
    if (n != 1 && c->peer.n_models != 1) {
        em_out o = begin_detail(c);
        em_write_bytes(&o, n == 0 ? EM_STR("no model here does that; there are:")
                                  : EM_STR("several models are served; name one of:"));
        for (size_t i = 0; i < c->peer.n_models; i++) {
            em_write_u8(&o, ' ');
            em_write_bytes(&o, em_view(c->peer.model[i].id, c->peer.model[i].id_len));
        }
        return EM_ERR_MODEL_UNKNOWN;
    }
    *ret = found;
    return EM_OK;
}

/* ---- the request ---- */

/* Does the model do this?  Its verified manifest knows before the enclave is asked. */
static em_err check_op(em_client *c, em_op op, const em_peer_model *model,
                       uint32_t labels)
{
    if (does(op, labels)) return EM_OK;
    em_out o = begin_detail(c);
    if (labels == 0) {
        em_write_bytes(&o,
                       EM_STR("the model gives embeddings, not scores: ask it to embed"));
    } else {
        em_write_bytes(&o, EM_STR("the model gives scores; its labels: "));
        em_write_decimal(&o, labels);
        em_write_bytes(&o, op == EM_OP_EMBED
                               ? EM_STR("; ask it to classify")
                               : EM_STR("; only a model of one label reranks"));
    }
    em_write_bytes(&o, EM_STR(" ("));
    em_write_bytes(&o, em_view(model->id, model->id_len));
    em_write_u8(&o, ')');
    return EM_ERR_MODEL_OP;
}

/* The text of the prompt that is named; empty where none is. */
static em_err find_prompt(em_client *c, const em_manifest_body *body, const char *name,
                          em_bytes *ret_text)
{
    *ret_text = (em_bytes){0};
    if (name == NULL) return EM_OK;
    for (uint32_t i = 0; i < body->n_prompts; i++)
        if (em_same(body->prompt[i].name, em_view(name, strlen(name)))) {
            *ret_text = body->prompt[i].text;
            return EM_OK;
        }
    em_out o = begin_detail(c);
    em_write_bytes(&o, body->n_prompts > 0 ? EM_STR("the model's prompts are: ")
                                           : EM_STR("the model has no prompts"));
    for (uint32_t i = 0; i < body->n_prompts; i++) {
        if (i > 0) em_write_bytes(&o, EM_STR(", "));
        em_write_bytes(&o, body->prompt[i].name);
    }
    return EM_ERR_PROMPT_UNKNOWN;
}

/* Views of the texts, each behind the prompt; `pages` keeps views and joined texts. */
static em_err put_inputs(const em_client_rows_ask *ask, em_bytes prompt, em_map *pages,
                         size_t *ret_len)
{
    size_t joined = 0, len = 1024 + ask->query.len, views;

    if (ask->n == 0 || ask->n > EM_MAX_INPUTS) return EM_ERR_ARGUMENT;
    for (size_t i = 0; i < ask->n; i++) {
        EM_TRY(em_add(joined, ask->text[i].len, &joined));
        EM_TRY(em_add(joined, prompt.len, &joined));
        EM_TRY(em_add(len, 8, &len));
    }
    EM_TRY(em_add(len, joined, &len));
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    views = ask->n * sizeof(em_bytes);
    EM_TRY(em_map_anonymous(views + (prompt.len > 0 ? joined : 0), 0, pages));
    em_bytes *input = (em_bytes *)(void *)pages->at;
    uint8_t *at = pages->at + views;
    for (size_t i = 0; i < ask->n; i++) {
        input[i] = em_view(ask->text[i].at, ask->text[i].len);
        if (prompt.len == 0) continue;
        memcpy(at, prompt.at, prompt.len);
        if (input[i].len > 0) memcpy(at + prompt.len, input[i].at, input[i].len);
        input[i] = em_view(at, prompt.len + input[i].len);
        at += input[i].len;
    }
    *ret_len = len;
    return EM_OK;
}

/* The request's encoding into client->body. */
static em_err encode(em_client *c, const em_client_rows_ask *ask, em_bytes prompt,
                     const em_peer_model *model, em_bytes *ret_body)
{
    EM_DROP(em_map) inputs = {0};
    size_t len;

    EM_TRY(put_inputs(ask, prompt, &inputs, &len));
    em_request r = {.op = ask->op,
                    .model = em_view(model->id, model->id_len),
                    .n_inputs = ask->n,
                    .input = (const em_bytes *)(const void *)inputs.at,
                    .query = em_view(ask->query.at, ask->query.len),
                    .truncate = !ask->refuse_truncation};
    EM_TRY(em_entropy_fill(r.salt, sizeof r.salt));
    em_map_drop(&c->body);
    EM_TRY(em_map_anonymous(len, 0, &c->body));
    em_out o = em_out_over(c->body.at, len);
    em_message_put_request(&o, &r);
    EM_TRY(em_write_end(&o));
    *ret_body = em_write_view(&o);
    return EM_OK;
}

/* ---- the answer ---- */

/* What END says of the parameters is what was asked, and no longer than the model. */
static em_err check_used(em_client *c, const em_client_rows_ask *ask, uint32_t most,
                         uint32_t *ret_max_tokens)
{
    const em_evidence_record *record = em_transcript_records(&c->answer);
    em_used used;
    em_end end;

    EM_TRY(em_message_parse_end(record[c->answer.n - 1].body, &end));
    EM_TRY(em_message_parse_used(end.parameters, &used));
    if (used.truncate == ask->refuse_truncation || used.max_tokens == 0 ||
        used.max_tokens > most)
        return EM_ERR_ANSWER_MALFORMED;
    *ret_max_tokens = used.max_tokens;
    return EM_OK;
}

/* All rows, without gap, one for each text, as wide as the manifest says. */
static em_err collect(em_client *c, size_t n, size_t dim)
{
    answer_room room = room_of(c);
    const em_evidence_record *record = em_transcript_records(&c->answer);
    size_t have = 0, len;
    uint64_t tokens = 0;

    EM_TRY(em_mul(n * sizeof(float), dim, &len));
    em_map_drop(&c->vectors);
    EM_TRY(em_map_anonymous(len, 0, &c->vectors));

    for (size_t i = 0; i < c->answer.n; i++) {
        em_embed_part part;
        if (record[i].type != EM_RECORD_DATA) continue;
        EM_TRY(em_answer_parse_embed(record[i].body, room.text, &part));
        if (part.first != have || part.dim != dim || part.n > n - have)
            return EM_ERR_ANSWER_MALFORMED;
        memcpy(c->vectors.at + have * dim * sizeof(float), part.vectors.at,
               part.vectors.len);
        for (size_t k = 0; k < part.n; k++) {
            room.tokens[have + k] = room.text[k].tokens;
            room.truncated[have + k] = room.text[k].truncated;
            tokens += room.text[k].tokens;
        }
        have += part.n;
    }
    return have == n && tokens == c->end.input ? EM_OK : EM_ERR_ANSWER_MALFORMED;
}

static em_err keep_evidence(em_client *c)
{
    em_receipt_body parts;
    size_t len;

    EM_TRY(em_message_parse_receipt(em_map_view(&c->receipt), &parts));
    const em_evidence_parts evidence = {.receipt = parts.receipt,
                                        .companion = parts.companion,
                                        .hello = em_view(c->link.c1, c->link.c1_len),
                                        .attest = em_map_view(&c->e1),
                                        .policy = em_map_view(&c->policy_bytes),
                                        .request = em_transcript_records(&c->request),
                                        .answer = em_transcript_records(&c->answer),
                                        .n_request = c->request.n,
                                        .n_answer = c->answer.n};
    EM_TRY(em_evidence_file_len(&evidence, &len));
    em_map_drop(&c->evidence);
    EM_TRY(em_map_anonymous(len, 0, &c->evidence));
    em_out o = em_out_over(c->evidence.at, len);
    EM_TRY(em_evidence_file_write(&evidence, &o));
    return em_write_end(&o);
}

em_err em_client_rows_get(em_client *c, const em_client_rows_ask *ask,
                          em_client_vectors *ret_vectors,
                          const em_client_words **ret_words)
{
    const em_peer_model *model;
    const em_client_words *words;
    em_manifest_body manifest;
    em_receipt_body parts;
    em_bytes body, prompt;
    uint32_t max_tokens;
    bool receipt;

    c->detail[0] = 0;
    EM_TRY(make_pages(c));
    EM_TRY(choose_model(c, ask->model, ask->op, &model));
    EM_TRY(em_client_manifest_read(c, model, &manifest));
    EM_TRY(em_client_manifest_words(c, model, &words));
    const em_model_shape *shape = &manifest.model.shape;
    size_t dim = shape->labels > 0 ? shape->labels : shape->hidden;
    EM_TRY(check_op(c, ask->op, model, shape->labels));
    EM_TRY(find_prompt(c, &manifest, ask->prompt, &prompt));
    EM_TRY(encode(c, ask, prompt, model, &body));
    EM_TRY(em_client_exchange(c, body, &receipt));
    if (!receipt) return EM_ERR_ANSWER_MALFORMED;
    if (!em_same(c->facts.claims.model_hash, EM_BYTES(model->hash)))
        return EM_ERR_MODEL_HASH_MISMATCH;
    EM_TRY(check_used(c, ask, shape->max_tokens, &max_tokens));
    EM_TRY(collect(c, ask->n, dim));
    em_map_drop(&c->evidence);
    if (ask->evidence) EM_TRY(keep_evidence(c));
    EM_TRY(em_message_parse_receipt(em_map_view(&c->receipt), &parts));

    answer_room room = room_of(c);
    em_bytes mode = c->facts.claims.security_mode;
    memset(c->security_mode, 0, sizeof c->security_mode);
    memcpy(c->security_mode, mode.at,
           mode.len < sizeof c->security_mode ? mode.len : sizeof c->security_mode - 1);
    *ret_vectors = (em_client_vectors){
        .n = ask->n,
        .dim = dim,
        .vector = (const float *)(const void *)c->vectors.at,
        .tokens = room.tokens,
        .truncated = room.truncated,
        .total_tokens = c->end.input,
        .max_tokens = max_tokens,
        .model = model->id,
        .version = model->version,
        .security_mode = c->security_mode,
        .model_hash = model->hash,
        .sequence = c->facts.claims.sequence_number,
        .execution_ms = c->facts.claims.execution_time_ms,
        .receipt = parts.receipt.at,
        .receipt_len = parts.receipt.len,
        .evidence = c->evidence.at,
        .evidence_len = c->evidence.len,
    };
    if (ret_words != NULL) *ret_words = words;
    return EM_OK;
}
