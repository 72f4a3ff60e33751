/* The bundle file's head, cut and altered at every byte that means something. */
#include "crypto/setup.h"
#include "tests/bundle/sample.h"

static sample_bundle good;

static void a_head_reads_back(void)
{
    em_bundle_head h;

    CHECK_OK(em_bundle_head_parse(good.file, &h));
    CHECK(em_same(h.manifest, good.manifest));
    CHECK(em_same(h.wrapped_key, EM_STR("a wrapped key")));
    CHECK_OK(em_bundle_head_parse(em_view(good.file.at, EM_BUNDLE_HEAD_LEN), &h));
    CHECK_ERR(em_bundle_head_parse(em_view(good.file.at, EM_BUNDLE_HEAD_LEN - 1), &h),
              EM_ERR_SHORT);
    CHECK_ERR(em_bundle_head_parse((em_bytes){0}, &h), EM_ERR_SHORT);
}

static void the_bytes_are_as_documented(void)
{
    const uint8_t *at = good.file.at;
    size_t m = good.manifest.len;

    CHECK(memcmp(at, "EMBUNDL1", 8) == 0);
    CHECK(at[8] == 0 && at[9] == 0 && (size_t)(at[10] << 8 | at[11]) == m);
    CHECK(memcmp(at + 12, "\0\0\0\15", 4) == 0);
    CHECK(memcmp(at + 16, good.manifest.at, m) == 0);
    CHECK(memcmp(at + 16 + m, "a wrapped key", 13) == 0);
    CHECK(em_all_zero(em_view(at + 29 + m, 65536 - 29 - m)));
    CHECK(good.file.len == em_bundle_head_file_len(&good.body));
}

static void flips_outside_manifest_and_key_are_refused(void)
{
    uint8_t *head = test_alloc(EM_BUNDLE_HEAD_LEN);
    size_t end = 16 + good.manifest.len + 13;
    em_bundle_head h;

    memcpy(head, good.file.at, EM_BUNDLE_HEAD_LEN);
    for (size_t i = 0; i < EM_BUNDLE_HEAD_LEN; i += i == end + 600 ? 64000 - i : 1) {
        head[i] ^= (uint8_t)(1u << (i % 8));
        em_err err = em_bundle_head_parse(em_view(head, EM_BUNDLE_HEAD_LEN), &h);
        test_note("byte %zu", i);
        /* a length that grows takes zeros in, one that shrinks leaves bytes behind */
        bool grows = i >= 8 && i < 16 && (head[i] & ~good.file.at[i]) != 0;
        if (i < 8 || i >= end || (i < 16 && !grows)) {
            CHECK(err == EM_ERR_BUNDLE_MALFORMED);
        } else if (err == EM_OK) {
            CHECK(h.manifest.len <= EM_MAX_MANIFEST);
            CHECK(h.wrapped_key.len <= EM_MAX_WRAPPED_KEY);
        }
        head[i] = good.file.at[i];
    }
}

static void lengths_have_limits(void)
{
    static uint8_t big[EM_MAX_MANIFEST + 1], file[EM_BUNDLE_HEAD_LEN];
    em_bundle_head h;
    const struct {
        size_t manifest, key;
        em_err want;
    } rows[] = {{0, 1, EM_ERR_BUNDLE_MALFORMED},
                {1, 0, EM_ERR_BUNDLE_MALFORMED},
                {1, 1, EM_OK},
                {EM_MAX_MANIFEST, EM_MAX_WRAPPED_KEY, EM_OK},
                {EM_MAX_MANIFEST + 1, 1, EM_ERR_BUNDLE_MALFORMED},
                {1, EM_MAX_WRAPPED_KEY + 1, EM_ERR_BUNDLE_MALFORMED}};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_out o = EM_OUT(file), by_hand = EM_OUT(file);
        CHECK_ERR(em_bundle_head_write(em_view(big, rows[i].manifest),
                                       em_view(big, rows[i].key), &o),
                  rows[i].want);
        memset(file, 0, sizeof file);
        em_write_bytes(&by_hand, EM_STR("EMBUNDL1"));
        em_write_be32(&by_hand, (uint32_t)rows[i].manifest);
        em_write_be32(&by_hand, (uint32_t)rows[i].key);
        CHECK_ERR(em_bundle_head_parse(EM_BYTES(file), &h), rows[i].want);
    }
    static uint8_t behind[100 + EM_BUNDLE_HEAD_LEN];
    em_out later = EM_OUT(behind);
    em_write_zeros(&later, 100);
    CHECK_OK(em_bundle_head_write(EM_STR("m"), EM_STR("k"), &later));
    CHECK(later.len == sizeof behind);
    em_out full = em_out_over(file, 10);
    CHECK_ERR(em_bundle_head_write(EM_STR("m"), EM_STR("k"), &full), EM_ERR_FULL);
    em_out small = em_out_over(file, EM_BUNDLE_HEAD_LEN - 1);
    CHECK_ERR(em_bundle_head_write(EM_STR("m"), EM_STR("k"), &small), EM_ERR_FULL);
}

static void spans_follow_from_the_body(void)
{
    em_bundle_span s;
    uint64_t file_at = EM_BUNDLE_HEAD_LEN, image_at = 0;

    for (uint32_t i = 0; i < good.body.n_chunks; i++) {
        CHECK_OK(em_bundle_head_span(&good.body, i, &s));
        CHECK(s.file_at == file_at && s.image_at == image_at);
        CHECK(s.sealed_len == s.plain_len + 16);
        file_at += s.sealed_len, image_at += s.plain_len;
    }
    CHECK(file_at == good.file.len && image_at == good.image.len);
    CHECK_ERR(em_bundle_head_span(&good.body, good.body.n_chunks, &s),
              EM_ERR_BUNDLE_COUNT);
    CHECK_ERR(em_bundle_head_span(&good.body, UINT32_MAX, &s), EM_ERR_BUNDLE_COUNT);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    good = sample_bundle_of(1, SAMPLE_IMAGE, SAMPLE_CHUNK, 7);
    RUN(a_head_reads_back);
    RUN(the_bytes_are_as_documented);
    RUN(flips_outside_manifest_and_key_are_refused);
    RUN(lengths_have_limits);
    RUN(spans_follow_from_the_body);
    return test_end();
}
