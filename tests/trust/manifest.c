/* Manifests: what is signed reads back, and each rule of PROTOCOL 4, broken alone, gives
 * its named error. */
#include "trust/manifest_body.c" /* its statics write what its reader must refuse */

#include "crypto/setup.h"
#include "tests/trust/manifest_sample.h"
#include "wire/cose.h"

#include <openssl/sha.h>

static em_tensor tensors[EM_MAX_TENSORS];
static em_ed25519_secret secret, other_secret;
static em_publisher publisher, stranger;

static em_bytes encode(const em_manifest_body *b)
{
    uint8_t *at = test_alloc(EM_MAX_MANIFEST);
    em_out o = em_out_over(at, EM_MAX_MANIFEST);

    put_body(&o, b); /* unchecked: the reader is to refuse */
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_bytes sign_with(em_bytes body, const em_ed25519_secret *with)
{
    uint8_t *at = test_alloc(EM_MAX_MANIFEST);
    em_out o = em_out_over(at, EM_MAX_MANIFEST);

    if (em_manifest_sign(body, with, &o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_bytes good(void)
{
    em_manifest_body b = sample_body();
    return sign_with(encode(&b), &secret);
}

static em_err verify(em_bytes in)
{
    em_manifest got;
    return em_manifest_verify(in, &publisher, 1, SAMPLE_NOW_MS, tensors, &got);
}

static void a_signed_manifest_reads_back(void)
{
    em_manifest_body b = sample_body();
    em_bytes body = encode(&b), in = sign_with(body, &secret);
    uint8_t hash[32], by_libcrypto[32];
    em_manifest m;

    CHECK_OK(em_manifest_verify(in, &publisher, 1, SAMPLE_NOW_MS, tensors, &m));
    SHA256(body.at, body.len, by_libcrypto);
    CHECK(em_same(EM_BYTES(m.hash), EM_BYTES(by_libcrypto)));
    CHECK_OK(em_manifest_hash(in, hash));
    CHECK(em_same(EM_BYTES(hash), EM_BYTES(by_libcrypto)));
    CHECK(em_same(EM_BYTES(m.publisher.b), EM_BYTES(publisher.key.b)));

    CHECK(em_same(m.body.id, b.id) && em_same(m.body.version, b.version));
    CHECK(m.body.number == 7 && m.body.not_after_ms == SAMPLE_NOT_AFTER_MS);
    CHECK(m.body.model.tensor == tensors && m.body.model.n == 3);
    CHECK(em_same(encode(&m.body), body)); /* all of it, in the one form there is */
    CHECK(m.body.id.at > in.at && m.body.id.at < in.at + in.len);
}

/* SHA-256 of the sample's body as the Python package cbor2 encodes it (canonical). */
static void another_encoder_agrees(void)
{
    em_manifest_body b = sample_body();
    uint8_t hash[32];

    em_sha2_256(encode(&b), hash);
    CHECK(em_same(
        EM_BYTES(hash),
        test_hex("d4b88e3fa6ba531940dfec5be19abe501a41546969a6c9626d02578d2052cf01")));
}

static bool accepts(em_bytes in, void *arg)
{
    (void)arg;
    return verify(in) == EM_OK;
}

static bool reads(em_bytes in, void *arg)
{
    em_manifest_body b;

    (void)arg;
    return em_manifest_body_read(in, tensors, &b) == EM_OK;
}

static void no_cut_and_no_flip_of_a_manifest_verifies(void)
{
    test_abuse_result got = test_abuse(good(), accepts, NULL);

    CHECK(got.cuts_accepted == 0);
    CHECK(got.flips_accepted == 0);
}

static void no_cut_of_a_body_reads(void)
{
    em_manifest_body b = sample_body();
    em_bytes body = encode(&b);
    test_abuse_result got = test_abuse(body, reads, NULL);

    CHECK(got.cuts_accepted == 0);
    CHECK(got.flips_accepted < body.len); /* hashes and names may differ */
}

/* ---- the envelope ---- */

static em_bytes envelope(bool tagged, em_bytes header, em_bytes payload, size_t sig_len)
{
    static const uint8_t sig[80];
    uint8_t *at = test_alloc(EM_MAX_MANIFEST);
    em_out o = em_out_over(at, EM_MAX_MANIFEST);

    em_cose_put_sign1(&o, tagged, header, payload, em_view(sig, sig_len));
    return em_write_view(&o);
}

static void another_envelope_is_refused(void)
{
    em_manifest_body b = sample_body();
    em_bytes body = encode(&b), in = good();
    em_cose_sign1 parts;

    CHECK_OK(em_cose_parse(in, EM_COSE_TAGGED, &parts));
    em_bytes header = parts.protected;
    CHECK_ERR(verify(envelope(true, header, body, 64)), EM_ERR_MANIFEST_KEY);
    CHECK_ERR(verify(envelope(false, header, body, 64)), EM_ERR_COSE_DECODE_FAILED);
    CHECK_ERR(verify(envelope(true, header, body, 63)), EM_ERR_BAD_SIG_LENGTH);
    CHECK_ERR(verify(envelope(true, EM_STR("\xA1\x01\x27"), body, 64)),
              EM_ERR_BAD_PROTECTED); /* no content type */
    CHECK_ERR(verify(envelope(true, EM_STR("\xA2\x01\x27\x03\x18\x3D"), body, 64)),
              EM_ERR_BAD_PROTECTED); /* a receipt's */

    /* D2 84 58 22 header A0: the unprotected map follows the protected header */
    uint8_t *with = test_alloc(in.len + 2);
    size_t at = (size_t)(parts.unprotected.at - in.at);
    memcpy(with, in.at, at);
    memcpy(with + at, "\xA1\x04\x00", 3);
    memcpy(with + at + 3, in.at + at + 1, in.len - at - 1);
    CHECK_ERR(verify(em_view(with, in.len + 2)), EM_ERR_BAD_UNPROTECTED);

    uint8_t nil[256];
    em_out o = EM_OUT(nil);
    em_write_bytes(&o, em_view(in.at, at + 1));
    em_cbor_put_null(&o);
    em_cbor_put_bytes(&o, parts.signature);
    CHECK_ERR(verify(em_write_view(&o)), EM_ERR_COSE_DECODE_FAILED);

    uint8_t *large = test_alloc(EM_MAX_MANIFEST + 1);
    CHECK_ERR(verify(em_view(large, EM_MAX_MANIFEST + 1)), EM_ERR_LIMIT);
    uint8_t hash[32];
    CHECK_ERR(em_manifest_hash(envelope(true, header, body, 63), hash),
              EM_ERR_BAD_SIG_LENGTH);
}

/* ---- who signed, which version, until when ---- */

static void only_the_publisher_of_this_model_counts(void)
{
    em_bytes in = good();
    em_publisher elsewhere = publisher, list[3];
    em_manifest m;

    elsewhere.model = EM_STR("test/other");
#define TRY_WITH(p, n) em_manifest_verify(in, p, n, SAMPLE_NOW_MS, tensors, &m)
    CHECK_ERR(TRY_WITH(NULL, 0), EM_ERR_MANIFEST_UNKNOWN);
    CHECK_ERR(TRY_WITH(&elsewhere, 1), EM_ERR_MANIFEST_UNKNOWN); /* right key, not his */
    CHECK_ERR(TRY_WITH(&stranger, 1), EM_ERR_MANIFEST_KEY);
    list[0] = elsewhere, list[1] = stranger, list[2] = publisher;
    CHECK_ERR(TRY_WITH(list, 2), EM_ERR_MANIFEST_KEY);
    CHECK_OK(TRY_WITH(list, 3)); /* a key that is being replaced */
    CHECK(em_same(EM_BYTES(m.publisher.b), EM_BYTES(publisher.key.b)));
    list[2].model = EM_STR("test/tiny2"), list[1].model = EM_STR("test/tin");
    CHECK_ERR(TRY_WITH(list, 3), EM_ERR_MANIFEST_UNKNOWN);
}

static void a_version_below_the_floor_is_refused(void)
{
    em_bytes in = good();
    em_publisher p[2] = {publisher, stranger};
    em_manifest m;

    CHECK_OK(TRY_WITH(p, 1)); /* 7, its floor is 7 */
    p[0].floor = 8;
    CHECK_ERR(TRY_WITH(p, 1), EM_ERR_MANIFEST_FLOOR);
    CHECK_ERR(TRY_WITH(p, 2), EM_ERR_MANIFEST_FLOOR); /* not the stranger's floor of 0 */
    p[0].floor = UINT64_MAX;
    CHECK_ERR(TRY_WITH(p, 1), EM_ERR_MANIFEST_FLOOR);
}

static void a_manifest_ends_with_its_date(void)
{
    em_bytes in = good();
    em_manifest m = {0};
    uint64_t end = SAMPLE_NOT_AFTER_MS;

    CHECK_OK(em_manifest_verify(in, &publisher, 1, end, tensors, &m));
    CHECK_OK(em_manifest_in_date(&m, end));
    CHECK_ERR(em_manifest_in_date(&m, end + 1), EM_ERR_MANIFEST_EXPIRED);
    CHECK_ERR(em_manifest_verify(in, &publisher, 1, end + 1, tensors, &m),
              EM_ERR_MANIFEST_EXPIRED);
}

static void an_error_leaves_the_result_alone(void)
{
    em_manifest m, before;

    memset(&m, 0x5A, sizeof m);
    before = m;
    CHECK(em_manifest_verify(good(), &stranger, 1, SAMPLE_NOW_MS, tensors, &m) != EM_OK);
    CHECK(memcmp(&m, &before, sizeof m) == 0);
}

/* ---- the body, one rule at a time ---- */

typedef void breach(em_manifest_body *b, em_tensor *t);

#define BREACH(name, does)                                                               \
    static void name(em_manifest_body *b, em_tensor *t)                                  \
    {                                                                                    \
        (void)b, (void)t;                                                                \
        does;                                                                            \
    }

static uint8_t long_text[EM_MAX_PROMPT + 1];

static void set_labels(em_manifest_body *b, em_bytes name)
{
    for (uint32_t i = 0; i < EM_MAX_LABELS; i++) b->label[i] = name;
}

BREACH(no_id, b->id.len = 0)
BREACH(long_id, b->id = em_view(long_text, EM_MAX_MODEL_ID + 1))
BREACH(id_with_space, b->id = EM_STR("a b"))
BREACH(id_with_escape, b->id = EM_STR("a\x1B[2Jb"))
BREACH(id_beyond_ascii, b->id = EM_STR("caf\xC3\xA9"))
BREACH(no_version, b->version.len = 0)
BREACH(long_version, b->version = em_view(long_text, EM_MAX_VERSION_TEXT + 1))
BREACH(no_profile, b->profile.len = 0)
BREACH(long_profile, b->profile = em_view(long_text, EM_MAX_PROFILE + 1))
BREACH(no_licence, b->licence.len = 0)
BREACH(long_licence, b->licence = em_view(long_text, EM_MAX_LICENCE + 1))
BREACH(no_kms_key, b->kms_key.len = 0)
BREACH(long_kms_key, b->kms_key = em_view(long_text, EM_MAX_KMS_KEY + 1))
BREACH(long_source, b->source[1].name = em_view(long_text, EM_MAX_SOURCE_NAME + 1))
BREACH(source_with_newline, b->source[1].name = EM_STR("a\nb"))
BREACH(unknown_arch, b->model.shape.arch = (em_arch)2)
BREACH(no_precision, b->model.shape.precision = (em_precision)0)
BREACH(unknown_precision, b->model.shape.precision = (em_precision)4)
BREACH(no_activation, b->model.shape.activation = (em_activation)0)
BREACH(unknown_activation, (b->model.shape.labels = 1, b->label[0] = EM_STR("x"),
                            b->model.shape.activation = (em_activation)4))
BREACH(activation_without_head, b->model.shape.activation = EM_ACTIVATION_SIGMOID)
BREACH(too_many_labels, b->model.shape.labels = EM_MAX_LABELS + 1)
BREACH(nameless_label, b->model.shape.labels = 1)
BREACH(long_label,
       (b->model.shape.labels = 1, b->label[0] = em_view(long_text, EM_MAX_LABEL + 1)))
BREACH(too_many_prompts, b->n_prompts = EM_MAX_PROMPTS + 1)
BREACH(nameless_prompt, b->n_prompts = 1)
BREACH(long_prompt_name,
       (b->n_prompts = 1, b->prompt[0].name = em_view(long_text, EM_MAX_PROMPT_NAME + 1)))
BREACH(long_prompt, (b->n_prompts = 1, b->prompt[0].name = EM_STR("query"),
                     b->prompt[0].text = em_view(long_text, EM_MAX_PROMPT + 1)))
BREACH(prompt_not_utf8, (b->n_prompts = 1, b->prompt[0].name = EM_STR("query"),
                         b->prompt[0].text = EM_STR("\xff")))
BREACH(prompt_with_nul, (b->n_prompts = 1, b->prompt[0].name = EM_STR("query"),
                         b->prompt[0].text = EM_STR("a\0b")))
BREACH(prompt_twice, (b->n_prompts = 2, b->prompt[0].name = EM_STR("query"),
                      b->prompt[1].name = EM_STR("query")))
BREACH(no_pooling, b->model.shape.pooling = (em_pooling)0)
BREACH(unknown_pooling, b->model.shape.pooling = (em_pooling)3)
BREACH(no_layers, b->model.shape.layers = 0)
BREACH(no_heads, b->model.shape.heads = 0)
BREACH(no_hidden, b->model.shape.hidden = 0)
BREACH(heads_do_not_divide, b->model.shape.heads = 3)
BREACH(no_vocabulary, b->model.shape.vocab = 0)
BREACH(giant_vocabulary, b->model.shape.vocab = EM_MAX_DIMENSION + 1)
BREACH(longer_than_positions, b->model.shape.max_tokens = 65)
BREACH(no_tokens, b->model.shape.max_tokens = 0)
BREACH(eps_zero, b->model.shape.norm_eps_bits = 0)
BREACH(eps_one, b->model.shape.norm_eps_bits = 0x3F800000)
BREACH(eps_negative, b->model.shape.norm_eps_bits = 0xABCCBCCC)
BREACH(chunk_too_small, (b->chunk_len = EM_CHUNK_MIN - 1))
BREACH(chunk_too_large, (b->chunk_len = EM_CHUNK_MAX + 1, b->n_chunks = 1))
BREACH(no_chunk, b->n_chunks = 0)
BREACH(one_chunk_less, b->n_chunks = 2)
BREACH(one_chunk_more, b->n_chunks = 4)
BREACH(empty_image, (b->image_len = 0, b->n_chunks = 0))
BREACH(giant_image, (b->image_len = EM_MAX_BUNDLE + 1, b->chunk_len = EM_CHUNK_MAX,
                     b->n_chunks = (EM_MAX_BUNDLE >> 22) + 1))
BREACH(too_many_chunks, (b->image_len = ((uint64_t)EM_MAX_CHUNKS + 1) * EM_CHUNK_MIN,
                         b->n_chunks = EM_MAX_CHUNKS + 1))
BREACH(no_tokenizer, b->model.tokenizer_len = 0)
BREACH(tokenizer_not_aligned, b->model.tokenizer_offset = 4481)
BREACH(tokenizer_outside, b->model.tokenizer_offset = 9216)
BREACH(tokenizer_reaches_out, (b->model.tokenizer_offset = 9152))
BREACH(tokenizer_wraps,
       (b->model.tokenizer_offset = 64, b->model.tokenizer_len = UINT64_MAX - 63))
BREACH(tokenizer_over_a_tensor, b->model.tokenizer_len = 129)
BREACH(tokenizer_inside_a_tensor, b->model.tokenizer_offset = 1472)
BREACH(no_tensor, b->model.n = 0)
BREACH(unnamed_tensor, t[1].name.len = 0)
BREACH(long_tensor_name, t[1].name = em_view(long_text, EM_MAX_TENSOR_NAME + 1))
BREACH(tensor_named_twice, t[2].name = t[0].name)
BREACH(no_layout, t[1].layout = (em_layout)0)
BREACH(unknown_layout, t[1].layout = (em_layout)3)
BREACH(other_layout, t[1].layout = EM_LAYOUT_ROWS)
BREACH(no_rows, (t[2].rows = 0, t[2].len = 0))
BREACH(no_cols, (t[2].cols = 0, t[2].len = 0))
BREACH(row_more, t[0].rows++)
BREACH(byte_more, t[0].len++)
BREACH(size_wraps, (t[2].rows = 1u << 31, t[2].cols = 1u << 31))
BREACH(tensor_not_aligned, t[2].offset -= 4)
BREACH(tensor_outside, t[2].offset = 9216)
BREACH(tensor_reaches_out, (t[2].offset = 9152))
BREACH(tensor_wraps, t[2].offset = UINT64_MAX - 63)
BREACH(tensors_overlap, t[1].offset = 1344)
BREACH(tensors_out_of_order, (t[1].offset = 5888, t[2].offset = 1408))

#define ROW(name)                                                                        \
    {                                                                                    \
#name, name                                                                      \
    }
static const struct {
    const char *name;
    breach *does;
} breaches[] = {
    ROW(no_id),
    ROW(long_id),
    ROW(id_with_space),
    ROW(id_with_escape),
    ROW(id_beyond_ascii),
    ROW(no_version),
    ROW(long_version),
    ROW(no_profile),
    ROW(long_profile),
    ROW(no_licence),
    ROW(long_licence),
    ROW(no_kms_key),
    ROW(long_kms_key),
    ROW(long_source),
    ROW(source_with_newline),
    ROW(unknown_arch),
    ROW(no_precision),
    ROW(unknown_precision),
    ROW(no_activation),
    ROW(unknown_activation),
    ROW(activation_without_head),
    ROW(nameless_label),
    ROW(long_label),
    ROW(nameless_prompt),
    ROW(long_prompt_name),
    ROW(long_prompt),
    ROW(prompt_twice),
    ROW(no_pooling),
    ROW(unknown_pooling),
    ROW(no_layers),
    ROW(no_heads),
    ROW(no_hidden),
    ROW(heads_do_not_divide),
    ROW(no_vocabulary),
    ROW(giant_vocabulary),
    ROW(longer_than_positions),
    ROW(no_tokens),
    ROW(eps_zero),
    ROW(eps_one),
    ROW(eps_negative),
    ROW(chunk_too_small),
    ROW(chunk_too_large),
    ROW(no_chunk),
    ROW(one_chunk_less),
    ROW(one_chunk_more),
    ROW(empty_image),
    ROW(giant_image),
    ROW(too_many_chunks),
    ROW(no_tokenizer),
    ROW(tokenizer_not_aligned),
    ROW(tokenizer_outside),
    ROW(tokenizer_reaches_out),
    ROW(tokenizer_wraps),
    ROW(tokenizer_over_a_tensor),
    ROW(tokenizer_inside_a_tensor),
    ROW(no_tensor),
    ROW(unnamed_tensor),
    ROW(long_tensor_name),
    ROW(tensor_named_twice),
    ROW(no_layout),
    ROW(unknown_layout),
    ROW(other_layout),
    ROW(no_rows),
    ROW(no_cols),
    ROW(row_more),
    ROW(byte_more),
    ROW(size_wraps),
    ROW(tensor_not_aligned),
    ROW(tensor_outside),
    ROW(tensor_reaches_out),
    ROW(tensor_wraps),
    ROW(tensors_overlap),
    ROW(tensors_out_of_order),
};

static void each_breach_of_the_body_is_refused(void)
{
    em_tensor t[EM_COUNT(sample_tensors)];
    uint8_t buf[EM_MAX_MANIFEST];

    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < EM_COUNT(breaches); i++) {
        em_manifest_body b = sample_body(), got;
        em_out o = EM_OUT(buf);

        memcpy(t, sample_tensors, sizeof t);
        b.model.tensor = t;
        breaches[i].does(&b, t);
        test_note("%s", breaches[i].name);
        CHECK_ERR(em_manifest_body_read(encode(&b), tensors, &got),
                  EM_ERR_MANIFEST_MALFORMED);
        CHECK_ERR(em_manifest_body_encode(&b, &o), EM_ERR_MANIFEST_MALFORMED);
        CHECK(o.len == 0);
    }
}

/* What has no encoding at all. */
static void the_unwritable_is_not_written(void)
{
    static const struct {
        const char *name;
        breach *does;
    } rows[] = {ROW(too_many_labels), ROW(too_many_prompts), ROW(prompt_not_utf8),
                ROW(prompt_with_nul)};
    uint8_t buf[EM_MAX_MANIFEST];

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_manifest_body b = sample_body();
        em_out o = EM_OUT(buf);

        rows[i].does(&b, NULL);
        test_note("%s", rows[i].name);
        CHECK_ERR(em_manifest_body_encode(&b, &o), EM_ERR_MANIFEST_MALFORMED);
        CHECK(o.len == 0);
    }
}

/* A right signature makes no wrong body right. */
static void a_signed_breach_is_refused(void)
{
    em_manifest_body b = sample_body(), got;
    em_manifest facts;

    b.model.shape.heads = 3;
    em_bytes in = sign_with(encode(&b), &secret);
    CHECK_ERR(verify(in), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(em_manifest_parse(in, tensors, &got), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(em_manifest_parse(em_view(in.at, in.len - 1), tensors, &got),
              EM_ERR_COSE_DECODE_FAILED);
    b.model.shape.heads = 2;
    in = sign_with(encode(&b), &secret);
    CHECK_OK(em_manifest_verify(in, &publisher, 1, SAMPLE_NOW_MS, tensors, &facts));
}

/* What is just within the rules. */
BREACH(longest_texts, (b->id = em_view(long_text, EM_MAX_MODEL_ID),
                       b->version = em_view(long_text, EM_MAX_VERSION_TEXT),
                       b->profile = em_view(long_text, EM_MAX_PROFILE),
                       b->licence = em_view(long_text, EM_MAX_LICENCE),
                       b->kms_key = em_view(long_text, EM_MAX_KMS_KEY),
                       b->source[0].name = em_view(long_text, EM_MAX_SOURCE_NAME),
                       t[0].name = em_view(long_text, EM_MAX_TENSOR_NAME)))
BREACH(edge_characters,
       (b->id = EM_STR("!~"), b->version = EM_STR(" ~"), b->licence = EM_STR(" ")))
BREACH(edge_shape,
       (b->model.shape.precision = EM_PRECISION_INT8,
        b->model.shape.pooling = EM_POOLING_CLS, b->model.shape.vocab = EM_MAX_DIMENSION,
        b->model.shape.max_tokens = b->model.shape.positions))
BREACH(most_labels, (b->model.shape.labels = EM_MAX_LABELS,
                     b->model.shape.activation = EM_ACTIVATION_SOFTMAX,
                     set_labels(b, em_view(long_text, EM_MAX_LABEL))))
BREACH(prompts, (b->n_prompts = 2, b->prompt[0].name = EM_STR("query"),
                 b->prompt[0].text = EM_STR("Frage \xc3\xbc: \n"),
                 b->prompt[1].name = EM_STR("passage")))
BREACH(one_large_chunk, (b->chunk_len = EM_CHUNK_MAX, b->n_chunks = 1))
BREACH(largest_image, (b->chunk_len = EM_CHUNK_MAX, b->image_len = EM_MAX_BUNDLE,
                       b->n_chunks = EM_MAX_BUNDLE / EM_CHUNK_MAX))
BREACH(most_chunks, (b->n_chunks = EM_MAX_CHUNKS,
                     b->image_len = (uint64_t)EM_MAX_CHUNKS * EM_CHUNK_MIN))
BREACH(no_source, b->n_sources = 0)
BREACH(numbers_at_their_end, (b->number = UINT64_MAX, b->not_after_ms = UINT64_MAX))
BREACH(tokenizer_between,
       (b->model.tokenizer_offset = 4480, b->model.tokenizer_len = 8960 - 4480))
BREACH(tokenizer_to_the_end,
       (b->model.tokenizer_offset = 9024, b->model.tokenizer_len = SAMPLE_IMAGE - 9024))
BREACH(tensors_side_by_side, (t[2].offset = 4480, b->model.tokenizer_len = 128))
BREACH(tensor_to_the_end, (b->image_len = 9024))

static void the_edges_are_within(void)
{
    static const struct {
        const char *name;
        breach *does;
    } edges[] = {
        ROW(longest_texts),        ROW(edge_characters),   ROW(edge_shape),
        ROW(most_labels),          ROW(prompts),           ROW(one_large_chunk),
        ROW(largest_image),        ROW(most_chunks),       ROW(no_source),
        ROW(numbers_at_their_end), ROW(tokenizer_between), ROW(tokenizer_to_the_end),
        ROW(tensors_side_by_side), ROW(tensor_to_the_end)};
    em_tensor t[EM_COUNT(sample_tensors)];
    uint8_t buf[EM_MAX_MANIFEST];

    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < EM_COUNT(edges); i++) {
        em_manifest_body b = sample_body(), got;
        em_out o = EM_OUT(buf);

        memcpy(t, sample_tensors, sizeof t);
        b.model.tensor = t;
        edges[i].does(&b, t);
        test_note("%s", edges[i].name);
        CHECK_OK(em_manifest_body_encode(&b, &o));
        CHECK_OK(em_manifest_body_read(em_write_view(&o), tensors, &got));
        CHECK(em_same(encode(&got), em_write_view(&o)));
    }
    em_manifest_body b = sample_body();
    em_out small = em_out_over(buf, 100);
    CHECK_ERR(em_manifest_body_encode(&b, &small), EM_ERR_FULL);
}

static void as_many_sources_as_a_manifest_holds(void)
{
    static em_manifest_body b, got;
    uint8_t buf[EM_MAX_MANIFEST];
    em_out o = EM_OUT(buf);

    b = sample_body();
    for (uint32_t i = 0; i < EM_MAX_SOURCES; i++) b.source[i] = b.source[0];
    b.n_sources = EM_MAX_SOURCES;
    CHECK_OK(em_manifest_body_encode(&b, &o));
    CHECK_OK(em_manifest_body_read(em_write_view(&o), tensors, &got));
    b.n_sources++;
    CHECK_ERR(em_manifest_body_encode(&b, &o), EM_ERR_MANIFEST_MALFORMED);
}

static void lengths_of_tensors(void)
{
    uint64_t len = 7;

#define LEN(layout, rows, cols) em_model_tensor_len(layout, rows, cols, &len)
    CHECK_OK(LEN(EM_LAYOUT_ROWS, 3, 5));
    CHECK(len == 60);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16, 16, 5));
    CHECK(len == 320);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16, 17, 5));
    CHECK(len == 640);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16, UINT32_MAX, 1));
    CHECK(len == (uint64_t)1 << 34);
    CHECK_OK(LEN(EM_LAYOUT_ROWS, UINT32_MAX, 1u << 30));
    CHECK_ERR(LEN(EM_LAYOUT_ROWS, UINT32_MAX, UINT32_MAX), EM_ERR_LIMIT);
    CHECK_ERR(LEN((em_layout)0, 1, 1), EM_ERR_RANGE);
    CHECK_ERR(LEN(EM_LAYOUT_COUNT_, 1, 1), EM_ERR_RANGE);
    CHECK_OK(LEN(EM_LAYOUT_ROWS_BF16, 3, 5));
    CHECK(len == 30);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16_BF16, 17, 5));
    CHECK(len == 320);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16_INT8, 17, 5));
    CHECK(len == 256);
    CHECK_OK(LEN(EM_LAYOUT_PANEL16_INT8, UINT32_MAX, UINT32_MAX - 3));
    CHECK_ERR(LEN(EM_LAYOUT_PANEL16_INT8, UINT32_MAX, UINT32_MAX), EM_ERR_LIMIT);
    CHECK_OK(LEN(EM_LAYOUT_ROWS_I32, 1, 7));
    CHECK(len == 28);
}

/* The encoded sample with one piece of it replaced. */
static em_err read_with(const char *from, size_t from_len, const char *to, size_t to_len)
{
    em_manifest_body b = sample_body(), got;
    em_bytes body = encode(&b);

    const uint8_t *at = memmem(body.at, body.len, from, from_len);
    if (at == NULL) abort();
    size_t before = (size_t)(at - body.at);
    uint8_t *other = test_alloc(body.len + to_len);
    memcpy(other, body.at, before);
    memcpy(other + before, to, to_len);
    memcpy(other + before + to_len, at + from_len, body.len - before - from_len);
    return em_manifest_body_read(em_view(other, body.len - from_len + to_len), tensors,
                                 &got);
}
#define READ_WITH(from, to) read_with(from, sizeof(from) - 1, to, sizeof(to) - 1)

static void the_map_is_closed_and_exact(void)
{
    CHECK_OK(READ_WITH("\x61v\x01", "\x61v\x01"));
    CHECK_ERR(READ_WITH("\x61v\x01", "\x61v\x02"), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x61v\x01", "\x61w\x01"), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x61v\x01", "\x61v\x18\x01"), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\xB3\x61v\x01", "\xB4\x61u\x01\x61v\x01"),
              EM_ERR_MANIFEST_MALFORMED); /* one member more */
    CHECK_ERR(READ_WITH("\xB3\x61v\x01", "\xB2"), EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x68template\xF6", "\x68template\x40"),
              EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x69normalize\xF5", "\x69normalize\x01"),
              EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x65heads\x02", "\x65heads\x1B\0\0\0\1\0\0\0\2"),
              EM_ERR_MANIFEST_MALFORMED); /* 2^32 + 2 */
    CHECK_ERR(READ_WITH("\x63"
                        "cek\x58\x20\xA6",
                        "\x63"
                        "cek\x58\x1F"),
              EM_ERR_MANIFEST_MALFORMED);
    CHECK_ERR(READ_WITH("\x66number\x07", "\x66number\x26"), EM_ERR_MANIFEST_MALFORMED);
}

static void as_many_tensors_as_a_manifest_holds(void)
{
    static em_tensor many[EM_MAX_TENSORS + 1];
    static char names[EM_MAX_TENSORS + 1][8];
    em_manifest_body b = sample_body(), got;

    b.model.tensor = many;
    b.chunk_len = 1 << 20, b.n_chunks = 1;
    b.image_len = 1 << 20;
    for (uint32_t i = 0; i <= EM_MAX_TENSORS; i++) {
        snprintf(names[i], sizeof names[i], "t%u", i);
        many[i] = (em_tensor){em_view(names[i], strlen(names[i])),
                              EM_LAYOUT_ROWS,
                              1,
                              16,
                              128 + 64 * (uint64_t)i,
                              64};
    }
    b.model.n = EM_MAX_TENSORS;
    CHECK_OK(em_manifest_body_read(encode(&b), tensors, &got));
    CHECK(got.model.n == EM_MAX_TENSORS);
    b.model.n = EM_MAX_TENSORS + 1;
    CHECK_ERR(em_manifest_body_read(encode(&b), tensors, &got),
              EM_ERR_MANIFEST_MALFORMED);
}

static void signing_stays_within_the_limit(void)
{
    uint8_t *body = test_alloc(EM_MAX_MANIFEST + 1),
            *out = test_alloc(2 * EM_MAX_MANIFEST);
    em_out o = em_out_over(out, 2 * EM_MAX_MANIFEST);

    CHECK_ERR(em_manifest_sign(em_view(body, EM_MAX_MANIFEST + 1), &secret, &o),
              EM_ERR_LIMIT);
    CHECK_ERR(em_manifest_sign(em_view(body, EM_MAX_MANIFEST - 10), &secret, &o),
              EM_ERR_LIMIT);
    em_out small = em_out_over(out, 100);
    CHECK_ERR(em_manifest_sign(em_view(body, 90), &secret, &small), EM_ERR_FULL);
    /* tag, array, header, empty map, heads and signature around the body */
    const size_t around = 1 + 1 + 2 + 34 + 1 + 3 + 2 + 64;
    o = em_out_over(out, 2 * EM_MAX_MANIFEST);
    em_write_zeros(&o, 1000); /* what stands before it does not count */
    CHECK_OK(em_manifest_sign(em_view(body, EM_MAX_MANIFEST - around), &secret, &o));
    CHECK(o.len == 1000 + EM_MAX_MANIFEST);
    em_cose_sign1 parts;
    CHECK_OK(em_cose_parse(em_view(out + 1000, EM_MAX_MANIFEST), EM_COSE_TAGGED, &parts));
    em_manifest_body b;
    CHECK_ERR(em_manifest_parse(em_view(out + 1000, EM_MAX_MANIFEST), tensors, &b),
              EM_ERR_MANIFEST_MALFORMED); /* zeros, but not too large */
    o = em_out_over(out, 2 * EM_MAX_MANIFEST);
    CHECK_ERR(em_manifest_sign(em_view(body, EM_MAX_MANIFEST - around + 1), &secret, &o),
              EM_ERR_LIMIT);
}

static void a_key_meets_its_commitment(void)
{
    em_content_key key = {{1, 2, 3}};
    em_manifest_body b = sample_body();
    uint8_t message[8 + 32], by_libcrypto[32];

    memcpy(message, "em/1 cek", 8);
    memcpy(message + 8, key.b, 32);
    SHA256(message, sizeof message, by_libcrypto);
    em_manifest_commitment(&key, b.commitment);
    CHECK(em_same(EM_BYTES(b.commitment), EM_BYTES(by_libcrypto)));
    CHECK_OK(em_manifest_check_key(&b, &key));
    key.b[31] ^= 1;
    CHECK_ERR(em_manifest_check_key(&b, &key), EM_ERR_KEY_COMMITMENT);
}

static void the_wrapping_context_names_the_manifest(void)
{
    em_manifest_body b = sample_body();
    uint8_t hash[32];
    em_manifest_context c;

    memset(hash, 0x0F, sizeof hash);
    b.number = UINT64_MAX;
    em_manifest_context_of(&b, hash, &c);
    CHECK(em_same(c.name[0], EM_STR("em:model")) && em_same(c.value[0], b.id));
    CHECK(em_same(c.name[1], EM_STR("em:version")));
    CHECK(em_same(c.value[1], EM_STR("18446744073709551615")));
    CHECK(em_same(c.name[2], EM_STR("em:manifest")) && c.value[2].len == 64);
    CHECK(em_same(em_view(c.value[2].at, 4), EM_STR("0f0f")));
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    publisher = sample_publisher(EM_STR("test/tiny"), 1, 7, &secret);
    stranger = sample_publisher(EM_STR("test/tiny"), 2, 0, &other_secret);
    RUN(a_signed_manifest_reads_back);
    RUN(another_encoder_agrees);
    RUN(no_cut_and_no_flip_of_a_manifest_verifies);
    RUN(no_cut_of_a_body_reads);
    RUN(another_envelope_is_refused);
    RUN(only_the_publisher_of_this_model_counts);
    RUN(a_version_below_the_floor_is_refused);
    RUN(a_manifest_ends_with_its_date);
    RUN(an_error_leaves_the_result_alone);
    RUN(each_breach_of_the_body_is_refused);
    RUN(the_unwritable_is_not_written);
    RUN(a_signed_breach_is_refused);
    RUN(the_edges_are_within);
    RUN(as_many_sources_as_a_manifest_holds);
    RUN(lengths_of_tensors);
    RUN(the_map_is_closed_and_exact);
    RUN(as_many_tensors_as_a_manifest_holds);
    RUN(signing_stays_within_the_limit);
    RUN(a_key_meets_its_commitment);
    RUN(the_wrapping_context_names_the_manifest);
    return test_end();
}
