/* Sealing: exact sizes in order, and nothing before the last chunk. */
#include "bundle/bundle_seal.h"

#include "crypto/setup.h"
#include "tests/bundle/sample.h"

static const uint8_t id[EM_BUNDLE_ID_LEN] = {4};
static const em_content_key key = {{5}};
static uint8_t plain[EM_CHUNK_MIN + 1], out[EM_CHUNK_MIN + 17];

static void sizes_are_checked(void)
{
    EM_DROP(em_bundle_seal) s = {0};
    const struct {
        uint64_t image_len;
        uint32_t chunk_len;
        em_err want;
    } rows[] = {{1, EM_CHUNK_MIN, EM_OK},
                {0, EM_CHUNK_MIN, EM_ERR_BUNDLE_MALFORMED},
                {1, EM_CHUNK_MIN - 1, EM_ERR_BUNDLE_MALFORMED},
                {1, EM_CHUNK_MAX, EM_OK},
                {1, EM_CHUNK_MAX + 1, EM_ERR_BUNDLE_MALFORMED},
                {1, 0, EM_ERR_BUNDLE_MALFORMED},
                {(uint64_t)EM_MAX_CHUNKS * EM_CHUNK_MIN, EM_CHUNK_MIN, EM_OK},
                {(uint64_t)EM_MAX_CHUNKS * EM_CHUNK_MIN + 1, EM_CHUNK_MIN,
                 EM_ERR_BUNDLE_MALFORMED},
                {EM_MAX_BUNDLE, EM_CHUNK_MAX, EM_OK},
                {EM_MAX_BUNDLE + 1, EM_CHUNK_MAX, EM_ERR_BUNDLE_MALFORMED}};

    for (size_t i = 0; i < EM_COUNT(rows); i++)
        CHECK_ERR(em_bundle_seal_init(&key, id, rows[i].image_len, rows[i].chunk_len, &s),
                  rows[i].want);
}

static void chunks_come_in_order_and_whole(void)
{
    EM_DROP(em_bundle_seal) s = {0};
    em_manifest_body b = sample_body();

    CHECK_ERR(em_bundle_seal_finish(&s, &b), EM_ERR_BUNDLE_COUNT);
    CHECK_OK(em_bundle_seal_init(&key, id, EM_CHUNK_MIN + 100, EM_CHUNK_MIN, &s));
    CHECK(em_bundle_seal_want(&s) == EM_CHUNK_MIN);
    CHECK_ERR(em_bundle_seal_next(&s, em_view(plain, EM_CHUNK_MIN - 1), out),
              EM_ERR_BUNDLE_COUNT);
    CHECK_ERR(em_bundle_seal_next(&s, em_view(plain, EM_CHUNK_MIN + 1), out),
              EM_ERR_BUNDLE_COUNT);
    CHECK_OK(em_bundle_seal_next(&s, em_view(plain, EM_CHUNK_MIN), out));
    CHECK_ERR(em_bundle_seal_finish(&s, &b), EM_ERR_BUNDLE_COUNT);
    CHECK(em_bundle_seal_want(&s) == 100);
    CHECK_OK(em_bundle_seal_next(&s, em_view(plain, 100), out));
    CHECK(em_bundle_seal_want(&s) == 0);
    CHECK_ERR(em_bundle_seal_next(&s, em_view(plain, 100), out), EM_ERR_BUNDLE_COUNT);
    CHECK_ERR(em_bundle_seal_next(&s, (em_bytes){0}, out), EM_ERR_BUNDLE_COUNT);
    CHECK_OK(em_bundle_seal_finish(&s, &b));
    CHECK(b.n_chunks == 2 && b.image_len == EM_CHUNK_MIN + 100);
    CHECK(em_same(EM_BYTES(b.bundle_id), EM_BYTES(id)));
}

static void equal_chunks_do_not_look_equal(void)
{
    EM_DROP(em_bundle_seal) s = {0};
    static uint8_t second[EM_CHUNK_MIN + 16];

    CHECK_OK(em_bundle_seal_init(&key, id, 2 * EM_CHUNK_MIN, EM_CHUNK_MIN, &s));
    CHECK_OK(em_bundle_seal_next(&s, em_view(plain, EM_CHUNK_MIN), out));
    CHECK_OK(em_bundle_seal_next(&s, em_view(plain, EM_CHUNK_MIN), second));
    CHECK(memcmp(out, second, EM_CHUNK_MIN) != 0);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(sizes_are_checked);
    RUN(chunks_come_in_order_and_whole);
    RUN(equal_chunks_do_not_look_equal);
    return test_end();
}
