/* The vocabulary: errors, views, UTF-8, readers, writers, the arena. */
#include "base/arena.h"
#include "base/read.h"
#include "base/write.h"
#include "tests/support/test.h"

static void errors_have_names_texts_and_faces(void)
{
    CHECK(strcmp(em_err_name(EM_OK), "OK") == 0);
    CHECK(strcmp(em_err_name(EM_ERR_SIG_FAILED), "SIG_FAILED") == 0);
    CHECK(em_err_face(EM_ERR_SIG_FAILED) == EM_FACE_REFUSED);
    for (int e = 1; e < EM_ERR_COUNT_; e++) {
        size_t len = strlen(em_err_text((em_err)e));
        CHECK(len > 3 && em_err_text((em_err)e)[len - 1] != '.');
        CHECK(em_err_face((em_err)e) != EM_FACE_NONE);
    }
    CHECK(em_err_face((em_err)9999) == EM_FACE_BROKEN);
}

static void utf8_is_rfc_3629(void)
{
    static const char *good[] = {"",
                                 "a",
                                 "\xC2\x80",
                                 "\xE0\xA0\x80",
                                 "\xED\x9F\xBF",
                                 "\xF0\x90\x80\x80",
                                 "\xF4\x8F\xBF\xBF"};
    static const char *bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xC2",         "\xE1\x80",         "\xF1\x80\x80"};
    for (size_t i = 0; i < EM_COUNT(good); i++)
        CHECK(em_is_utf8(em_view(good[i], strlen(good[i]))));
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        CHECK(!em_is_utf8(em_view(bad[i], strlen(bad[i]))));
}

static void a_reader_keeps_its_first_error(void)
{
    em_reader r = {.left = EM_STR("\x01\x02\x03")};

    CHECK(em_read_be16(&r) == 0x0102);
    CHECK(em_read_be32(&r) == 0);
    CHECK(em_read_u8(&r) == 0); /* sticky, although a byte is left */
    CHECK_ERR(em_read_end(&r), EM_ERR_SHORT);

    em_reader left = {.left = EM_STR("\x01\x02")};
    CHECK(em_read_u8(&left) == 1);
    CHECK_ERR(em_read_end(&left), EM_ERR_TRAILING);
}

static void a_writer_never_passes_its_capacity(void)
{
    uint8_t b[8] = {0};
    em_out o = em_out_over(b, 6);

    em_write_be32(&o, 0x01020304);
    em_write_hex(&o, EM_STR("\xAB"));
    CHECK_OK(em_write_end(&o));
    CHECK(em_same(em_write_view(&o), EM_STR("\x01\x02\x03\x04"
                                            "ab")));
    em_write_u8(&o, 9);
    CHECK_ERR(em_write_end(&o), EM_ERR_FULL);
    CHECK(b[6] == 0 && o.len == 6);
    em_out d = EM_OUT(b);
    em_write_decimal(&d, 0);
    em_write_decimal(&d, 907);
    CHECK(em_same(em_write_view(&d), EM_STR("0907")));
}

static void an_arena_is_bounded_and_wiped(void)
{
    static _Alignas(64) uint8_t block[256];
    em_arena a;
    void *p = NULL, *q = NULL;

    em_arena_init(&a, block, sizeof block);
    CHECK_OK(em_arena_take(&a, 3, 5, &p));
    CHECK_OK(em_arena_take(&a, 1, 64, &q));
    CHECK((uint8_t *)q - (uint8_t *)p == 64);
    CHECK_ERR(em_arena_take(&a, SIZE_MAX / 2, 3, &q), EM_ERR_LIMIT);
    CHECK_ERR(em_arena_take(&a, 1, 200, &q), EM_ERR_FULL);
    memset(p, 7, 15);
    em_arena_wipe(&a);
    CHECK(em_all_zero(EM_BYTES(block)) && a.used == 0 && a.peak == 128);
}

static void comparisons(void)
{
    CHECK(em_ct_equal("abc", "abc", 3) && !em_ct_equal("abc", "abd", 3));
    CHECK(em_ct_equal(NULL, NULL, 0));
    CHECK(em_order(EM_STR("a"), EM_STR("ab")) < 0 &&
          em_order(EM_STR("b"), EM_STR("ab")) > 0);
    CHECK(em_order(EM_STR("a"), EM_STR("a")) == 0);
    size_t n;
    CHECK_ERR(em_add(SIZE_MAX, 1, &n), EM_ERR_LIMIT);
    CHECK_OK(em_mul(3, 4, &n));
    CHECK(n == 12);
}

int main(void)
{
    RUN(errors_have_names_texts_and_faces);
    RUN(utf8_is_rfc_3629);
    RUN(a_reader_keeps_its_first_error);
    RUN(a_writer_never_passes_its_capacity);
    RUN(an_arena_is_bounded_and_wiped);
    RUN(comparisons);
    return test_end();
}
