/* sample.h - a small sealed bundle and its publisher, for tests.
 *
 * Trust:  test code only.
 * Memory: freed at exit; the static storage is the test program's own.
 */
#ifndef EM_TESTS_BUNDLE_SAMPLE_H
#define EM_TESTS_BUNDLE_SAMPLE_H

#include "bundle/bundle_head.h"
#include "bundle/bundle_seal.h"
#include "tests/trust/manifest_sample.h"

typedef struct sample_bundle {
    em_bytes image;
    em_bytes file; /* the bundle file: head and chunks */
    em_manifest_body body;
    em_bytes manifest; /* signed */
    em_publisher publisher;
    em_content_key key;
} sample_bundle;

/* A bundle of `image_len` bytes in chunks of `chunk_len`; `seed` makes image, key and
 * bundle_id.  The body is sample_body's but for the bundle's part, the tokenizer's hash
 * and `number`; the wrapped key is a text. */
__attribute__((unused)) static sample_bundle
sample_bundle_of(uint64_t seed, size_t image_len, uint32_t chunk_len, uint64_t number)
{
    test_random random = {seed};
    sample_bundle s = {.body = sample_body()};
    uint8_t *image = test_alloc(image_len), bundle_id[EM_BUNDLE_ID_LEN];
    uint8_t *body = test_alloc(EM_MAX_MANIFEST), *manifest = test_alloc(EM_MAX_MANIFEST);
    EM_DROP(em_bundle_seal) seal = {0};
    em_ed25519_secret secret;

    test_random_fill(&random, image, image_len);
    test_random_fill(&random, bundle_id, sizeof bundle_id);
    test_random_fill(&random, s.key.b, sizeof s.key.b);
    if (em_bundle_seal_init(&s.key, bundle_id, image_len, chunk_len, &seal) != EM_OK)
        abort();
    size_t file_len = EM_BUNDLE_HEAD_LEN + image_len + (size_t)seal.n_chunks * 16;
    uint8_t *file = test_alloc(file_len), *to = file + EM_BUNDLE_HEAD_LEN;
    for (size_t at = 0, len; (len = em_bundle_seal_want(&seal)) > 0; at += len) {
        if (em_bundle_seal_next(&seal, em_view(image + at, len), to) != EM_OK) abort();
        to += len + EM_AEAD_TAG_LEN;
    }
    if (em_bundle_seal_finish(&seal, &s.body) != EM_OK) abort();
    s.body.number = number;
    em_sha2_256(em_view(image, SAMPLE_TOKENIZER_LEN), s.body.tokenizer_sha256);

    s.publisher = sample_publisher(s.body.id, 1, 7, &secret);
    em_out encoded = em_out_over(body, EM_MAX_MANIFEST);
    em_out signed_ = em_out_over(manifest, EM_MAX_MANIFEST);
    em_out head = em_out_over(file, EM_BUNDLE_HEAD_LEN);
    if (em_manifest_body_encode(&s.body, &encoded) != EM_OK) abort();
    if (em_manifest_sign(em_write_view(&encoded), &secret, &signed_) != EM_OK) abort();
    s.manifest = em_write_view(&signed_);
    if (em_bundle_head_write(s.manifest, EM_STR("a wrapped key"), &head) != EM_OK)
        abort();
    s.image = em_view(image, image_len);
    s.file = em_view(file, file_len);
    return s;
}

/* Sealed chunk i of the bundle's file. */
__attribute__((unused)) static em_bytes sample_chunk(const sample_bundle *s, uint32_t i)
{
    em_bundle_span span;

    if (em_bundle_head_span(&s->body, i, &span) != EM_OK) abort();
    return em_view(s->file.at + span.file_at, span.sealed_len);
}

#endif
