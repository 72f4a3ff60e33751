#include "trust/message.h"

#include "wire/cbor.h"

enum {
    MAX_CODE = 23,
    MAX_PARAMETERS = 16, /* members of one map */
    MAX_OP_NAME = 16,
    MAX_QUERY_PARAMETERS = EM_MAX_TEXT + 64, /* bytes of a map with a query in it */
};

static const char *const op_names[] = {
    [EM_OP_EMBED] = "embed",   [EM_OP_CLASSIFY] = "classify",
    [EM_OP_RERANK] = "rerank", [EM_OP_GENERATE] = "generate",
    [EM_OP_MODELS] = "models", [EM_OP_STATUS] = "status",
};

static const char *const status_names[] = {
    [EM_STATUS_STOP] = "stop",           [EM_STATUS_LENGTH] = "length",
    [EM_STATUS_CANCELLED] = "cancelled", [EM_STATUS_REFUSED] = "refused",
    [EM_STATUS_BUSY] = "busy",           [EM_STATUS_ERROR] = "error",
};

static const char *name_in(const char *const *names, size_t n, size_t i)
{
    return i < n ? names[i] : NULL;
}

const char *em_message_op_name(em_op op)
{
    return name_in(op_names, EM_COUNT(op_names), (size_t)op);
}

const char *em_message_status_name(em_status status)
{
    return name_in(status_names, EM_COUNT(status_names), (size_t)status);
}

/* The number of a name; 0 where it is none of them. */
static unsigned number_of(const char *const *names, size_t n, em_bytes text)
{
    for (unsigned i = 1; i < n; i++)
        if (em_same(text, em_view(names[i], strlen(names[i])))) return i;
    return 0;
}

/* Reads one of the names. */
static unsigned read_name(em_cbor *c, const char *const *names, size_t n)
{
    unsigned i = number_of(names, n, em_cbor_text_max(c, MAX_OP_NAME));

    if (i == 0) em_cbor_fail(c, EM_ERR_FORMAT);
    return i;
}

/* A text of 1 .. max bytes. */
static em_bytes read_text(em_cbor *c, size_t max)
{
    em_bytes text = em_cbor_text_max(c, max);

    if (text.len == 0) em_cbor_fail(c, EM_ERR_FORMAT);
    return text;
}

static void put_name(em_out *o, const char *name)
{
    if (name == NULL)
        em_write_fail(o, EM_ERR_ARGUMENT);
    else
        em_cbor_put_str(o, name);
}

/* What a reader found, in the words of messages: too much is LIMIT, the rest a breach. */
static em_err verdict(const em_cbor *c, em_err malformed)
{
    em_err err = em_cbor_end(c);

    if (err == EM_OK || err == EM_ERR_LIMIT) return err;
    return malformed;
}

/* ---- parameters
 * ------------------------------------------------------------------------ */

/* One encoded map of `least` .. MAX_PARAMETERS members with text keys, and nothing else.
 */
static em_err check_parameters(em_bytes map, uint64_t least)
{
    em_cbor c = em_cbor_over(map);
    uint64_t n = em_cbor_map(&c, MAX_PARAMETERS);

    for (uint64_t i = 0; em_cbor_ok(&c) == EM_OK && i < n; i++) {
        (void)em_cbor_text(&c);
        (void)em_cbor_skip(&c);
    }
    EM_TRY(em_cbor_end(&c));
    return n < least ? EM_ERR_FORMAT : EM_OK;
}

static em_bytes read_parameters(em_cbor *c, uint64_t least, size_t most)
{
    em_bytes map = em_cbor_skip(c);

    if (map.len > most) em_cbor_fail(c, EM_ERR_LIMIT);
    if (em_cbor_ok(c) == EM_OK) em_cbor_fail(c, check_parameters(map, least));
    return map;
}

static bool has_query(em_op op)
{
    return op == EM_OP_RERANK;
}

/* Are its parameters a closed map? */
static bool is_encoder(em_op op)
{
    return op == EM_OP_EMBED || op == EM_OP_CLASSIFY || op == EM_OP_RERANK;
}

/* {? query, ? truncate} of an op that is_encoder. */
static em_err parse_parameters(em_request *q)
{
    em_cbor c = em_cbor_over(q->parameters);
    uint64_t members = em_cbor_map(&c, MAX_PARAMETERS), read = 0;

    if (has_query(q->op)) {
        em_cbor_want(&c, "query");
        q->query = read_text(&c, EM_MAX_TEXT);
        read++;
    }
    if (read < members) {
        em_cbor_want(&c, "truncate");
        q->truncate = em_cbor_bool(&c);
        read++;
    }
    if (read != members) em_cbor_fail(&c, EM_ERR_FORMAT);
    return em_cbor_end(&c);
}

/* How many of them are written. */
static uint64_t count_parameters(const em_request *q)
{
    return (has_query(q->op) ? 1u : 0u) + (is_encoder(q->op) && !q->truncate ? 1u : 0u);
}

static void put_parameters(em_out *o, const em_request *q)
{
    em_cbor_put_str(o, "parameters");
    em_cbor_put_map(o, count_parameters(q));
    if (has_query(q->op)) {
        em_cbor_put_str(o, "query");
        em_cbor_put_text(o, q->query);
    }
    if (q->truncate) return;
    em_cbor_put_str(o, "truncate");
    em_cbor_put_bool(o, false);
}

void em_message_put_used(em_out *o, const em_used *used)
{
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "truncate");
    em_cbor_put_bool(o, used->truncate);
    em_cbor_put_str(o, "max_tokens");
    em_cbor_put_uint(o, used->max_tokens);
}

em_err em_message_parse_used(em_bytes parameters, em_used *ret_used)
{
    em_cbor c = em_cbor_over(parameters);

    em_cbor_map_of(&c, 2);
    em_cbor_want(&c, "truncate");
    bool truncate = em_cbor_bool(&c);
    em_cbor_want(&c, "max_tokens");
    uint64_t most = em_cbor_uint(&c);
    if (most == 0 || most > UINT32_MAX) em_cbor_fail(&c, EM_ERR_FORMAT);

    EM_TRY(verdict(&c, EM_ERR_ANSWER_MALFORMED));
    *ret_used = (em_used){.truncate = truncate, .max_tokens = (uint32_t)most};
    return EM_OK;
}

/* ---- requests
 * -------------------------------------------------------------------------- */

static bool is_plain(em_op op)
{
    return op == EM_OP_MODELS || op == EM_OP_STATUS;
}

static void read_inputs(em_cbor *c, em_bytes inputs[EM_MAX_INPUTS], em_request *q)
{
    em_cbor_want(c, "inputs");
    q->n_inputs = (size_t)em_cbor_array(c, EM_MAX_INPUTS);
    if (q->n_inputs == 0) em_cbor_fail(c, EM_ERR_FORMAT);
    for (size_t i = 0; em_cbor_ok(c) == EM_OK && i < q->n_inputs; i++)
        inputs[i] = em_cbor_text_max(c, EM_MAX_TEXT);
    q->input = inputs;
}

em_err em_message_parse_request(em_bytes body, em_bytes inputs[EM_MAX_INPUTS],
                                em_request *ret_request)
{
    em_request q = {.truncate = true};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    uint64_t members = em_cbor_map(&c, 5);
    em_cbor_want(&c, "op");
    q.op = (em_op)read_name(&c, op_names, EM_COUNT(op_names));
    em_cbor_want(&c, "salt");
    em_cbor_bytes_into(&c, q.salt, sizeof q.salt);

    if (em_cbor_ok(&c) == EM_OK && !is_plain(q.op)) {
        em_cbor_want(&c, "model");
        q.model = read_text(&c, EM_MAX_MODEL_ID);
        read_inputs(&c, inputs, &q);
        if (members == 5) {
            em_cbor_want(&c, "parameters");
            q.parameters = read_parameters(
                &c, 1, has_query(q.op) ? MAX_QUERY_PARAMETERS : EM_MAX_PARAMETERS);
        }
        if (members == 4 && has_query(q.op)) em_cbor_fail(&c, EM_ERR_FORMAT);
    }
    if (em_cbor_ok(&c) == EM_OK && is_encoder(q.op) && q.parameters.len > 0)
        em_cbor_fail(&c, parse_parameters(&q));

    EM_TRY(verdict(&c, EM_ERR_REQUEST_MALFORMED));
    *ret_request = q;
    return EM_OK;
}

static bool is_text(em_bytes text, size_t max)
{
    return text.len <= max && em_is_utf8(text) &&
           (text.len == 0 || memchr(text.at, 0, text.len) == NULL);
}

static bool is_name(em_bytes text, size_t max)
{
    return text.len > 0 && is_text(text, max);
}

static bool is_request(const em_request *q)
{
    bool query = has_query(q->op) ? is_name(q->query, EM_MAX_TEXT) : q->query.len == 0;

    if (!query) return false;
    if (is_plain(q->op)) return q->model.len == 0 && q->n_inputs == 0;
    if (!is_name(q->model, EM_MAX_MODEL_ID)) return false;
    if (q->n_inputs == 0 || q->n_inputs > EM_MAX_INPUTS) return false;
    for (size_t i = 0; i < q->n_inputs; i++)
        if (!is_text(q->input[i], EM_MAX_TEXT)) return false;
    return true;
}

void em_message_put_request(em_out *o, const em_request *q)
{
    bool plain = is_plain(q->op), parameters = count_parameters(q) > 0;

    if (!is_request(q)) em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_map(o, plain ? 2 : parameters ? 5 : 4);
    em_cbor_put_str(o, "op");
    put_name(o, em_message_op_name(q->op));
    em_cbor_put_str(o, "salt");
    em_cbor_put_bytes(o, EM_BYTES(q->salt));
    if (plain) return;
    em_cbor_put_str(o, "model");
    em_cbor_put_text(o, q->model);
    em_cbor_put_str(o, "inputs");
    em_cbor_put_array(o, q->n_inputs);
    for (size_t i = 0; i < q->n_inputs; i++) em_cbor_put_text(o, q->input[i]);
    if (parameters) put_parameters(o, q);
}

/* ---- END and RECEIPT
 * ------------------------------------------------------------------- */

/* A status and a code that say the same. */
static bool agree(em_status status, uint64_t code)
{
    switch (status) {
    case EM_STATUS_STOP:
    case EM_STATUS_LENGTH:
        return code == EM_FACE_NONE;
    case EM_STATUS_CANCELLED:
    case EM_STATUS_REFUSED:
    case EM_STATUS_BUSY:
    case EM_STATUS_ERROR:
        return code != EM_FACE_NONE && code <= MAX_CODE;
    case EM_STATUS_COUNT_:
        break;
    }
    return false;
}

em_err em_message_parse_end(em_bytes body, em_end *ret_end)
{
    em_end end = {0};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_END_BODY) return EM_ERR_LIMIT;
    em_cbor_map_of(&c, 5);
    em_cbor_want(&c, "code");
    uint64_t code = em_cbor_uint(&c);
    em_cbor_want(&c, "salt");
    em_cbor_bytes_into(&c, end.salt, sizeof end.salt);
    em_cbor_want(&c, "usage");
    em_cbor_map_of(&c, 2);
    em_cbor_want(&c, "input");
    end.input = em_cbor_uint(&c);
    em_cbor_want(&c, "output");
    end.output = em_cbor_uint(&c);
    em_cbor_want(&c, "status");
    end.status = (em_status)read_name(&c, status_names, EM_COUNT(status_names));
    em_cbor_want(&c, "parameters");
    end.parameters = read_parameters(&c, 0, EM_MAX_PARAMETERS);
    if (!agree(end.status, code)) em_cbor_fail(&c, EM_ERR_FORMAT);

    EM_TRY(verdict(&c, EM_ERR_ANSWER_MALFORMED));
    end.code = (unsigned)code;
    *ret_end = end;
    return EM_OK;
}

void em_message_put_end(em_out *o, const em_end *end)
{
    em_bytes parameters = end->parameters.len > 0 ? end->parameters : EM_STR("\xA0");

    if (!agree(end->status, end->code) || parameters.len > EM_MAX_PARAMETERS ||
        check_parameters(parameters, 0) != EM_OK)
        em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_map(o, 5);
    em_cbor_put_str(o, "code");
    em_cbor_put_uint(o, end->code);
    em_cbor_put_str(o, "salt");
    em_cbor_put_bytes(o, EM_BYTES(end->salt));
    em_cbor_put_str(o, "usage");
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "input");
    em_cbor_put_uint(o, end->input);
    em_cbor_put_str(o, "output");
    em_cbor_put_uint(o, end->output);
    em_cbor_put_str(o, "status");
    put_name(o, em_message_status_name(end->status));
    em_cbor_put_str(o, "parameters");
    em_write_bytes(o, parameters);
}

em_status em_message_status_of(em_err outcome, unsigned *ret_code)
{
    em_face face = em_err_face(outcome);

    *ret_code = (unsigned)face;
    switch (face) {
    case EM_FACE_NONE:
        return EM_STATUS_STOP;
    case EM_FACE_REFUSED:
        return EM_STATUS_REFUSED;
    case EM_FACE_BUSY:
    case EM_FACE_STARTING:
        return EM_STATUS_BUSY;
    case EM_FACE_CANCELLED:
        return EM_STATUS_CANCELLED;
    case EM_FACE_BAD_REQUEST:
    case EM_FACE_NOT_FOUND:
    case EM_FACE_BROKEN:
    case EM_FACE_UNSUPPORTED:
        break;
    }
    return EM_STATUS_ERROR;
}

em_err em_message_parse_receipt(em_bytes body, em_receipt_body *ret_receipt)
{
    em_receipt_body got = {0};
    em_cbor c = em_cbor_over(body);

    if (body.len > EM_MAX_RECEIPT_BODY) return EM_ERR_LIMIT;
    uint64_t members = em_cbor_map(&c, 2);
    em_cbor_want(&c, "receipt");
    got.receipt = em_cbor_bytes(&c);
    if (members == 2) {
        em_cbor_want(&c, "companion");
        got.companion = em_cbor_bytes(&c);
        if (got.companion.len == 0) em_cbor_fail(&c, EM_ERR_FORMAT);
    }
    if (got.receipt.len == 0) em_cbor_fail(&c, EM_ERR_FORMAT);

    EM_TRY(verdict(&c, EM_ERR_ANSWER_MALFORMED));
    *ret_receipt = got;
    return EM_OK;
}

void em_message_put_receipt(em_out *o, const em_receipt_body *receipt)
{
    if (receipt->receipt.len == 0) em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_map(o, receipt->companion.len > 0 ? 2 : 1);
    em_cbor_put_str(o, "receipt");
    em_cbor_put_bytes(o, receipt->receipt);
    if (receipt->companion.len == 0) return;
    em_cbor_put_str(o, "companion");
    em_cbor_put_bytes(o, receipt->companion);
}
