/* Bundles: what was sealed opens, in any order and on several threads; every chunk
 * flipped, cut, swapped, repeated, missing or from elsewhere is refused and leaves
 * nothing behind. */
#include "bundle/bundle_open.h"

#include "crypto/setup.h"
#include "tests/bundle/sample.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>

enum { CAP = 64 << 10, SLOTS = 32 };

static sample_bundle good;
static em_manifest manifest;
static em_tensor tensors[EM_MAX_TENSORS];
static _Alignas(64) uint8_t image[CAP];
static em_bundle_slot slots[SLOTS];
static em_bundle_open open_;

static em_manifest facts_of(const sample_bundle *s)
{
    em_manifest m;

    if (em_manifest_verify(s->manifest, &s->publisher, 1, SAMPLE_NOW_MS, tensors, &m) !=
        EM_OK)
        abort();
    return m;
}

static void begin(void)
{
    memset(image, 0xEE, sizeof image);
    if (em_bundle_open_init(&manifest, &good.key, image, sizeof image, slots, SLOTS,
                            &open_) != EM_OK)
        abort();
}

/* Nothing of the plaintext is left where it was. */
static bool image_is_wiped(void)
{
    return em_all_zero(em_view(image, good.image.len)) && image[good.image.len] == 0xEE;
}

/* The chunks that do not fail, then an end that must fail with `want`. */
static void expect_refusal(em_err want)
{
    em_bundle_image got = {0};

    CHECK_ERR(em_bundle_open_finish(&open_, &got), want);
    CHECK(got.manifest == NULL && got.bytes.at == NULL);
    CHECK(image_is_wiped());
    CHECK(em_all_zero(EM_BYTES(open_.key.b)));
    em_bundle_open_drop(&open_); /* harmless */
}

static void chunks_open_in_any_order(void)
{
    static const uint32_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t k = 0; k < EM_COUNT(orders); k++) {
        em_bundle_image got = {0};

        begin();
        for (size_t i = 0; i < 3; i++)
            CHECK_OK(em_bundle_open_chunk(&open_, orders[k][i],
                                          sample_chunk(&good, orders[k][i])));
        CHECK_OK(em_bundle_open_finish(&open_, &got));
        CHECK(em_same(got.bytes, good.image) && got.bytes.at == image);
        CHECK(got.manifest == &manifest);
        CHECK(em_all_zero(EM_BYTES(open_.key.b)));
        em_bundle_open_drop(&open_); /* the image is the caller's now */
        CHECK(em_same(got.bytes, good.image));
        CHECK_ERR(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)),
                  EM_ERR_ARGUMENT);
        CHECK_ERR(em_bundle_open_finish(&open_, &got), EM_ERR_ARGUMENT);
    }
}

/* Key, nonce and AAD of PROTOCOL 4, made with libcrypto alone. */
static void another_implementation_opens_a_chunk(void)
{
    uint8_t key[32], nonce[12] = {0}, aad[41], out[SAMPLE_CHUNK];
    EVP_PKEY_CTX *kdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    size_t key_len = sizeof key;
    int len = 0;

    CHECK(EVP_PKEY_derive_init(kdf) == 1 &&
          EVP_PKEY_CTX_set_hkdf_md(kdf, EVP_sha256()) == 1 &&
          EVP_PKEY_CTX_set1_hkdf_salt(kdf, good.body.bundle_id, 32) == 1 &&
          EVP_PKEY_CTX_set1_hkdf_key(kdf, good.key.b, 32) == 1 &&
          EVP_PKEY_CTX_add1_hkdf_info(kdf, (const uint8_t *)"em/1 chunk", 10) == 1 &&
          EVP_PKEY_derive(kdf, key, &key_len) == 1);
    for (uint32_t i = 0; i < 3; i++) {
        em_bytes chunk = sample_chunk(&good, i);
        size_t plain = chunk.len - 16;
        uint8_t tag[16];

        nonce[11] = (uint8_t)i;
        memcpy(aad, good.body.bundle_id, 32);
        memset(aad + 32, 0, 9);
        aad[39] = (uint8_t)i;
        aad[40] = i == 2;
        memcpy(tag, chunk.at + plain, 16);
        CHECK(EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
        CHECK(EVP_DecryptUpdate(gcm, NULL, &len, aad, sizeof aad) == 1);
        CHECK(EVP_DecryptUpdate(gcm, out, &len, chunk.at, (int)plain) == 1);
        CHECK(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, 16, tag) == 1);
        CHECK(EVP_DecryptFinal_ex(gcm, out + len, &len) == 1);
        CHECK(memcmp(out, good.image.at + (size_t)i * SAMPLE_CHUNK, plain) == 0);
    }
    EVP_PKEY_CTX_free(kdf);
    EVP_CIPHER_CTX_free(gcm);
}

static void every_flipped_byte_of_every_chunk_is_refused(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        em_bytes chunk = sample_chunk(&good, i);
        uint8_t *bad = test_alloc(chunk.len);

        memcpy(bad, chunk.at, chunk.len);
        for (size_t k = 0; k < chunk.len; k++) {
            bad[k] ^= (uint8_t)(1u << (k % 8));
            begin();
            test_note("chunk %u byte %zu", i, k);
            CHECK_ERR(em_bundle_open_chunk(&open_, i, em_view(bad, chunk.len)),
                      EM_ERR_BUNDLE_CHUNK);
            em_bundle_open_drop(&open_);
            CHECK(image_is_wiped());
            bad[k] = chunk.at[k];
        }
    }
}

static bool opens_as_chunk_2(em_bytes in, void *arg)
{
    (void)arg;
    begin();
    bool opened = em_bundle_open_chunk(&open_, 2, in) == EM_OK;
    em_bundle_open_drop(&open_);
    return opened;
}

static void every_cut_of_a_chunk_is_refused(void)
{
    test_abuse_result got = test_abuse(sample_chunk(&good, 2), opens_as_chunk_2, NULL);

    CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0);
    begin();
    uint8_t *longer = test_alloc(SAMPLE_CHUNK + 17);
    memcpy(longer, sample_chunk(&good, 0).at, SAMPLE_CHUNK + 16);
    longer[SAMPLE_CHUNK + 16] = 0;
    CHECK_ERR(em_bundle_open_chunk(&open_, 0, em_view(longer, SAMPLE_CHUNK + 17)),
              EM_ERR_BUNDLE_CHUNK);
    expect_refusal(EM_ERR_BUNDLE_CHUNK);
}

static void swapped_repeated_and_missing_chunks_are_refused(void)
{
    begin(); /* swapped */
    CHECK_ERR(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 1)),
              EM_ERR_BUNDLE_CHUNK);
    CHECK_ERR(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)),
              EM_ERR_BUNDLE_CHUNK); /* it stays refused */
    expect_refusal(EM_ERR_BUNDLE_CHUNK);

    begin(); /* repeated, the very same bytes */
    CHECK_OK(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)));
    CHECK_ERR(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)),
              EM_ERR_BUNDLE_COUNT);
    CHECK_ERR(em_bundle_open_chunk(&open_, 1, sample_chunk(&good, 1)),
              EM_ERR_BUNDLE_COUNT);
    expect_refusal(EM_ERR_BUNDLE_COUNT);

    for (uint32_t missing = 0; missing < 3; missing++) {
        begin();
        for (uint32_t i = 0; i < 3; i++)
            if (i != missing)
                CHECK_OK(em_bundle_open_chunk(&open_, i, sample_chunk(&good, i)));
        expect_refusal(EM_ERR_BUNDLE_COUNT);
    }

    begin(); /* one that there is not */
    CHECK_ERR(em_bundle_open_chunk(&open_, 3, sample_chunk(&good, 0)),
              EM_ERR_BUNDLE_COUNT);
    expect_refusal(EM_ERR_BUNDLE_COUNT);
    begin();
    expect_refusal(EM_ERR_BUNDLE_COUNT);
}

static void another_bundles_chunk_is_refused(void)
{
    sample_bundle other = sample_bundle_of(2, SAMPLE_IMAGE, SAMPLE_CHUNK, 7);

    begin();
    CHECK_OK(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)));
    CHECK_ERR(em_bundle_open_chunk(&open_, 1, sample_chunk(&other, 1)),
              EM_ERR_BUNDLE_CHUNK);
    expect_refusal(EM_ERR_BUNDLE_CHUNK);
}

/* Seals one chunk under the right key, but at another index or with another final flag:
 * what a publisher's mistake, or a host with an older bundle, could offer. */
static void reseal(em_bytes plain, uint64_t index, bool final, const uint8_t *bundle_id,
                   uint8_t *out)
{
    uint8_t nonce[12], aad[EM_BUNDLE_SEAL_AAD_LEN];
    EM_DROP(em_aead_key) key = {0};

    if (em_bundle_seal_key(&good.key, good.body.bundle_id, &key) != EM_OK) abort();
    em_bundle_seal_nonce(index, nonce);
    em_bundle_seal_aad(bundle_id, index, final, aad);
    if (em_aead_seal(EM_AEAD_AES_256_GCM, &key, nonce, EM_BYTES(aad), plain, out) !=
        EM_OK)
        abort();
}

static void index_final_flag_and_bundle_are_bound(void)
{
    static uint8_t out[SAMPLE_CHUNK + 16];
    uint8_t other_id[32] = {9};
    em_bytes first = em_view(good.image.at, SAMPLE_CHUNK), sealed = EM_BYTES(out);
    const struct {
        uint64_t index;
        bool final;
        const uint8_t *id;
        em_err want;
    } rows[] = {{0, false, good.body.bundle_id, EM_OK},
                {0, true, good.body.bundle_id, EM_ERR_BUNDLE_CHUNK},
                {1, false, good.body.bundle_id, EM_ERR_BUNDLE_CHUNK},
                {(uint64_t)1 << 32, false, good.body.bundle_id, EM_ERR_BUNDLE_CHUNK},
                {0, false, other_id, EM_ERR_BUNDLE_CHUNK}};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        reseal(first, rows[i].index, rows[i].final, rows[i].id, out);
        begin();
        CHECK_ERR(em_bundle_open_chunk(&open_, 0, sealed), rows[i].want);
        em_bundle_open_drop(&open_);
        CHECK(image_is_wiped());
    }
    reseal(em_view(good.image.at + 2 * SAMPLE_CHUNK, 1000), 2, false, good.body.bundle_id,
           out);
    begin(); /* the last must say that it is */
    CHECK_ERR(em_bundle_open_chunk(&open_, 2, em_view(out, 1016)), EM_ERR_BUNDLE_CHUNK);
    expect_refusal(EM_ERR_BUNDLE_CHUNK);
}

/* A chunk that opens under the right key, but is not the one whose hash was signed. */
static void a_chunk_outside_the_signed_root_is_refused(void)
{
    static uint8_t plain[SAMPLE_CHUNK], out[SAMPLE_CHUNK + 16];

    memset(plain, 3, sizeof plain);
    reseal(EM_BYTES(plain), 1, false, good.body.bundle_id, out);
    begin();
    CHECK_OK(em_bundle_open_chunk(&open_, 0, sample_chunk(&good, 0)));
    CHECK_OK(em_bundle_open_chunk(&open_, 1, EM_BYTES(out)));
    CHECK_OK(em_bundle_open_chunk(&open_, 2, sample_chunk(&good, 2)));
    expect_refusal(EM_ERR_BUNDLE_ROOT);

    em_manifest other = manifest; /* and the other way round */
    other.body.root[31] ^= 1;
    begin();
    open_.manifest = &other;
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(em_bundle_open_chunk(&open_, i, sample_chunk(&good, i)));
    expect_refusal(EM_ERR_BUNDLE_ROOT);
}

static void another_tokenizer_than_the_signed_one_is_refused(void)
{
    em_manifest other = manifest;

    other.body.tokenizer_sha256[0] ^= 1;
    begin();
    open_.manifest = &other;
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(em_bundle_open_chunk(&open_, i, sample_chunk(&good, i)));
    expect_refusal(EM_ERR_MODEL_MALFORMED);
}

/* The section need not stand at the front. */
static void the_tokenizer_is_hashed_where_it_lies(void)
{
    em_manifest other = manifest;
    em_bundle_image got;

    other.body.model.tokenizer_offset = 4544;
    em_sha2_256(em_view(good.image.at + 4544, SAMPLE_TOKENIZER_LEN),
                other.body.tokenizer_sha256);
    begin();
    open_.manifest = &other;
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(em_bundle_open_chunk(&open_, i, sample_chunk(&good, i)));
    CHECK_OK(em_bundle_open_finish(&open_, &got));
}

static void key_and_memory_are_checked_first(void)
{
    em_content_key wrong = good.key;
    em_bundle_open o = {0};

#define INIT(key, at, cap, n) em_bundle_open_init(&manifest, key, at, cap, slots, n, &o)
    wrong.b[0] ^= 0x80;
    CHECK_ERR(INIT(&wrong, image, CAP, SLOTS), EM_ERR_KEY_COMMITMENT);
    CHECK_ERR(INIT(&good.key, NULL, CAP, SLOTS), EM_ERR_ARGUMENT);
    CHECK_ERR(INIT(&good.key, image + 4, CAP - 4, SLOTS), EM_ERR_ARGUMENT);
    CHECK_ERR(INIT(&good.key, image, SAMPLE_IMAGE - 1, SLOTS), EM_ERR_ARGUMENT);
    CHECK_ERR(INIT(&good.key, image, CAP, 2), EM_ERR_ARGUMENT);
    CHECK(o.image == NULL);
    em_bundle_open_drop(&o); /* of {0} */
    atomic_init(&slots[3].state, 77);
    CHECK_OK(INIT(&good.key, image, SAMPLE_IMAGE, 3));
    CHECK(atomic_load(&slots[3].state) == 77); /* not one too many */
    em_bundle_open_drop(&o);
}

/* ---- several threads at once ---- */

typedef struct share {
    const sample_bundle *bundle;
    em_bundle_open *open;
    uint32_t first, step;
    unsigned refused;
} share;

static void *open_share(void *arg)
{
    share *s = arg;

    for (uint32_t i = s->first; i < s->bundle->body.n_chunks; i += s->step)
        if (em_bundle_open_chunk(s->open, i, sample_chunk(s->bundle, i)) != EM_OK)
            s->refused++;
    return NULL;
}

static unsigned run_shares(const sample_bundle *b, em_bundle_open *o, uint32_t step)
{
    pthread_t thread[4];
    share s[4];
    unsigned refused = 0;

    for (uint32_t t = 0; t < 4; t++) {
        s[t] = (share){b, o, step == 4 ? t : 0, step == 4 ? 4 : 1, 0};
        if (pthread_create(&thread[t], NULL, open_share, &s[t]) != 0) abort();
    }
    for (uint32_t t = 0; t < 4; t++) {
        pthread_join(thread[t], NULL);
        refused += s[t].refused;
    }
    return refused;
}

static void threads_share_the_work(void)
{
    enum { LEN = 61 * 4096 + 5, N = 62 };
    static _Alignas(64) uint8_t big[LEN];
    static em_bundle_slot many[N];
    sample_bundle b = sample_bundle_of(3, LEN, EM_CHUNK_MIN, 7);
    em_manifest m = facts_of(&b);
    em_bundle_image got;
    EM_DROP(em_bundle_open) o = {0};

    CHECK_OK(em_bundle_open_init(&m, &b.key, big, LEN, many, N, &o));
    CHECK(run_shares(&b, &o, 4) == 0);
    CHECK_OK(em_bundle_open_finish(&o, &got));
    CHECK(em_same(got.bytes, b.image));

    /* four threads each offer every chunk: none is taken twice, and all is refused */
    CHECK_OK(em_bundle_open_init(&m, &b.key, big, LEN, many, N, &o));
    CHECK(run_shares(&b, &o, 1) >= 4 * N - N);
    CHECK_ERR(em_bundle_open_finish(&o, &got), EM_ERR_BUNDLE_COUNT);
    CHECK(em_all_zero(EM_BYTES(big)));
}

static void one_chunk_and_exact_chunks(void)
{
    static const size_t lens[] = {9025, 9216, EM_CHUNK_MIN * 3, EM_CHUNK_MIN * 3 + 1};

    for (size_t i = 0; i < EM_COUNT(lens); i++) {
        uint32_t chunk = i < 2 ? 2 * EM_CHUNK_MIN + 1024 : EM_CHUNK_MIN;
        sample_bundle b = sample_bundle_of(10 + i, lens[i], chunk, 7);
        em_manifest m = facts_of(&b);
        em_bundle_image got;

        CHECK(m.body.n_chunks == (i < 2 ? 1 : i + 1));
        CHECK_OK(em_bundle_open_init(&m, &b.key, image, CAP, slots, SLOTS, &open_));
        for (uint32_t k = 0; k < m.body.n_chunks; k++)
            CHECK_OK(em_bundle_open_chunk(&open_, k, sample_chunk(&b, k)));
        CHECK_OK(em_bundle_open_finish(&open_, &got));
        CHECK(em_same(got.bytes, b.image));
    }
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    good = sample_bundle_of(1, SAMPLE_IMAGE, SAMPLE_CHUNK, 7);
    manifest = facts_of(&good);
    RUN(chunks_open_in_any_order);
    RUN(another_implementation_opens_a_chunk);
    RUN(every_flipped_byte_of_every_chunk_is_refused);
    RUN(every_cut_of_a_chunk_is_refused);
    RUN(swapped_repeated_and_missing_chunks_are_refused);
    RUN(another_bundles_chunk_is_refused);
    RUN(index_final_flag_and_bundle_are_bound);
    RUN(a_chunk_outside_the_signed_root_is_refused);
    RUN(another_tokenizer_than_the_signed_one_is_refused);
    RUN(the_tokenizer_is_hashed_where_it_lies);
    RUN(key_and_memory_are_checked_first);
    RUN(threads_share_the_work);
    RUN(one_chunk_and_exact_chunks);
    return test_end();
}
