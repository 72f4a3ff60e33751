#include "trust/manifest_body.h"

#include "wire/cbor.h"

enum { BODY_VERSION = 1, BODY_MEMBERS = 19, SHAPE_MEMBERS = 15 };

/* ---- what a body must be, whether read or about to be written ---- */

/* Printable ASCII: these texts reach terminals, metrics and an encryption context. */
static bool is_plain(em_bytes text, size_t max, uint8_t least)
{
    if (text.len == 0 || text.len > max) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < least || text.at[i] > 0x7E) return false;
    return true;
}

static bool texts_hold(const em_manifest_body *b)
{
    bool good = is_plain(b->id, EM_MAX_MODEL_ID, '!') &&
                is_plain(b->version, EM_MAX_VERSION_TEXT, ' ') &&
                is_plain(b->profile, EM_MAX_PROFILE, '!') &&
                is_plain(b->licence, EM_MAX_LICENCE, ' ') &&
                is_plain(b->kms_key, EM_MAX_KMS_KEY, '!');

    for (uint32_t i = 0; good && i < b->n_sources; i++)
        good = is_plain(b->source[i].name, EM_MAX_SOURCE_NAME, ' ');
    for (uint32_t i = 0; good && i < b->model.shape.labels; i++)
        good = is_plain(b->label[i], EM_MAX_LABEL, ' ');
    return good;
}

/* Goes before a text, so it is one. */
static bool is_prompt(em_bytes text)
{
    if (text.len > EM_MAX_PROMPT || !em_is_utf8(text)) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == 0) return false;
    return true;
}

static bool prompts_hold(const em_manifest_body *b)
{
    if (b->n_prompts > EM_MAX_PROMPTS) return false;
    for (uint32_t i = 0; i < b->n_prompts; i++) {
        const em_prompt *p = &b->prompt[i];

        if (!is_plain(p->name, EM_MAX_PROMPT_NAME, '!') || !is_prompt(p->text))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (em_same(b->prompt[k].name, p->name)) return false;
    }
    return true;
}

static bool shape_holds(const em_model_shape *s)
{
    const uint32_t counts[] = {s->layers, s->hidden,    s->heads, s->intermediate,
                               s->vocab,  s->positions, s->types, s->max_tokens};

    for (size_t i = 0; i < EM_COUNT(counts); i++)
        if (counts[i] == 0 || counts[i] > EM_MAX_DIMENSION) return false;
    if (s->labels > EM_MAX_LABELS || s->activation < EM_ACTIVATION_NONE ||
        s->activation > EM_ACTIVATION_SOFTMAX ||
        (s->labels == 0 && s->activation != EM_ACTIVATION_NONE))
        return false;
    return s->arch == EM_ARCH_BERT && s->precision >= EM_PRECISION_F32 &&
           s->precision <= EM_PRECISION_INT8 && s->pooling >= EM_POOLING_MEAN &&
           s->pooling <= EM_POOLING_CLS && s->hidden % s->heads == 0 &&
           s->max_tokens <= s->positions && s->norm_eps_bits > 0 &&
           s->norm_eps_bits < 0x3F800000; /* 0 < eps < 1 */
}

static bool chunks_hold(const em_manifest_body *b)
{
    if (b->chunk_len < EM_CHUNK_MIN || b->chunk_len > EM_CHUNK_MAX) return false;
    if (b->image_len == 0 || b->image_len > EM_MAX_BUNDLE) return false;
    if (b->n_chunks > EM_MAX_CHUNKS) return false;
    return (b->image_len - 1) / b->chunk_len + 1 == b->n_chunks;
}

/* Is [offset, offset + len) aligned, not empty and inside the image? */
static bool is_section(uint64_t offset, uint64_t len, uint64_t image_len)
{
    return len > 0 && offset % EM_IMAGE_ALIGN == 0 && offset < image_len &&
           len <= image_len - offset;
}

static bool tensor_holds(const em_manifest_body *b, const em_tensor *t)
{
    const em_model *m = &b->model;
    uint64_t len, token_end = m->tokenizer_offset + m->tokenizer_len;

    if (!is_plain(t->name, EM_MAX_TENSOR_NAME, '!')) return false;
    if (t->rows == 0 || t->cols == 0) return false;
    if (em_model_tensor_len(t->layout, t->rows, t->cols, &len) != EM_OK || len != t->len)
        return false;
    if (!is_section(t->offset, t->len, b->image_len)) return false;
    return t->offset + t->len <= m->tokenizer_offset || token_end <= t->offset;
}

static bool model_holds(const em_manifest_body *b)
{
    const em_model *m = &b->model;

    if (!shape_holds(&m->shape) || m->n == 0 || m->n > EM_MAX_TENSORS) return false;
    if (!is_section(m->tokenizer_offset, m->tokenizer_len, b->image_len)) return false;
    for (uint32_t i = 0; i < m->n; i++) {
        const em_tensor *t = &m->tensor[i];
        if (!tensor_holds(b, t)) return false;
        if (i > 0 && m->tensor[i - 1].offset + m->tensor[i - 1].len > t->offset)
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (em_same(m->tensor[k].name, t->name)) return false;
    }
    return true;
}

static em_err check_body(const em_manifest_body *b)
{
    if (b->n_sources > EM_MAX_SOURCES) return EM_ERR_MANIFEST_MALFORMED;
    if (!chunks_hold(b) || !model_holds(b) || !texts_hold(b) || !prompts_hold(b))
        return EM_ERR_MANIFEST_MALFORMED;
    return EM_OK;
}

/* ---- reading ---- */

static uint32_t read_u32(em_cbor *c)
{
    uint64_t value = em_cbor_uint(c);

    if (value > UINT32_MAX) em_cbor_fail(c, EM_ERR_RANGE);
    return (uint32_t)value;
}

/* A map or array of exactly n. */
static void want_map(em_cbor *c, uint64_t n)
{
    if (em_cbor_map(c, n) != n) em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

static void want_array(em_cbor *c, uint64_t n)
{
    if (em_cbor_array(c, n) != n) em_cbor_fail(c, EM_ERR_CBOR_TYPE);
}

static uint32_t member_u32(em_cbor *c, const char *key)
{
    em_cbor_want(c, key);
    return read_u32(c);
}

static uint64_t member_uint(em_cbor *c, const char *key)
{
    em_cbor_want(c, key);
    return em_cbor_uint(c);
}

static em_bytes member_text(em_cbor *c, const char *key, size_t max)
{
    em_cbor_want(c, key);
    return em_cbor_text_max(c, max);
}

static void member_hash(em_cbor *c, const char *key, uint8_t to[EM_SHA256_LEN])
{
    em_cbor_want(c, key);
    em_cbor_bytes_into(c, to, EM_SHA256_LEN);
}

static em_model_shape read_shape(em_cbor *c)
{
    em_model_shape s = {0};

    want_map(c, SHAPE_MEMBERS);
    s.norm_eps_bits = member_u32(c, "eps");
    s.arch = (em_arch)member_u32(c, "arch");
    s.heads = member_u32(c, "heads");
    s.types = member_u32(c, "types");
    s.vocab = member_u32(c, "vocab");
    s.hidden = member_u32(c, "hidden");
    s.labels = member_u32(c, "labels");
    s.layers = member_u32(c, "layers");
    s.pooling = (em_pooling)member_u32(c, "pooling");
    em_cbor_want(c, "normalize");
    s.normalize = em_cbor_bool(c);
    s.positions = member_u32(c, "positions");
    s.precision = (em_precision)member_u32(c, "precision");
    s.activation = (em_activation)member_u32(c, "activation");
    s.max_tokens = member_u32(c, "max_tokens");
    s.intermediate = member_u32(c, "intermediate");
    return s;
}

static void read_sources(em_cbor *c, em_manifest_body *b)
{
    b->n_sources = (uint32_t)em_cbor_array(c, EM_MAX_SOURCES);
    for (uint32_t i = 0; i < b->n_sources && em_cbor_ok(c) == EM_OK; i++) {
        em_source *s = &b->source[i];
        want_array(c, 3);
        s->name = em_cbor_text_max(c, EM_MAX_SOURCE_NAME);
        s->len = em_cbor_uint(c);
        em_cbor_bytes_into(c, s->sha256, sizeof s->sha256);
    }
}

/* The names of the labels that the shape counts. */
static void read_labels(em_cbor *c, em_manifest_body *b)
{
    uint64_t n = em_cbor_array(c, EM_MAX_LABELS);

    if (n != b->model.shape.labels) em_cbor_fail(c, EM_ERR_RANGE);
    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++)
        b->label[i] = em_cbor_text_max(c, EM_MAX_LABEL);
}

static void read_prompts(em_cbor *c, em_manifest_body *b)
{
    b->n_prompts = (uint32_t)em_cbor_array(c, EM_MAX_PROMPTS);
    for (uint32_t i = 0; i < b->n_prompts && em_cbor_ok(c) == EM_OK; i++) {
        want_array(c, 2);
        b->prompt[i].name = em_cbor_text_max(c, EM_MAX_PROMPT_NAME);
        b->prompt[i].text = em_cbor_text_max(c, EM_MAX_PROMPT);
    }
}

static uint32_t read_tensors(em_cbor *c, em_tensor *tensors)
{
    uint32_t n = (uint32_t)em_cbor_array(c, EM_MAX_TENSORS);

    for (uint32_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        em_tensor *t = &tensors[i];
        want_array(c, 6);
        t->name = em_cbor_text_max(c, EM_MAX_TENSOR_NAME);
        t->layout = (em_layout)read_u32(c);
        t->rows = read_u32(c);
        t->cols = read_u32(c);
        t->offset = em_cbor_uint(c);
        t->len = em_cbor_uint(c);
    }
    return n;
}

em_err em_manifest_body_read(em_bytes body, em_tensor tensors[EM_MAX_TENSORS],
                             em_manifest_body *ret_claims)
{
    em_cbor c = em_cbor_over(body);
    em_manifest_body b = {.model.tensor = tensors};

    want_map(&c, BODY_MEMBERS);
    if (member_uint(&c, "v") != BODY_VERSION) em_cbor_fail(&c, EM_ERR_RANGE);
    b.id = member_text(&c, "id", EM_MAX_MODEL_ID);
    member_hash(&c, "cek", b.commitment);
    member_hash(&c, "root", b.root);
    em_cbor_want(&c, "shape");
    b.model.shape = read_shape(&c);
    member_hash(&c, "bundle", b.bundle_id);
    em_cbor_want(&c, "chunks");
    want_map(&c, 3);
    b.n_chunks = member_u32(&c, "n");
    b.image_len = member_uint(&c, "len");
    b.chunk_len = member_u32(&c, "size");
    em_cbor_want(&c, "labels");
    read_labels(&c, &b);
    b.number = member_uint(&c, "number");
    b.kms_key = member_text(&c, "kms_key", EM_MAX_KMS_KEY);
    b.licence = member_text(&c, "licence", EM_MAX_LICENCE);
    b.profile = member_text(&c, "profile", EM_MAX_PROFILE);
    em_cbor_want(&c, "prompts");
    read_prompts(&c, &b);
    em_cbor_want(&c, "sources");
    read_sources(&c, &b);
    em_cbor_want(&c, "tensors");
    b.model.n = read_tensors(&c, tensors);
    b.version = member_text(&c, "version", EM_MAX_VERSION_TEXT);
    em_cbor_want(&c, "template"); /* a chat template's hash: encoders have none */
    em_cbor_null(&c);
    b.not_after_ms = member_uint(&c, "not_after");
    em_cbor_want(&c, "tokenizer");
    want_map(&c, 3);
    b.model.tokenizer_len = member_uint(&c, "len");
    b.model.tokenizer_offset = member_uint(&c, "offset");
    member_hash(&c, "sha256", b.tokenizer_sha256);

    if (em_cbor_end(&c) != EM_OK) return EM_ERR_MANIFEST_MALFORMED;
    EM_TRY(check_body(&b));
    *ret_claims = b;
    return EM_OK;
}

/* ---- writing ---- */

static void put_hash(em_out *o, const char *key, const uint8_t hash[EM_SHA256_LEN])
{
    em_cbor_put_str(o, key);
    em_cbor_put_bytes(o, em_view(hash, EM_SHA256_LEN));
}

static void put_uint(em_out *o, const char *key, uint64_t value)
{
    em_cbor_put_str(o, key);
    em_cbor_put_uint(o, value);
}

static void put_text(em_out *o, const char *key, em_bytes text)
{
    em_cbor_put_str(o, key);
    em_cbor_put_text(o, text);
}

static void put_shape(em_out *o, const em_model_shape *s)
{
    em_cbor_put_map(o, SHAPE_MEMBERS);
    put_uint(o, "eps", s->norm_eps_bits);
    put_uint(o, "arch", s->arch);
    put_uint(o, "heads", s->heads);
    put_uint(o, "types", s->types);
    put_uint(o, "vocab", s->vocab);
    put_uint(o, "hidden", s->hidden);
    put_uint(o, "labels", s->labels);
    put_uint(o, "layers", s->layers);
    put_uint(o, "pooling", s->pooling);
    em_cbor_put_str(o, "normalize");
    em_cbor_put_bool(o, s->normalize);
    put_uint(o, "positions", s->positions);
    put_uint(o, "precision", s->precision);
    put_uint(o, "activation", s->activation);
    put_uint(o, "max_tokens", s->max_tokens);
    put_uint(o, "intermediate", s->intermediate);
}

static void put_sources(em_out *o, const em_manifest_body *b)
{
    em_cbor_put_array(o, b->n_sources);
    for (uint32_t i = 0; i < b->n_sources; i++) {
        const em_source *s = &b->source[i];
        em_cbor_put_array(o, 3);
        em_cbor_put_text(o, s->name);
        em_cbor_put_uint(o, s->len);
        em_cbor_put_bytes(o, EM_BYTES(s->sha256));
    }
}

static void put_labels(em_out *o, const em_manifest_body *b)
{
    em_cbor_put_str(o, "labels");
    em_cbor_put_array(o, b->model.shape.labels);
    for (uint32_t i = 0; i < b->model.shape.labels; i++) em_cbor_put_text(o, b->label[i]);
}

static void put_prompts(em_out *o, const em_manifest_body *b)
{
    em_cbor_put_str(o, "prompts");
    em_cbor_put_array(o, b->n_prompts);
    for (uint32_t i = 0; i < b->n_prompts; i++) {
        em_cbor_put_array(o, 2);
        em_cbor_put_text(o, b->prompt[i].name);
        em_cbor_put_text(o, b->prompt[i].text);
    }
}

static void put_tensors(em_out *o, const em_model *m)
{
    em_cbor_put_array(o, m->n);
    for (uint32_t i = 0; i < m->n; i++) {
        const em_tensor *t = &m->tensor[i];
        em_cbor_put_array(o, 6);
        em_cbor_put_text(o, t->name);
        em_cbor_put_uint(o, t->layout);
        em_cbor_put_uint(o, t->rows);
        em_cbor_put_uint(o, t->cols);
        em_cbor_put_uint(o, t->offset);
        em_cbor_put_uint(o, t->len);
    }
}

static void put_body(em_out *o, const em_manifest_body *b)
{
    em_cbor_put_map(o, BODY_MEMBERS);
    put_uint(o, "v", BODY_VERSION);
    put_text(o, "id", b->id);
    put_hash(o, "cek", b->commitment);
    put_hash(o, "root", b->root);
    em_cbor_put_str(o, "shape");
    put_shape(o, &b->model.shape);
    put_hash(o, "bundle", b->bundle_id);
    em_cbor_put_str(o, "chunks");
    em_cbor_put_map(o, 3);
    put_uint(o, "n", b->n_chunks);
    put_uint(o, "len", b->image_len);
    put_uint(o, "size", b->chunk_len);
    put_labels(o, b);
    put_uint(o, "number", b->number);
    put_text(o, "kms_key", b->kms_key);
    put_text(o, "licence", b->licence);
    put_text(o, "profile", b->profile);
    put_prompts(o, b);
    em_cbor_put_str(o, "sources");
    put_sources(o, b);
    em_cbor_put_str(o, "tensors");
    put_tensors(o, &b->model);
    put_text(o, "version", b->version);
    em_cbor_put_str(o, "template");
    em_cbor_put_null(o);
    put_uint(o, "not_after", b->not_after_ms);
    em_cbor_put_str(o, "tokenizer");
    em_cbor_put_map(o, 3);
    put_uint(o, "len", b->model.tokenizer_len);
    put_uint(o, "offset", b->model.tokenizer_offset);
    put_hash(o, "sha256", b->tokenizer_sha256);
}

em_err em_manifest_body_encode(const em_manifest_body *body, em_out *o)
{
    EM_TRY(check_body(body));
    put_body(o, body);
    return em_write_end(o);
}
