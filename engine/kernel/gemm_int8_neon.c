/* Without SDOT: eight byte products in 16 bits each, |product| <= 2^14, then added in
 * pairs to 32 bits.  A tile of 3 rows by 16 columns has 24 accumulators: two for every
 * four columns, each holding half of two columns' sums, joined at the end. */
#include "engine/kernel/gemm_int8_neon_impl.h"

#if defined(__aarch64__)

enum { TILE = 3 };

#define FOR_ROWS(m, DO, ...)                                                             \
    do {                                                                                 \
        DO(0, __VA_ARGS__);                                                              \
        if ((m) > 1) DO(1, __VA_ARGS__);                                                 \
        if ((m) > 2) DO(2, __VA_ARGS__);                                                 \
    } while (0)

static inline __attribute__((always_inline)) int32x4_t low(int32x4_t sum, int8x16_t a,
                                                           int8x16_t b)
{
    return vpadalq_s16(sum, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
}

static inline __attribute__((always_inline)) int32x4_t high(int32x4_t sum, int8x16_t a,
                                                            int8x16_t b)
{
    return vpadalq_s16(sum, vmull_high_s8(a, b));
}

static inline __attribute__((always_inline)) void tile(size_t m, const em_gemm_int8 *g,
                                                       size_t first, size_t panel,
                                                       const int32_t *lift, ahead next)
{
    const size_t stride = g->a_stride, depth = g->depth;
    const uint8_t *a = g->a + first * stride;
    const int8_t *b = g->b + panel * ((depth + EM_FOURS - 1) / EM_FOURS) *
                                 (size_t)EM_GEMM_INT8_NEON_LINE;
#define DECLARE(i)                                                                       \
    int32x4_t p##i = vdupq_n_s32(0), q##i = p##i, r##i = p##i, s##i = p##i;              \
    int32x4_t t##i = p##i, u##i = p##i, v##i = p##i, w##i = p##i
    DECLARE(0);
    DECLARE(1);
    DECLARE(2);
#undef DECLARE

    for (size_t k = 0; k < depth; k += EM_FOURS, b += EM_GEMM_INT8_NEON_LINE) {
        int8x16_t x0, x1, x2;
        __builtin_prefetch(next.at);
        next.at += next.step;
#define READ(i, k) x##i = em_gemm_int8_neon_four(a + (i)*stride + (k), depth - (k))
        FOR_ROWS(m, READ, k);
#undef READ
/* four columns; the barrier keeps to one vector of the panel and the products of one row
 * in the registers, without it gcc 12 spills accumulators */
#define ADD(i, even, odd)                                                                \
    do {                                                                                 \
        even##i = low(even##i, x##i, y), odd##i = high(odd##i, x##i, y);                 \
        __asm__ volatile("" : "+w"(even##i), "+w"(odd##i), "+w"(y) : : "memory");        \
    } while (0)
#define COLUMNS(even, odd, at)                                                           \
    do {                                                                                 \
        int8x16_t y = vld1q_s8(b + (at));                                                \
        FOR_ROWS(m, ADD, even, odd);                                                     \
    } while (0)
        COLUMNS(p, q, 0);
        COLUMNS(r, s, 16);
        COLUMNS(t, u, 32);
        COLUMNS(v, w, 48);
    }
#define STORE(i, lift)                                                                   \
    do {                                                                                 \
        em_gemm_int8_neon_store(g, first + (i), panel, 0, lift, vpaddq_s32(p##i, q##i)); \
        em_gemm_int8_neon_store(g, first + (i), panel, 1, lift, vpaddq_s32(r##i, s##i)); \
        em_gemm_int8_neon_store(g, first + (i), panel, 2, lift, vpaddq_s32(t##i, u##i)); \
        em_gemm_int8_neon_store(g, first + (i), panel, 3, lift, vpaddq_s32(v##i, w##i)); \
    } while (0)
    FOR_ROWS(m, STORE, lift);
#undef STORE
}

#define TILE_OF(m)                                                                       \
    static __attribute__((noinline)) void tile_##m(const em_gemm_int8 *g, size_t first,  \
                                                   size_t panel, const int32_t *lift,    \
                                                   ahead next)                           \
    {                                                                                    \
        tile(m, g, first, panel, lift, next);                                            \
    }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)

void em_gemm_int8_neon(const em_gemm_int8 *g)
{
    static em_gemm_int8_neon_height *const by_height[] = {NULL, tile_1, tile_2, tile_3};

    em_gemm_int8_neon_all(by_height, TILE, g);
}
#endif
