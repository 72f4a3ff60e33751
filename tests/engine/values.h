/* values.h - floats of every kind that a kernel may meet.
 *
 * Trust:  test code only.
 * Memory: none.
 */
#ifndef EM_TESTS_ENGINE_VALUES_H
#define EM_TESTS_ENGINE_VALUES_H

#include "tests/engine/fixture.h"

#include <math.h>

typedef enum kind {
    ORDINARY,
    DENORMAL,
    ZEROS,
    HUGE_ONES,
    INFINITE,
    ANY_BITS,
    KINDS
} kind;

static inline float of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float value(test_random *r, kind k)
{
    uint32_t bits = (uint32_t)test_random_next(r);
    bool rare = bits % 7 == 0;

    switch (k) {
    case DENORMAL:
        return of_bits(bits & 0x807FFFFFu);
    case ZEROS:
        return rare ? fixture_normal(r, 1) : of_bits(bits & 0x80000000u);
    case HUGE_ONES:
        return of_bits((bits & 0x81FFFFFFu) | 0x7C000000u) * 0.99f;
    case INFINITE:
        return rare ? of_bits((bits & 0x80000000u) | 0x7F800000u) : 1.5f;
    case ANY_BITS:
        return of_bits(bits);
    default:
        return fixture_normal(r, rare ? 40.0f : 1.5f);
    }
}

static inline void fill(test_random *r, kind k, float *at, size_t n)
{
    for (size_t i = 0; i < n; i++) at[i] = value(r, k);
}

/* The same bits, or a NaN each. */
static inline bool same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bits_of(a[i]) != bits_of(b[i]) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

#endif
