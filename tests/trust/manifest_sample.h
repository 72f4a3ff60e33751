/* manifest_sample.h - a small, valid manifest body and its publisher, for tests.
 *
 * Trust:  test code only.
 * Memory: static storage; the views in a body point into it.
 */
#ifndef EM_TESTS_TRUST_MANIFEST_SAMPLE_H
#define EM_TESTS_TRUST_MANIFEST_SAMPLE_H

#include "tests/support/test.h"
#include "trust/manifest.h"

enum {
    SAMPLE_CHUNK = EM_CHUNK_MIN,
    SAMPLE_IMAGE = 2 * EM_CHUNK_MIN + 1000,
    SAMPLE_TOKENIZER_LEN = 100,
};

#define SAMPLE_NOT_AFTER_MS ((uint64_t)1900000000000)
#define SAMPLE_NOW_MS ((uint64_t)1800000000000)

static const em_tensor sample_tensors[] = {
    {EM_STR("word"), EM_LAYOUT_ROWS, 20, 16, 128, 20 * 16 * 4},
    {EM_STR("0.qkv"), EM_LAYOUT_PANEL16, 40, 16, 1408, 48 * 16 * 4},
    {EM_STR("norm"), EM_LAYOUT_ROWS, 1, 16, 8960, 64},
};

__attribute__((unused)) static em_manifest_body sample_body(void)
{
    em_manifest_body b = {
        .id = EM_STR("test/tiny"),
        .version = EM_STR("1.2.0"),
        .number = 7,
        .not_after_ms = SAMPLE_NOT_AFTER_MS,
        .profile = EM_STR("em-bert-f32/1"),
        .licence = EM_STR("Apache-2.0"),
        .kms_key = EM_STR("arn:aws:kms:eu-central-1:111122223333:key/test"),
        .model = {.shape = {.arch = EM_ARCH_BERT,
                            .precision = EM_PRECISION_F32,
                            .activation = EM_ACTIVATION_NONE,
                            .pooling = EM_POOLING_MEAN,
                            .normalize = true,
                            .layers = 1,
                            .hidden = 16,
                            .heads = 2,
                            .intermediate = 32,
                            .vocab = 20,
                            .positions = 64,
                            .types = 2,
                            .max_tokens = 32,
                            .norm_eps_bits = 0x2B8CBCCC /* 1e-12 */},
                  .tokenizer_offset = 0,
                  .tokenizer_len = SAMPLE_TOKENIZER_LEN,
                  .n = EM_COUNT(sample_tensors),
                  .tensor = sample_tensors},
        .n_sources = 2,
        .source = {{.name = EM_STR("config.json"), .len = 612},
                   {.name = EM_STR("model.safetensors"), .len = 90868376}},
        .chunk_len = SAMPLE_CHUNK,
        .n_chunks = 3,
        .image_len = SAMPLE_IMAGE,
    };

    memset(b.tokenizer_sha256, 0xA1, sizeof b.tokenizer_sha256);
    memset(b.source[0].sha256, 0xA2, sizeof b.source[0].sha256);
    memset(b.source[1].sha256, 0xA3, sizeof b.source[1].sha256);
    memset(b.bundle_id, 0xA4, sizeof b.bundle_id);
    memset(b.root, 0xA5, sizeof b.root);
    memset(b.commitment, 0xA6, sizeof b.commitment);
    return b;
}

/* A publisher for `model`, its key made from one repeated byte. */
__attribute__((unused)) static em_publisher
sample_publisher(em_bytes model, uint8_t seed, uint64_t floor, em_ed25519_secret *ret)
{
    uint8_t bytes[EM_ED25519_SEED_LEN];
    em_publisher p = {.model = model, .floor = floor};

    memset(bytes, seed, sizeof bytes);
    if (em_ed25519_from_seed(bytes, ret, &p.key) != EM_OK) abort();
    return p;
}

#endif
