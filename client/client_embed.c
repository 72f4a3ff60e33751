#include "client/client.h"

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

/* The model that is meant; without a name, the only one. */
static em_err choose_model(const em_client *c, const char *name,
                           const em_peer_model **ret)
{
    if (name != NULL) return em_peer_find(&c->peer, em_view(name, strlen(name)), ret);
    if (c->peer.n_models != 1) return EM_ERR_MODEL_UNKNOWN;
    *ret = &c->peer.model[0];
    return EM_OK;
}

/* The request's encoding into client->body. */
static em_err encode(em_client *c, const em_client_embed_request *request,
                     const em_peer_model *model, em_bytes *ret_body)
{
    EM_DROP(em_map) inputs = {0};
    size_t len = 1024;

    if (request->n == 0 || request->n > EM_MAX_INPUTS) return EM_ERR_ARGUMENT;
    EM_TRY(em_map_anonymous(request->n * sizeof(em_bytes), 0, &inputs));
    em_bytes *input = (em_bytes *)(void *)inputs.at;
    for (size_t i = 0; i < request->n; i++) {
        input[i] = em_view(request->text[i].at, request->text[i].len);
        EM_TRY(em_add(len, input[i].len + 8, &len));
    }
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    em_request r = {.op = EM_OP_EMBED,
                    .model = em_view(model->id, model->id_len),
                    .n_inputs = request->n,
                    .input = input,
                    .truncate = !request->refuse_truncation};
    EM_TRY(em_entropy_fill(r.salt, sizeof r.salt));
    em_map_drop(&c->body);
    EM_TRY(em_map_anonymous(len, 0, &c->body));
    em_out o = em_out_over(c->body.at, len);
    em_message_put_request(&o, &r);
    EM_TRY(em_write_end(&o));
    *ret_body = em_write_view(&o);
    return EM_OK;
}

/* All rows, without gap, one for each text. */
static em_err collect(em_client *c, size_t n, size_t *ret_dim)
{
    answer_room room = room_of(c);
    const em_evidence_record *record = em_transcript_records(&c->answer);
    size_t have = 0, dim = 0;
    uint64_t tokens = 0;

    for (size_t i = 0; i < c->answer.n; i++) {
        em_embed_part part;
        if (record[i].type != EM_RECORD_DATA) continue;
        EM_TRY(em_answer_parse_embed(record[i].body, room.text, &part));
        if (dim == 0) {
            size_t len;
            dim = part.dim;
            EM_TRY(em_mul(n * sizeof(float), dim, &len));
            em_map_drop(&c->vectors);
            EM_TRY(em_map_anonymous(len, 0, &c->vectors));
        }
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
    if (have != n || tokens != c->end.input) return EM_ERR_ANSWER_MALFORMED;
    *ret_dim = dim;
    return EM_OK;
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

static em_err embed(em_client *c, const em_client_embed_request *request,
                    em_client_vectors *ret_vectors)
{
    const em_peer_model *model;
    em_receipt_body parts;
    em_bytes body;
    bool receipt;
    size_t dim;

    EM_TRY(make_pages(c));
    EM_TRY(choose_model(c, request->model, &model));
    EM_TRY(encode(c, request, model, &body));
    EM_TRY(em_client_exchange(c, body, &receipt));
    if (!receipt) return EM_ERR_ANSWER_MALFORMED;
    if (!em_same(c->facts.claims.model_hash, EM_BYTES(model->hash)))
        return EM_ERR_MODEL_HASH_MISMATCH;
    EM_TRY(collect(c, request->n, &dim));
    em_map_drop(&c->evidence);
    if (request->evidence) EM_TRY(keep_evidence(c));
    EM_TRY(em_message_parse_receipt(em_map_view(&c->receipt), &parts));

    answer_room room = room_of(c);
    em_bytes mode = c->facts.claims.security_mode;
    memset(c->security_mode, 0, sizeof c->security_mode);
    memcpy(c->security_mode, mode.at,
           mode.len < sizeof c->security_mode ? mode.len : sizeof c->security_mode - 1);
    *ret_vectors = (em_client_vectors){
        .n = request->n,
        .dim = dim,
        .vector = (const float *)(const void *)c->vectors.at,
        .tokens = room.tokens,
        .truncated = room.truncated,
        .total_tokens = c->end.input,
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
    return EM_OK;
}

int em_client_embed(em_client *client, const em_client_embed_request *request,
                    em_client_vectors *ret_vectors, em_client_error *ret_error)
{
    return em_client_tell(client, embed(client, request, ret_vectors), ret_error);
}
