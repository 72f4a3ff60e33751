/* covers: shared/bundle/bundle_head.c shared/bundle/bundle_open.c
 *
 * Bundles.  First byte 'h': the head of a file, zeros behind.  Otherwise: what a host
 * might offer as the chunks of a good bundle, three bytes a turn (chunk index, which
 * chunk's bytes, what is done to them); the image appears only if every chunk came once,
 * unaltered, and is then the one that was sealed. */
#include "bundle/bundle_open.h"
#include "bundle/bundle_seal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N = 5, IMAGE = 4 * EM_CHUNK_MIN + 100, SEALED = EM_CHUNK_MIN + EM_AEAD_TAG_LEN };

static _Alignas(64) uint8_t plain[IMAGE], image[IMAGE];
static uint8_t sealed[N][SEALED];
static const em_content_key key = {{7}};
static em_manifest manifest;
static em_bundle_slot slots[N];

static void make_bundle(void)
{
    static const uint8_t id[EM_BUNDLE_ID_LEN] = {9};
    EM_DROP(em_bundle_seal) seal = {0};
    em_manifest_body *b = &manifest.body;

    for (size_t i = 0; i < IMAGE; i++) plain[i] = (uint8_t)(i * 7 + (i >> 8));
    if (em_bundle_seal_init(&key, id, IMAGE, EM_CHUNK_MIN, &seal) != EM_OK) abort();
    for (uint32_t i = 0; i < N; i++) {
        em_bytes next =
            em_view(plain + (size_t)i * EM_CHUNK_MIN, em_bundle_seal_want(&seal));
        if (em_bundle_seal_next(&seal, next, sealed[i]) != EM_OK) abort();
    }
    if (em_bundle_seal_finish(&seal, b) != EM_OK) abort();
    b->model.tokenizer_len = 64;
    em_sha2_256(em_view(plain, 64), b->tokenizer_sha256);
}

static size_t sealed_len(uint32_t i)
{
    return i < N - 1 ? SEALED : 100 + EM_AEAD_TAG_LEN;
}

static void try_chunks(em_bytes turns)
{
    EM_DROP(em_bundle_open) open = {0};
    em_bundle_image got;
    unsigned came[N] = {0};
    bool clean = true;

    memset(image, 0xEE, sizeof image);
    if (em_bundle_open_init(&manifest, &key, image, IMAGE, slots, N, &open) != EM_OK)
        abort();
    for (; turns.len >= 3; turns = em_view(turns.at + 3, turns.len - 3)) {
        uint8_t chunk[SEALED + 1] = {0};
        uint32_t index = turns.at[0] % 8, from = turns.at[1] % N;
        size_t len = sealed_len(from), cut = turns.at[2];

        memcpy(chunk, sealed[from], len);
        if (cut >= 128)
            chunk[(cut - 128) * 31 % len] ^= 1;
        else if (cut >= 64)
            len -= (cut - 63) % len;
        else if (cut >= 32)
            len++;
        bool right = index == from && cut < 32 && came[from]++ == 0;
        clean = clean && right;
        em_err err = em_bundle_open_chunk(&open, index, em_view(chunk, len));
        if ((err == EM_OK) != clean) abort();
    }
    for (uint32_t i = 0; i < N; i++) clean = clean && came[i] == 1;
    if ((em_bundle_open_finish(&open, &got) == EM_OK) != clean) abort();
    if (clean && !em_same(got.bytes, EM_BYTES(plain))) abort();
    if (!clean && !em_all_zero(EM_BYTES(image))) abort();
}

static void try_head(em_bytes in)
{
    static uint8_t head[EM_BUNDLE_HEAD_LEN], back[EM_BUNDLE_HEAD_LEN];
    em_out o = EM_OUT(back);
    em_bundle_head h;

    if (in.len > sizeof head) in.len = sizeof head;
    memset(head, 0, sizeof head);
    if (in.len > 0) memcpy(head, in.at, in.len);
    if (em_bundle_head_parse(EM_BYTES(head), &h) != EM_OK) return;
    if (em_bundle_head_write(h.manifest, h.wrapped_key, &o) != EM_OK) abort();
    if (memcmp(head, back, sizeof head) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (manifest.body.n_chunks == 0) make_bundle();
    if (size > 0 && data[0] == 'h')
        try_head(em_view(data + 1, size - 1));
    else
        try_chunks(em_view(data, size));
    return 0;
}
