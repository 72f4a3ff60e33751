#include "base/em.h"

#ifdef EM_VALGRIND
#include <valgrind/memcheck.h>
#endif

typedef struct error_row {
    const char *name;
    const char *text;
    em_face face;
} error_row;

static const error_row rows[] = {
    {"OK", "done", EM_FACE_NONE},
#define EM_ERROR(name, face, text) {#name, text, EM_FACE_##face},
#include "base/errors.def"
#undef EM_ERROR
};

static const error_row *row_of(em_err err)
{
    size_t i = (size_t)err;
    return &rows[i < EM_COUNT(rows) ? i : (size_t)EM_ERR_INTERNAL];
}

const char *em_err_name(em_err err)
{
    return row_of(err)->name;
}

const char *em_err_text(em_err err)
{
    return row_of(err)->text;
}

em_face em_err_face(em_err err)
{
    return row_of(err)->face;
}

void em_wipe(void *at, size_t len)
{
    if (len == 0) return;
    memset(at, 0, len);
    __asm__ __volatile__("" : : "r"(at) : "memory"); /* the stores are observed */
}

bool em_ct_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < len; i++) differ = (uint8_t)(differ | (x[i] ^ y[i]));
    return differ == 0;
}

void em_declassify(const void *at, size_t len)
{
#ifdef EM_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(at, len);
#else
    (void)at, (void)len;
#endif
}

bool em_same(em_bytes a, em_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int em_order(em_bytes a, em_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int by_bytes = common == 0 ? 0 : memcmp(a.at, b.at, common);

    if (by_bytes != 0) return by_bytes < 0 ? -1 : 1;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool em_all_zero(em_bytes a)
{
    uint8_t any = 0;

    for (size_t i = 0; i < a.len; i++) any = (uint8_t)(any | a.at[i]);
    return any == 0;
}

/* How long a sequence that starts with `lead` is, and the range of its second byte:
 * Unicode 15, table 3-7. */
static size_t utf8_shape(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = 0x80;
    *ret_high = 0xBF;
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return 2;
    if (lead == 0xE0) *ret_low = 0xA0;
    if (lead == 0xED) *ret_high = 0x9F;
    if (lead < 0xF0) return 3;
    if (lead == 0xF0) *ret_low = 0x90;
    if (lead == 0xF4) *ret_high = 0x8F;
    return lead < 0xF5 ? 4 : 0;
}

bool em_is_utf8(em_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        uint8_t low, high;
        size_t n = utf8_shape(text.at[i], &low, &high);

        if (n == 0 || n > text.len - i) return false;
        for (size_t k = 1; k < n; k++) {
            uint8_t c = text.at[i + k];
            if (c < low || c > high) return false;
            low = 0x80, high = 0xBF;
        }
        i += n;
    }
    return true;
}

em_err em_add(size_t a, size_t b, size_t *ret_sum)
{
    size_t sum;

    if (__builtin_add_overflow(a, b, &sum)) return EM_ERR_LIMIT;
    *ret_sum = sum;
    return EM_OK;
}

em_err em_mul(size_t a, size_t b, size_t *ret_product)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product)) return EM_ERR_LIMIT;
    *ret_product = product;
    return EM_OK;
}
