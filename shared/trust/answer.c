#include "trust/answer.h"

#include "wire/cbor.h"

enum {
    PROTOCOL = 1,
    MAX_STATUS_TEXT = 128, /* of any text in a status */
    MAX_OP_NAME = 16,
    EMBED_OVERHEAD = 64, /* everything in an embed body but what its rows take */
    ROW_OVERHEAD = 6,    /* a token count of 32 bits and a flag */
};

static em_err verdict(const em_cbor *c)
{
    em_err err = em_cbor_end(c);

    return err == EM_OK || err == EM_ERR_LIMIT ? err : EM_ERR_ANSWER_MALFORMED;
}

static uint64_t want_uint(em_cbor *c, const char *key, uint64_t max)
{
    em_cbor_want(c, key);
    uint64_t value = em_cbor_uint(c);

    if (value > max) em_cbor_fail(c, EM_ERR_RANGE);
    return value;
}

static em_bytes want_text(em_cbor *c, const char *key, size_t max)
{
    em_cbor_want(c, key);
    em_bytes text = em_cbor_text_max(c, max);

    if (text.len == 0) em_cbor_fail(c, EM_ERR_RANGE);
    return text;
}

static void put_uint(em_out *o, const char *key, uint64_t value)
{
    em_cbor_put_str(o, key);
    em_cbor_put_uint(o, value);
}

static void put_text(em_out *o, const char *key, em_bytes text, size_t max)
{
    if (text.len == 0 || text.len > max) em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_str(o, key);
    em_cbor_put_text(o, text);
}

/* ---- embed
 * ----------------------------------------------------------------------------- */

_Static_assert(EMBED_OVERHEAD + ROW_OVERHEAD + 4 * EM_MAX_DIM <= EM_MAX_DATA_BODY,
               "a row of the largest dimension fits a record");

size_t em_answer_embed_rows(uint32_t dim)
{
    size_t row = 4 * (size_t)dim + ROW_OVERHEAD;
    size_t rows = (EM_MAX_DATA_BODY - EMBED_OVERHEAD) / row;

    return rows < EM_MAX_INPUTS ? rows : EM_MAX_INPUTS;
}

em_err em_answer_parse_embed(em_bytes body, em_embed_text texts[EM_MAX_INPUTS],
                             em_embed_part *ret_part)
{
    em_embed_part part = {.text = texts};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_DATA_BODY) return EM_ERR_LIMIT;
    em_cbor_map_of(&c, 5);
    part.dim = (uint32_t)want_uint(&c, "dim", EM_MAX_DIM);
    part.first = (size_t)want_uint(&c, "first", EM_MAX_INPUTS - 1);
    em_cbor_want(&c, "tokens");
    part.n = (size_t)em_cbor_array(&c, EM_MAX_INPUTS - part.first);
    for (size_t i = 0; em_cbor_ok(&c) == EM_OK && i < part.n; i++) {
        uint64_t tokens = em_cbor_uint(&c);
        if (tokens > UINT32_MAX) em_cbor_fail(&c, EM_ERR_RANGE);
        texts[i].tokens = (uint32_t)tokens;
    }
    em_cbor_want(&c, "vectors");
    part.vectors = em_cbor_bytes(&c);
    em_cbor_want(&c, "truncated");
    em_cbor_array_of(&c, part.n);
    for (size_t i = 0; em_cbor_ok(&c) == EM_OK && i < part.n; i++)
        texts[i].truncated = em_cbor_bool(&c);
    if (part.dim == 0 || part.n == 0 || part.vectors.len != 4 * part.n * part.dim)
        em_cbor_fail(&c, EM_ERR_RANGE);

    EM_TRY(verdict(&c));
    *ret_part = part;
    return EM_OK;
}

void em_answer_put_embed(em_out *o, const em_embed_part *part)
{
    if (part->dim == 0 || part->dim > EM_MAX_DIM || part->n == 0 ||
        part->n > EM_MAX_INPUTS || part->first > EM_MAX_INPUTS - part->n ||
        part->vectors.len != 4 * part->n * part->dim) {
        em_write_fail(o, EM_ERR_ARGUMENT);
        return;
    }
    em_cbor_put_map(o, 5);
    put_uint(o, "dim", part->dim);
    put_uint(o, "first", part->first);
    em_cbor_put_str(o, "tokens");
    em_cbor_put_array(o, part->n);
    for (size_t i = 0; i < part->n; i++) em_cbor_put_uint(o, part->text[i].tokens);
    em_cbor_put_str(o, "vectors");
    em_cbor_put_bytes(o, part->vectors);
    em_cbor_put_str(o, "truncated");
    em_cbor_put_array(o, part->n);
    for (size_t i = 0; i < part->n; i++) em_cbor_put_bool(o, part->text[i].truncated);
}

/* ---- models
 * ---------------------------------------------------------------------------- */

static em_op op_of(em_bytes name)
{
    for (int op = EM_OP_EMBED; op < EM_OP_COUNT_; op++) {
        const char *known = em_message_op_name((em_op)op);
        if (em_same(name, em_view(known, strlen(known)))) return (em_op)op;
    }
    return EM_OP_COUNT_;
}

/* Names of ops in the order of their numbers: one form. */
static unsigned read_ops(em_cbor *c)
{
    unsigned ops = 0;

    em_cbor_want(c, "ops");
    uint64_t n = em_cbor_array(c, EM_OP_COUNT_ - 1);
    for (uint64_t i = 0; em_cbor_ok(c) == EM_OK && i < n; i++) {
        em_op op = op_of(em_cbor_text_max(c, MAX_OP_NAME));
        if (op == EM_OP_COUNT_ || ops >> op != 0) em_cbor_fail(c, EM_ERR_RANGE);
        ops |= 1u << op;
    }
    if (ops == 0) em_cbor_fail(c, EM_ERR_RANGE);
    return ops;
}

static void read_card(em_cbor *c, em_model_card *card)
{
    em_cbor_map_of(c, 9);
    card->id = want_text(c, "id", EM_MAX_MODEL_ID);
    card->dim = (uint32_t)want_uint(c, "dim", UINT32_MAX);
    card->ops = read_ops(c);
    card->number = want_uint(c, "number", UINT64_MAX);
    card->profile = want_text(c, "profile", EM_MAX_PROFILE);
    card->version = want_text(c, "version", EM_MAX_VERSION_TEXT);
    em_cbor_want(c, "manifest");
    em_cbor_bytes_into(c, card->manifest, sizeof card->manifest);
    card->max_tokens = (uint32_t)want_uint(c, "max_tokens", UINT32_MAX);
    card->not_after_ms = want_uint(c, "not_after_ms", UINT64_MAX);
}

em_err em_answer_parse_models(em_bytes body, em_model_card ret_cards[EM_MAX_MODELS],
                              size_t *ret_n)
{
    em_model_card cards[EM_MAX_MODELS] = {0};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_DATA_BODY) return EM_ERR_LIMIT;
    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, "models");
    size_t n = (size_t)em_cbor_array(&c, EM_MAX_MODELS);
    for (size_t i = 0; em_cbor_ok(&c) == EM_OK && i < n; i++) read_card(&c, &cards[i]);

    EM_TRY(verdict(&c));
    memcpy(ret_cards, cards, n * sizeof *cards);
    *ret_n = n;
    return EM_OK;
}

static void put_ops(em_out *o, unsigned ops)
{
    unsigned known = (1u << EM_OP_COUNT_) - (1u << EM_OP_EMBED), left = ops & known;
    uint64_t n = 0;

    if (ops != left || ops == 0) em_write_fail(o, EM_ERR_ARGUMENT);
    for (unsigned bits = left; bits != 0; bits &= bits - 1) n++;
    em_cbor_put_str(o, "ops");
    em_cbor_put_array(o, n);
    for (int op = EM_OP_EMBED; op < EM_OP_COUNT_; op++)
        if (left & 1u << op) em_cbor_put_str(o, em_message_op_name((em_op)op));
}

static void put_card(em_out *o, const em_model_card *card)
{
    em_cbor_put_map(o, 9);
    put_text(o, "id", card->id, EM_MAX_MODEL_ID);
    put_uint(o, "dim", card->dim);
    put_ops(o, card->ops);
    put_uint(o, "number", card->number);
    put_text(o, "profile", card->profile, EM_MAX_PROFILE);
    put_text(o, "version", card->version, EM_MAX_VERSION_TEXT);
    em_cbor_put_str(o, "manifest");
    em_cbor_put_bytes(o, EM_BYTES(card->manifest));
    put_uint(o, "max_tokens", card->max_tokens);
    put_uint(o, "not_after_ms", card->not_after_ms);
}

void em_answer_put_models(em_out *o, const em_model_card *cards, size_t n)
{
    if (n > EM_MAX_MODELS) {
        em_write_fail(o, EM_ERR_ARGUMENT);
        return;
    }
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "models");
    em_cbor_put_array(o, n);
    for (size_t i = 0; i < n; i++) put_card(o, &cards[i]);
}

/* ---- status
 * ---------------------------------------------------------------------------- */

em_err em_answer_parse_status(em_bytes body, em_status_body *ret_status)
{
    em_status_body s = {0};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_DATA_BODY) return EM_ERR_LIMIT;
    em_cbor_map_of(&c, 2);
    em_cbor_want(&c, "enclave");
    em_cbor_map_of(&c, 7);
    s.mode = want_text(&c, "mode", MAX_STATUS_TEXT);
    s.models = want_uint(&c, "models", EM_MAX_MODELS);
    if (want_uint(&c, "protocol", PROTOCOL) != PROTOCOL) em_cbor_fail(&c, EM_ERR_RANGE);
    s.software = want_text(&c, "software", MAX_STATUS_TEXT);
    s.uptime_ms = want_uint(&c, "uptime_ms", UINT64_MAX);
    s.deployment = want_text(&c, "deployment", EM_MAX_DEPLOYMENT);
    s.configuration = want_text(&c, "configuration", MAX_STATUS_TEXT);
    em_cbor_want(&c, "session");
    em_cbor_map_of(&c, 6);
    s.age_ms = want_uint(&c, "age_ms", UINT64_MAX);
    s.tokens = want_uint(&c, "tokens", UINT64_MAX);
    s.left_ms = want_uint(&c, "left_ms", UINT64_MAX);
    s.bytes_in = want_uint(&c, "bytes_in", UINT64_MAX);
    s.messages = want_uint(&c, "messages", UINT64_MAX);
    s.bytes_out = want_uint(&c, "bytes_out", UINT64_MAX);

    EM_TRY(verdict(&c));
    *ret_status = s;
    return EM_OK;
}

void em_answer_put_status(em_out *o, const em_status_body *s)
{
    if (s->models > EM_MAX_MODELS) em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "enclave");
    em_cbor_put_map(o, 7);
    put_text(o, "mode", s->mode, MAX_STATUS_TEXT);
    put_uint(o, "models", s->models);
    put_uint(o, "protocol", PROTOCOL);
    put_text(o, "software", s->software, MAX_STATUS_TEXT);
    put_uint(o, "uptime_ms", s->uptime_ms);
    put_text(o, "deployment", s->deployment, EM_MAX_DEPLOYMENT);
    put_text(o, "configuration", s->configuration, MAX_STATUS_TEXT);
    em_cbor_put_str(o, "session");
    em_cbor_put_map(o, 6);
    put_uint(o, "age_ms", s->age_ms);
    put_uint(o, "tokens", s->tokens);
    put_uint(o, "left_ms", s->left_ms);
    put_uint(o, "bytes_in", s->bytes_in);
    put_uint(o, "messages", s->messages);
    put_uint(o, "bytes_out", s->bytes_out);
}
